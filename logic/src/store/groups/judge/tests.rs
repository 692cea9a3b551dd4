use oort_api::ids::ConversationId;
use oort_api::pb::oort::v1::ConversationKind;
use proptest::prelude::*;

use super::*;
use crate::store::ConversationInfo;

const NOW: i64 = 1_700_000_000_000;

fn id(user: i64) -> UserId {
    UserId::new(user).expect("positive")
}

fn person(user: i64) -> User {
    User { id: user, username: format!("user{user}") }
}

/// Users 1 to 6 have accounts; 1 owns the group, 2 is an admin, 3 and 4 are members.
fn team() -> Known {
    let info = ConversationInfo {
        id: ConversationId::new(9).expect("positive"),
        kind: ConversationKind::Group,
        name: "Team".to_owned(),
        creator_id: 1,
        head: 4,
        last_at_ms: NOW,
    };
    let group = GroupState {
        info,
        members: 4,
        avatar: String::new(),
        announcement: String::new(),
        is_muted_all: false,
        expires_in_ms: 0,
        dissolved_at_ms: 0,
    };
    let members = [(1, Role::Owner), (2, Role::Admin), (3, Role::Member), (4, Role::Member)];
    Known {
        group,
        members: members.into_iter().map(|(user, role)| (user, (role, 0))).collect(),
        users: (1..=6).map(|user| (user, person(user))).collect(),
        admins: 1,
        kept_mutes: HashMap::new(),
        silenced: None,
    }
}

fn order(actor: i64, change: GroupChange) -> GroupOrder {
    let group = ConversationId::new(9).expect("positive");
    GroupOrder {
        group,
        actor: person(actor),
        is_by_operator: false,
        change,
        members_max: 5,
        admins_max: 2,
        now_ms: NOW,
    }
}

fn code(known: &Known, actor: i64, change: GroupChange) -> Option<Code> {
    match judge(&order(actor, change), known) {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

/// Applies a change as a store does.
fn apply_to(known: &mut Known, order: &GroupOrder) -> Result<bool, Error> {
    let Some(verdict) = judge(order, known)? else { return Ok(false) };
    for write in verdict.writes {
        match write {
            Write::Insert(added) => {
                let standing = (Role::Member, 0);
                known.kept_mutes.retain(|user, _| !added.iter().any(|one| one.get() == *user));
                known.members.extend(added.into_iter().map(|user| (user.get(), standing)));
            }
            Write::KeepMute(member, until_ms) => {
                known.kept_mutes.insert(member.get(), until_ms);
            }
            Write::Delete(member) => drop(known.members.remove(&member.get())),
            Write::Update(member, role, until_ms) => {
                known.members.insert(member.get(), (role, until_ms));
            }
        }
    }
    known.group = verdict.group;
    let admins = known.members.values().filter(|(role, _)| *role == Role::Admin).count();
    known.admins = u32::try_from(admins).expect("few");
    Ok(true)
}

#[test]
fn who_leaves_while_muted_is_muted_when_they_come_back() {
    let mut known = team();
    let muted_until = |known: &Known| known.members.get(&3).map(|&(_, until_ms)| until_ms);
    let mut make = |actor, change| {
        assert!(apply_to(&mut known, &order(actor, change)).expect("is allowed"));
        known.clone()
    };
    make(1, GroupChange::Mute(id(3), NOW + 5));
    make(3, GroupChange::Remove(id(3)));
    assert_eq!(muted_until(&make(3, GroupChange::Join)), Some(NOW + 5));
    make(1, GroupChange::Mute(id(3), 0));
    make(3, GroupChange::Remove(id(3)));
    assert_eq!(muted_until(&make(2, GroupChange::Add(vec![id(3)]))), Some(0), "it was lifted since");
}

#[test]
fn who_is_muted_shows_the_group_no_words() {
    let words = |known: &Known, actor| {
        let edit = GroupEdit { announcement: Some("Buy!".to_owned()), ..GroupEdit::default() };
        code(known, actor, GroupChange::Edit(edit))
    };
    let silenced = |until_ms| Known { silenced: Some(until_ms), ..team() };
    assert_eq!(words(&team(), 2), None);
    assert_eq!(words(&silenced(NOW), 2), None, "it is over");
    assert_eq!(words(&silenced(NOW + 1), 2), Some(Code::Muted));
    assert_eq!(words(&silenced(0), 2), Some(Code::Muted), "without end");
    assert_eq!(code(&silenced(0), 2, GroupChange::Remove(id(2))), None, "leaving is no word");
    let mut known = team();
    known.members.insert(2, (Role::Admin, NOW + 1));
    assert_eq!(words(&known, 2), Some(Code::Muted), "by the owner");
}

#[test]
fn what_is_so_already_changes_nothing() {
    let known = team();
    let name = GroupEdit { name: Some("Team".to_owned()), is_muted_all: Some(false), ..GroupEdit::default() };
    for (actor, change) in [
        (1, GroupChange::Add(vec![id(2), id(3)])),
        (3, GroupChange::Join),
        (1, GroupChange::Remove(id(5))),
        (1, GroupChange::SetRole(id(2), Role::Admin)),
        (1, GroupChange::Mute(id(3), 0)),
        (1, GroupChange::Mute(id(3), NOW)),
        (2, GroupChange::Edit(name)),
        (2, GroupChange::HandOver(id(1))),
    ] {
        assert_eq!(judge(&order(actor, change.clone()), &known).expect("allowed"), None, "{change:?}");
    }
}

#[test]
fn each_refusal_has_its_code() {
    let known = team();
    let all = GroupEdit { is_muted_all: Some(true), ..GroupEdit::default() };
    for (actor, change, expected) in [
        (5, GroupChange::Add(vec![id(6)]), Code::NotMember),
        (3, GroupChange::Add(vec![id(6)]), Code::Forbidden),
        (1, GroupChange::Add(vec![id(5), id(6)]), Code::GroupFull),
        (1, GroupChange::Remove(id(1)), Code::Forbidden),
        (2, GroupChange::Remove(id(1)), Code::Forbidden),
        (2, GroupChange::SetRole(id(3), Role::Admin), Code::Forbidden),
        (1, GroupChange::SetRole(id(5), Role::Admin), Code::NotFound),
        (1, GroupChange::HandOver(id(5)), Code::NotFound),
        (2, GroupChange::HandOver(id(3)), Code::Forbidden),
        (2, GroupChange::Mute(id(1), NOW + 1), Code::Forbidden),
        (3, GroupChange::Edit(all), Code::Forbidden),
        (2, GroupChange::Dissolve, Code::Forbidden),
    ] {
        assert_eq!(code(&known, actor, change.clone()), Some(expected), "{change:?} by {actor}");
    }
    let nobody = judge(&order(1, GroupChange::Add(vec![id(7)])), &known);
    assert!(matches!(nobody, Err(Error::NoUser(7))), "{nobody:?}");
    let many = Known { admins: 2, ..team() };
    assert_eq!(code(&many, 1, GroupChange::SetRole(id(3), Role::Admin)), Some(Code::LimitReached));
}

#[test]
fn a_group_that_ended_can_be_left_and_nothing_else() {
    let mut known = team();
    assert!(apply_to(&mut known, &order(1, GroupChange::Dissolve)).expect("allowed"));
    assert_eq!(known.group.dissolved_at_ms, NOW);
    assert!(!apply_to(&mut known, &order(1, GroupChange::Dissolve)).expect("a repeat"));
    assert_eq!(code(&known, 1, GroupChange::Add(vec![id(5)])), Some(Code::Dissolved));
    assert_eq!(code(&known, 5, GroupChange::Join), Some(Code::Dissolved));
    assert_eq!(code(&known, 1, GroupChange::Remove(id(3))), Some(Code::Dissolved));
    let left = judge(&order(1, GroupChange::Remove(id(1))), &known).expect("allowed").expect("a change");
    assert_eq!(left.content, None, "nothing is said any more");
}

#[test]
fn the_last_who_leaves_ends_the_group() {
    let mut known = team();
    for user in [2, 3, 4] {
        assert!(apply_to(&mut known, &order(1, GroupChange::Remove(id(user)))).expect("allowed"));
    }
    assert!(apply_to(&mut known, &order(1, GroupChange::Remove(id(1)))).expect("alone"));
    assert_eq!((known.group.members, known.group.dissolved_at_ms), (0, NOW));
}

fn any_change() -> impl Strategy<Value = GroupChange> {
    let user = || (1_i64..=6).prop_map(id);
    prop_oneof![
        prop::collection::vec(user(), 1..3).prop_map(GroupChange::Add),
        Just(GroupChange::Join),
        user().prop_map(GroupChange::Remove),
        (user(), any::<bool>())
            .prop_map(|(user, up)| GroupChange::SetRole(user, if up { Role::Admin } else { Role::Member })),
        user().prop_map(GroupChange::HandOver),
        (user(), 0_i64..3).prop_map(|(user, ms)| GroupChange::Mute(user, NOW - 1 + ms)),
        any::<bool>().prop_map(|is_muted_all| GroupChange::Edit(GroupEdit {
            is_muted_all: Some(is_muted_all),
            ..GroupEdit::default()
        })),
    ]
}

proptest! {
    /// Whoever asks for whatever: one owner, who is not muted, no more than may be, and the count is right.
    #[test]
    fn there_is_one_owner_whatever_happens(steps in prop::collection::vec((1_i64..=6, any_change()), 1..60)) {
        let mut known = team();
        for (actor, change) in steps {
            let order = order(actor, change);
            let changed = apply_to(&mut known, &order);
            if matches!(changed, Ok(true)) {
                let mut again = known.clone();
                prop_assert!(!matches!(apply_to(&mut again, &order), Ok(true)), "a repeat changes nothing: {order:?}");
            }
            let owners: Vec<_> = known.members.values().filter(|(role, _)| *role == Role::Owner).collect();
            let is_empty = known.members.is_empty();
            prop_assert_eq!(owners.len(), usize::from(!is_empty), "after {:?}", order);
            prop_assert!(owners.iter().all(|(_, until_ms)| *until_ms == 0));
            prop_assert_eq!(known.group.members, i64::try_from(known.members.len()).expect("few"));
            prop_assert!(known.group.members <= 5);
            prop_assert_eq!(known.group.dissolved_at_ms > 0, is_empty);
        }
    }
}
