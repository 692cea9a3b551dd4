//! Operators and their audit.

use oort_api::ids::UserId;
use oort_logic::policy::operators::OperatorRole;
use oort_logic::store::{Error, NewAudit};

use super::fixture::{Fixture, NOW, id, user};

pub(crate) async fn the_role_is_given_and_taken(fixture: Fixture) {
    let store = fixture.open().await;
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    assert_eq!(store.operator_role(id(&ann)).await.expect("answers"), None);
    assert!(store.operators(10).await.expect("answers").is_empty());
    assert!(store.grant_operator(id(&bob), OperatorRole::Administrator, NOW).await.expect("granted"));
    assert!(store.grant_operator(id(&ann), OperatorRole::Administrator, NOW + 1).await.expect("granted"));
    assert!(
        !store.grant_operator(id(&ann), OperatorRole::Administrator, NOW + 2).await.expect("answers"),
        "she has it"
    );
    assert_eq!(store.operator_role(id(&ann)).await.expect("answers"), Some(OperatorRole::Administrator));
    let operators = store.operators(10).await.expect("answers");
    let seen: Vec<_> = operators.iter().map(|one| (one.user.username.as_str(), one.granted_at_ms)).collect();
    assert_eq!(seen, [("ann", NOW + 1), ("bob", NOW)]);
    assert_eq!(store.operators(1).await.expect("answers").len(), 1);
    assert!(
        store.grant_operator(id(&ann), OperatorRole::Moderator, NOW + 3).await.expect("granted"),
        "another"
    );
    assert_eq!(store.operator_role(id(&ann)).await.expect("answers"), Some(OperatorRole::Moderator));
    let roles: Vec<_> =
        store.operators(10).await.expect("answers").iter().map(|one| (one.role, one.granted_at_ms)).collect();
    assert_eq!(roles, [(OperatorRole::Moderator, NOW + 3), (OperatorRole::Administrator, NOW)]);
    assert!(store.revoke_operator(id(&ann)).await.expect("revoked"));
    assert!(!store.revoke_operator(id(&ann)).await.expect("answers"), "she had it no more");
    assert_eq!(store.operator_role(id(&ann)).await.expect("answers"), None);
    assert_eq!(store.operator_role(id(&bob)).await.expect("answers"), Some(OperatorRole::Administrator));
    let nobody =
        store.grant_operator(UserId::new(99).expect("positive"), OperatorRole::Administrator, NOW).await;
    assert!(matches!(nobody, Err(Error::NoUser(99))), "{nobody:?}");
}

pub(crate) async fn the_audit_is_read_newest_first(fixture: Fixture) {
    let store = fixture.open().await;
    let ann = user(&store, "ann").await;
    let audit = |actor_id, at_ms, subject: &str| NewAudit {
        at_ms,
        actor_id,
        action: "kick",
        subject: subject.to_owned(),
        details: "{\"key\":\"å'\\\\\"}".to_owned(),
    };
    let mut ids = Vec::new();
    for number in 0..5 {
        let actor = if number == 0 { 0 } else { ann.id };
        ids.push(store.add_audit(&audit(actor, NOW + number, &number.to_string())).await.expect("recorded"));
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let newest = store.audit(i64::MAX, 2).await.expect("answers");
    assert_eq!(newest.iter().map(|one| one.id).collect::<Vec<_>>(), [ids[4], ids[3]]);
    assert_eq!((newest[0].actor_name.as_str(), newest[0].action.as_str()), ("ann", "kick"));
    assert_eq!((newest[0].subject.as_str(), newest[0].at_ms), ("4", NOW + 4));
    assert_eq!(newest[0].details, "{\"key\":\"å'\\\\\"}");
    let rest = store.audit(newest[1].id, 10).await.expect("answers");
    assert_eq!(rest.iter().map(|one| one.id).collect::<Vec<_>>(), [ids[2], ids[1], ids[0]]);
    assert_eq!((rest[2].actor_id, rest[2].actor_name.as_str()), (0, ""), "the command line");
}
