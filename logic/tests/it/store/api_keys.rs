//! Keys of servers.

use oort_api::pb::oort::v1::User;
use oort_logic::policy::keys::KeyScope;
use oort_logic::store::{NewApiKey, NewSanction, SanctionKind};

use super::fixture::{Fixture, NOW, id, user};

fn key(name: &str, hash: u8, user: Option<&User>) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        prefix: format!("oort_{name}"),
        hash: [hash; 32],
        scopes: vec![KeyScope::MessagesSend, KeyScope::Push],
        user: user.map(id),
        creator_id: 5,
        now_ms: NOW,
        expires_at_ms: 0,
        keys_max: 3,
    }
}

pub(crate) async fn a_key_is_known_by_its_hash_until_it_ends(fixture: Fixture) {
    let store = fixture.open().await;
    let ann = user(&store, "ann").await;
    let made = store.create_api_key(&key("bot", 1, Some(&ann))).await.expect("answers").expect("made");
    assert_eq!((made.name.as_str(), made.prefix.as_str(), made.used_at_ms), ("bot", "oort_bot", 0));
    assert_eq!((made.user.clone(), made.creator_id, made.created_at_ms), (Some(ann.clone()), 5, NOW));
    assert_eq!(made.scopes, [KeyScope::MessagesSend, KeyScope::Push]);
    let short = NewApiKey { expires_at_ms: NOW + 10, ..key("short", 2, None) };
    let short = store.create_api_key(&short).await.expect("answers").expect("made");
    assert_eq!(short.user, None);
    assert_eq!(store.api_key(&[1; 32], NOW).await.expect("answers").as_ref(), Some(&made));
    assert!(store.api_key(&[2; 32], NOW + 9).await.expect("answers").is_some());
    assert_eq!(store.api_key(&[2; 32], NOW + 10).await.expect("answers"), None, "its time is over");
    assert_eq!(store.api_key(&[9; 32], NOW).await.expect("answers"), None);
    store.note_api_key(made.id, NOW + 5).await.expect("noted");
    store.note_api_key(made.id, NOW + 3).await.expect("answers");
    let keys = store.api_keys(10).await.expect("answers");
    assert_eq!(
        keys.iter().map(|key| (key.id, key.used_at_ms)).collect::<Vec<_>>(),
        [(made.id, NOW + 5), (short.id, 0)]
    );
    assert!(store.create_api_key(&key("third", 3, None)).await.expect("answers").is_some());
    assert_eq!(
        store.create_api_key(&key("fourth", 4, None)).await.expect("answers"),
        None,
        "there are enough"
    );
    assert!(store.revoke_api_key(made.id).await.expect("revoked"));
    assert!(!store.revoke_api_key(made.id).await.expect("answers"));
    assert_eq!(store.api_key(&[1; 32], NOW).await.expect("answers"), None);
}

pub(crate) async fn a_key_ends_with_its_account(fixture: Fixture) {
    let store = fixture.open().await;
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    store.create_api_key(&key("a", 1, Some(&ann))).await.expect("answers").expect("made");
    store.create_api_key(&key("b", 2, Some(&bob))).await.expect("answers").expect("made");
    let ban = NewSanction {
        user: id(&ann),
        kind: SanctionKind::Ban,
        until_ms: NOW + 10,
        reason: "spam".to_owned(),
        actor_id: 5,
        now_ms: NOW,
    };
    store.sanction("node", &ban).await.expect("bans");
    assert_eq!(store.api_key(&[1; 32], NOW).await.expect("answers"), None, "banned");
    assert!(store.api_key(&[1; 32], NOW + 10).await.expect("answers").is_some(), "the ban is over");
    store.deactivate(id(&bob), NOW).await.expect("deactivates");
    assert_eq!(store.api_key(&[2; 32], NOW).await.expect("answers"), None, "deactivated");
    store.delete_account(id(&bob), false, NOW).await.expect("deletes");
    assert_eq!(store.api_key(&[2; 32], NOW).await.expect("answers"), None, "deleted");
}
