//! Groups: roles, what they show, links, keys of clients, and what users make of conversations for themselves.

use std::sync::Arc;

use oort_api::Code;
use oort_api::op;
use oort_api::pb::goim::logic::push_msg::{Effect, Type};
use oort_api::pb::oort::v1::conversation_event::Change;
use oort_api::pb::oort::v1::{Conversation, MemberRole, User, UserEvent};
use oort_logic::policy::Role;
use oort_logic::store::{
    Appended, ClientKey, Error, GroupChange, GroupEdit, NewGroup, NewLink, OutboxRow, Range, SettingsChange,
    Store,
};
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::fixture::{
    Changes, Fixture, NOW, conversation, id, message, pushed_event, pushed_message, records, unique, user,
};

/// The code of a refusal.
fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Code {
    match outcome {
        Err(Error::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// What the SYSTEM message of a change says.
fn said(row: &OutboxRow) -> Value {
    let records = records(row);
    let (_, push) = records.iter().find(|(_, push)| push.operation == op::SEND_MESSAGE).expect("a message");
    serde_json::from_str(&pushed_message(push).content).expect("JSON")
}

async fn entry(store: &Arc<dyn Store>, reader: &User, place: oort_api::ids::ConversationId) -> Conversation {
    let list = store.conversations_of(id(reader), 100, 0).await.expect("answers");
    list.into_iter().find(|entry| entry.id == place.get()).expect("it is listed")
}

async fn send(
    store: &Arc<dyn Store>,
    place: oort_api::ids::ConversationId,
    sender: &User,
    now_ms: i64,
) -> Appended {
    let batch = [message(place, sender, &unique(), "x")];
    store.append("node", &batch, &[], now_ms).await.expect("answers").0.remove(0)
}

pub(crate) async fn roles_are_given_taken_and_shown(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) =
        store.create_group("node", "Team", &ada, &[id(&bob), id(&eve)], NOW).await.expect("creates");
    assert_eq!(entry(&store, &ada, group.id).await.role(), MemberRole::Owner);
    assert_eq!(entry(&store, &bob, group.id).await.role(), MemberRole::Member);
    assert_eq!(entry(&store, &ada, conversation(1)).await.role(), MemberRole::Unspecified);

    let up = GroupChange::SetRole(id(&bob), Role::Admin);
    let row = store.change("node", group.id, &ada, up.clone(), NOW).await.expect("may").expect("changes");
    let person = json!([{ "id": bob.id.to_string(), "username": "bob" }]);
    assert_eq!(said(&row), json!({ "event": "role_changed", "users": person, "role": "admin" }));
    assert_eq!(store.change("node", group.id, &ada, up, NOW).await.expect("may"), None, "a repeat");
    assert_eq!(entry(&store, &bob, group.id).await.role(), MemberRole::Admin);
    let members = store.members(group.id, 0, 10).await.expect("answers");
    let roles: Vec<_> = members.iter().map(|member| member.role).collect();
    assert_eq!(roles, [Role::Owner, Role::Admin, Role::Member]);
    let seen = store.group(group.id, id(&eve)).await.expect("answers").expect("is there");
    assert_eq!((seen.role, seen.state.members), (Role::Member, 3));
    assert_eq!(seen.managers, [(id(&ada), Role::Owner), (id(&bob), Role::Admin)]);

    // An admin removes a member, but nobody above; the owner hands over before she goes.
    assert_eq!(code(store.remove_member("node", group.id, &bob, id(&ada), NOW).await), Code::Forbidden);
    assert_eq!(code(store.remove_member("node", group.id, &ada, id(&ada), NOW).await), Code::Forbidden);
    let over = GroupChange::HandOver(id(&bob));
    let row = store.change("node", group.id, &ada, over.clone(), NOW).await.expect("may").expect("changes");
    assert_eq!(said(&row), json!({ "event": "owner_changed", "users": person }));
    assert_eq!(store.change("node", group.id, &ada, over, NOW).await.expect("a repeat"), None);
    store.remove_member("node", group.id, &ada, id(&ada), NOW).await.expect("may").expect("was one");
    let seen = store.group(group.id, id(&ada)).await.expect("answers").expect("is there");
    assert_eq!((seen.role, seen.state.members), (Role::Stranger, 2));
    assert_eq!(seen.managers, [(id(&bob), Role::Owner)]);
    assert!(store.group(conversation(1), id(&ada)).await.expect("answers").is_none(), "no group");
}

pub(crate) async fn what_a_group_shows_reaches_its_room(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[id(&bob)], NOW).await.expect("creates");
    let edit = GroupEdit {
        name: Some("Tea".to_owned()),
        avatar: Some("a.png".to_owned()),
        announcement: Some("five o'clock 茶".to_owned()),
        is_muted_all: None,
        expires_in_ms: None,
    };
    let row = store.change("node", group.id, &ada, GroupChange::Edit(edit.clone()), NOW).await;
    let row = row.expect("may").expect("changes");
    let expected = json!({ "event": "group_changed", "name": "Tea", "avatar": "a.png", "announcement": "five o'clock 茶" });
    assert_eq!(said(&row), expected);
    let told = records(&row);
    let (said, changed) = (&told[0].1, &told[1].1);
    assert_eq!((said.r#type(), said.seq), (Type::Room, 1));
    assert_eq!(
        (changed.r#type(), changed.effect(), changed.operation),
        (Type::Room, Effect::None, op::CONVERSATION)
    );
    let event = pushed_event(changed);
    let seen = event.conversation.clone().expect("a conversation");
    assert_eq!((event.change(), seen.name.as_str(), seen.head, seen.members), (Change::Changed, "Tea", 1, 2));
    assert_eq!((seen.avatar.as_str(), seen.announcement.as_str()), ("a.png", "five o'clock 茶"));
    assert_eq!(store.change("node", group.id, &ada, GroupChange::Edit(edit), NOW).await.expect("may"), None);
    let listed = entry(&store, &bob, group.id).await;
    assert_eq!((listed.name.as_str(), listed.avatar.as_str(), listed.members), ("Tea", "a.png", 2));
    let seen = store.group(group.id, id(&bob)).await.expect("answers").expect("is there");
    assert_eq!(seen.state.announcement, "five o'clock 茶");
}

pub(crate) async fn the_muted_and_the_dissolved_are_refused_in_the_transaction(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob, eve) = (user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await);
    let (group, _) =
        store.create_group("node", "Team", &ada, &[id(&bob), id(&eve)], NOW).await.expect("creates");
    let change = async |actor: &User, change| store.change("node", group.id, actor, change, NOW).await;
    let row = change(&ada, GroupChange::Mute(id(&bob), NOW + 50)).await.expect("may").expect("changes");
    assert_eq!((&said(&row)["event"], &said(&row)["until"]), (&json!("member_muted"), &json!(NOW + 50)));
    assert_eq!(send(&store, group.id, &bob, NOW + 49).await, Appended::Muted(NOW + 50));
    assert!(matches!(send(&store, group.id, &eve, NOW).await, Appended::Stored { .. }));
    assert_eq!(entry(&store, &bob, group.id).await.silenced_until_ms, NOW + 50);
    assert!(
        matches!(send(&store, group.id, &bob, NOW + 50).await, Appended::Stored { .. }),
        "the time is over"
    );
    let row = change(&ada, GroupChange::Mute(id(&bob), 0)).await.expect("may").expect("changes");
    assert_eq!(said(&row)["event"], "member_unmuted");

    let all = GroupEdit { is_muted_all: Some(true), ..GroupEdit::default() };
    change(&ada, GroupChange::Edit(all)).await.expect("may").expect("changes");
    assert_eq!(send(&store, group.id, &bob, NOW).await, Appended::Muted(0));
    assert!(matches!(send(&store, group.id, &ada, NOW).await, Appended::Stored { .. }));
    assert!(entry(&store, &bob, group.id).await.mute_all);

    let row = change(&ada, GroupChange::Dissolve).await.expect("may").expect("changes");
    assert_eq!(said(&row), json!({ "event": "group_dissolved" }));
    assert_eq!(send(&store, group.id, &ada, NOW).await, Appended::Dissolved);
    assert_eq!(code(store.add_members("node", group.id, &ada, &[id(&eve)], NOW).await), Code::Dissolved);
    assert_eq!(entry(&store, &bob, group.id).await.dissolved_at_ms, NOW);
    let page = store.history(group.id, Range::Newest, 10).await.expect("it can be read");
    let head = page.head;
    store
        .remove_member("node", group.id, &ada, id(&ada), NOW)
        .await
        .expect("anybody may go")
        .expect("was one");
    assert_eq!(
        store.history(group.id, Range::Newest, 1).await.expect("answers").head,
        head,
        "nothing is said"
    );
}

/// On two nodes at once: as many come in as there is place, by whatever way.
pub(crate) async fn a_group_is_never_fuller_than_it_may_be(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    let (group, _) = stores[0].create_group("node 0", "Team", &ada, &[], NOW).await.expect("creates");
    let (_, hash) = link(&stores[0], group.id, &ada, 0, 0).await;
    let mut joins = JoinSet::new();
    for index in 0..12_usize {
        let (store, ada) = (Arc::clone(&stores[index % 2]), ada.clone());
        let peer = user(&store, &format!("peer{index}")).await;
        joins.spawn(async move {
            let owner = format!("node {}", index % 2);
            if index % 3 == 0 {
                store.join_by_link(&owner, &hash, &peer, 8, NOW).await.map(|(_, row)| row)
            } else {
                let order = oort_logic::store::GroupOrder {
                    is_by_operator: false,
                    group: group.id,
                    actor: ada,
                    change: GroupChange::Add(vec![id(&peer)]),
                    members_max: 8,
                    admins_max: 0,
                    now_ms: NOW,
                };
                store.change_group(&owner, &order).await
            }
        });
    }
    let outcomes = joins.join_all().await;
    let came = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count();
    let full =
        outcomes.into_iter().filter(Result::is_err).map(code).filter(|code| *code == Code::GroupFull).count();
    assert_eq!((came, full), (7, 5));
    assert_eq!(stores[1].members(group.id, 0, 100).await.expect("answers").len(), 8);
    let seen = stores[1].group(group.id, id(&ada)).await.expect("answers").expect("is there");
    assert_eq!(seen.state.members, 8);
    assert_eq!(
        stores[0].history(group.id, Range::Newest, 1).await.expect("answers").head,
        7,
        "one word each"
    );
}

/// The owner hands over and goes while the heir goes, and is removed, on another node.
pub(crate) async fn there_is_always_one_owner(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let (ada, bob, eve) =
        (user(&stores[0], "ada").await, user(&stores[0], "bob").await, user(&stores[0], "eve").await);
    for _ in 0..10 {
        let members = [id(&bob), id(&eve)];
        let (group, _) =
            stores[0].create_group("node 0", "Team", &ada, &members, NOW).await.expect("creates");
        let change = async |node: usize, actor: &User, change| {
            stores[node].change(&format!("node {node}"), group.id, actor, change, NOW).await
        };
        let hand_over_and_go = async {
            let handed = change(0, &ada, GroupChange::HandOver(id(&bob))).await.is_ok();
            (handed, change(0, &ada, GroupChange::Remove(id(&ada))).await.is_ok())
        };
        let go = async { change(1, &bob, GroupChange::Remove(id(&bob))).await.is_ok() };
        let ((handed, went), bob_went) = tokio::join!(hand_over_and_go, go);
        assert_eq!((handed, went), (!bob_went, !bob_went), "either he was there to take it, or he was not");
        let seen = stores[1].group(group.id, id(&eve)).await.expect("answers").expect("is there");
        let owner = if bob_went { id(&ada) } else { id(&bob) };
        assert_eq!(seen.managers, [(owner, Role::Owner)]);
        assert_eq!(seen.state.members, 2);
    }
}

/// A link with its token's hash.
async fn link(
    store: &Arc<dyn Store>,
    group: oort_api::ids::ConversationId,
    creator: &User,
    expires_at_ms: i64,
    uses_max: i64,
) -> (i64, [u8; 32]) {
    let token_hash: [u8; 32] = Sha256::digest(unique()).into();
    let new = new_link(group, creator, token_hash, expires_at_ms, uses_max);
    (store.create_link(&new).await.expect("makes a link").0.id, token_hash)
}

fn new_link(
    group: oort_api::ids::ConversationId,
    creator: &User,
    token_hash: [u8; 32],
    expires_at_ms: i64,
    uses_max: i64,
) -> NewLink {
    NewLink {
        group,
        creator: creator.clone(),
        salt: [7; 32],
        token_hash,
        expires_at_ms,
        uses_max,
        links_max: 3,
        key: None,
        now_ms: NOW,
    }
}

pub(crate) async fn a_link_lets_in_whom_it_may(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let store = &stores[0];
    let (ada, bob, eve) = (user(store, "ada").await, user(store, "bob").await, user(store, "eve").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let (once, hash) = link(store, group.id, &ada, 0, 1).await;
    let (one, two) = tokio::join!(
        stores[0].join_by_link("node 0", &hash, &bob, 500, NOW),
        stores[1].join_by_link("node 1", &hash, &eve, 500, NOW),
    );
    let came = [&one, &two].into_iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(came, 1, "{one:?} {two:?}");
    let (insider, outsider) = if one.is_ok() { (&bob, &eve) } else { (&eve, &bob) };
    let (info, row) = [one, two].into_iter().find_map(Result::ok).expect("one came");
    let row = row.expect("tells");
    assert_eq!((info.id, &said(&row)["event"]), (group.id, &json!("member_joined")));
    let entered = &records(&row)[0].1;
    assert_eq!((entered.effect(), entered.user_ids.as_slice()), (Effect::Join, &[insider.id][..]));
    let (_, again) = store.join_by_link("node", &hash, insider, 500, NOW).await.expect("is in already");
    assert_eq!(again, None);
    assert_eq!(store.links(group.id).await.expect("answers")[0].uses, 1);

    let (_, brief) = link(store, group.id, &ada, NOW + 5, 0).await;
    let (gone, revoked) = link(store, group.id, &ada, 0, 0).await;
    assert!(store.revoke_link(group.id, gone).await.expect("answers"));
    assert!(!store.revoke_link(group.id, gone).await.expect("answers"));
    for (hash, now_ms) in [(hash, NOW), (brief, NOW + 5), (revoked, NOW), ([0; 32], NOW)] {
        assert_eq!(code(store.join_by_link("node", &hash, outsider, 500, now_ms).await), Code::NotFound);
    }
    // Those that ended make room for others; only who looks after the group makes any.
    link(store, group.id, &ada, 0, 0).await;
    let more = new_link(group.id, &ada, [1; 32], 0, 0);
    assert_eq!(code(store.create_link(&more).await), Code::LimitReached);
    let later = NewLink { now_ms: NOW + 5, ..more.clone() };
    store.create_link(&later).await.expect("the brief one is over");
    for stranger in [insider, outsider] {
        let theirs = NewLink { creator: stranger.clone(), token_hash: [2; 32], ..more.clone() };
        let expected = if stranger.id == insider.id { Code::Forbidden } else { Code::NotMember };
        assert_eq!(code(store.create_link(&theirs).await), expected);
    }
    let ids: Vec<_> = store.links(group.id).await.expect("answers").iter().map(|link| link.id).collect();
    assert_eq!((ids.len(), ids[0]), (3, once));
}

pub(crate) async fn a_request_under_one_key_is_done_once(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let ada = user(&stores[0], "ada").await;
    let key = |name: &str, what: &str| Some(ClientKey::new(id(&ada), name, &["create_group", what], 1_000));
    let new = |name: &str, what: &str, now_ms| NewGroup {
        name: what.to_owned(),
        creator: ada.clone(),
        members: Vec::new(),
        key: key(name, what),
        now_ms,
    };
    for round in 0..10 {
        let (name, what) = (format!("key {round}"), format!("team {round}"));
        let wanted = new(&name, &what, NOW);
        let (one, two) =
            tokio::join!(stores[0].found_group("node 0", &wanted), stores[1].found_group("node 1", &wanted));
        let (one, two) = (one.expect("answers"), two.expect("answers"));
        assert_eq!(one.0.id, two.0.id);
        assert_eq!([&one, &two].into_iter().filter(|(_, row)| row.is_some()).count(), 1, "told once");
        let other = stores[0].found_group("node 0", &new(&name, "another", NOW)).await;
        assert!(matches!(other, Err(Error::KeyConflict)), "{other:?}");
        let later = stores[0].found_group("node 0", &new(&name, &what, NOW + 1_000)).await.expect("answers");
        assert_ne!(later.0.id, one.0.id, "the key was forgotten");
    }
    // A link's key brings the salt of the first time.
    let (group, _) = stores[0].create_group("node 0", "Team", &ada, &[], NOW).await.expect("creates");
    let made = |salt: u8| NewLink {
        salt: [salt; 32],
        key: Some(ClientKey::new(id(&ada), "link", &["create_link"], 1_000)),
        ..new_link(group.id, &ada, [salt; 32], 0, 0)
    };
    let (first, salt) = stores[0].create_link(&made(1)).await.expect("makes a link");
    let (again, same) = stores[1].create_link(&made(2)).await.expect("finds it");
    assert_eq!((salt, again), (same, first));
    assert_eq!(stores[0].links(group.id).await.expect("answers").len(), 1);
}

pub(crate) async fn what_a_user_makes_of_a_conversation_is_theirs(fixture: Fixture) {
    let store = fixture.open().await;
    let (ada, bob) = (user(&store, "ada").await, user(&store, "bob").await);
    let (group, _) = store.create_group("node", "Team", &ada, &[], NOW).await.expect("creates");
    let change = |user: &User, place, is_pinned, muted_until_ms| SettingsChange {
        user: id(user),
        conversation: place,
        is_pinned,
        muted_until_ms,
        now_ms: NOW + 7,
    };
    let pin = change(&ada, group.id, Some(true), None);
    let (settings, row) = store.set_for_user("node", &pin).await.expect("may");
    assert_eq!((settings.is_pinned, settings.muted_until_ms), (true, 0));
    let told = records(&row.expect("tells"));
    assert_eq!((told[0].1.operation, told[0].1.user_ids.as_slice()), (op::EVENT, &[ada.id][..]));
    let event = UserEvent::decode(told[0].1.msg.clone()).expect("an event");
    assert_eq!((event.seq, event.kind.as_str()), (1, "conversation_settings_changed"));
    let data: Value = serde_json::from_str(&event.data).expect("JSON");
    assert_eq!(data, json!({ "conversationId": group.id.to_string(), "pinned": true, "mutedUntil": 0 }));
    assert_eq!(store.set_for_user("node", &pin).await.expect("may"), (settings, None), "a repeat");
    let mute = change(&ada, conversation(1), None, Some(NOW + 100));
    let (settings, _) = store.set_for_user("node", &mute).await.expect("open rooms as well");
    assert_eq!((settings.is_pinned, settings.muted_until_ms), (false, NOW + 100));
    assert_eq!(
        code(store.set_for_user("node", &change(&bob, group.id, Some(true), None)).await),
        Code::NotMember
    );
    let nowhere = store.set_for_user("node", &change(&bob, conversation(999), Some(true), None)).await;
    assert!(matches!(nowhere, Err(Error::NoConversation)), "{nowhere:?}");

    let entries = store.entries_of(id(&ada), 100).await.expect("answers");
    let of = |place: i64| entries.iter().find(|entry| entry.conversation.id == place).expect("listed");
    assert!(of(group.id.get()).conversation.pinned && !of(1).conversation.pinned);
    assert_eq!(of(1).conversation.muted_until_ms, NOW + 100);
    assert_eq!(of(group.id.get()).changed_at_ms, NOW + 7, "the stamp");
    assert!(!entry(&store, &bob, conversation(1)).await.pinned);
}

/// As many as the settings may ask for, made by the calls that clients make and paged; no call reads them all.
pub(crate) async fn a_group_of_a_hundred_thousand_is_paged(fixture: Fixture) {
    const MEMBERS: i64 = 100_000;
    const CHUNK: usize = 5_000;
    let store = fixture.open().await;
    let ada = user(&store, "ada").await;
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                  UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let number = "100 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d";
    let name =
        if fixture.is_mysql() { format!("CONCAT('u', {number})") } else { format!("'u' || ({number})") };
    fixture
        .execute(&format!(
            "INSERT INTO users (id, username, username_key, password_hash, created_at_ms)
             SELECT {number}, {name}, {name}, 'x', 0
             FROM {digits} a, {digits} b, {digits} c, {digits} d, {digits} e"
        ))
        .await;
    let (group, _) = store.create_group("node", "All", &ada, &[], NOW).await.expect("creates");
    let everybody: Vec<_> = (100..100 + MEMBERS - 1).filter_map(oort_api::ids::UserId::new).collect();
    for chunk in everybody.chunks(CHUNK) {
        let order = oort_logic::store::GroupOrder {
            is_by_operator: false,
            group: group.id,
            actor: ada.clone(),
            change: GroupChange::Add(chunk.to_vec()),
            members_max: u32::try_from(MEMBERS).expect("small"),
            admins_max: 0,
            now_ms: NOW,
        };
        store.change_group("node", &order).await.expect("adds").expect("they are new");
    }
    let seen = store.group(group.id, id(&ada)).await.expect("answers").expect("is there");
    assert_eq!(seen.state.members, MEMBERS);
    let one_more = user(&store, "late").await;
    let (_, hash) = link(&store, group.id, &ada, 0, 0).await;
    let full =
        store.join_by_link("node", &hash, &one_more, u32::try_from(MEMBERS).expect("small"), NOW).await;
    assert_eq!(code(full), Code::GroupFull);
    let (mut after, mut count) = (0, 0);
    loop {
        let page = store.members(group.id, after, 1_000).await.expect("answers");
        let Some(last) = page.last() else { break };
        assert!(page.windows(2).all(|pair| pair[0].user.id < pair[1].user.id));
        (after, count) = (last.user.id, count + page.len());
    }
    assert_eq!(i64::try_from(count).expect("small"), MEMBERS);
    store.remove_member("node", group.id, &ada, everybody[9], NOW).await.expect("removes").expect("was one");
    assert!(matches!(send(&store, group.id, &ada, NOW).await, Appended::Stored { .. }));
}
