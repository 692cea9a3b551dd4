use super::*;

const ROLES: [Role; 5] = [Role::Stranger, Role::Member, Role::Admin, Role::Owner, Role::Operator];

/// What each role may, written out: `-` never, `+` always, `<` against lower roles, `1` alone. In the order of
/// [`ROLES`].
const EXPECTED: &[(Operation, &str)] = &[
    (Operation::Read, "-+++-"),
    (Operation::Send, "-+++-"),
    (Operation::SendWhileAllMuted, "--++-"),
    (Operation::Join, "++++-"),
    (Operation::Leave, "-++1-"),
    (Operation::AddMembers, "--++-"),
    (Operation::RemoveMember, "--<<<"),
    (Operation::MuteMember, "--<<<"),
    (Operation::SetRole, "---<-"),
    (Operation::HandOver, "---<-"),
    (Operation::Edit, "--+++"),
    (Operation::Announce, "--+++"),
    (Operation::MuteAll, "--+++"),
    (Operation::SetExpiry, "--+++"),
    (Operation::ManageLinks, "--+++"),
    (Operation::Dissolve, "---++"),
];

#[test]
fn each_cell_is_as_written_here() {
    assert_eq!(TABLE.len(), EXPECTED.len(), "each operation has a row");
    for &(operation, cells) in EXPECTED {
        for (role, cell) in ROLES.into_iter().zip(cells.chars()) {
            let expected = match cell {
                '-' => No,
                '+' => Yes,
                '<' => Lower,
                _ => Alone,
            };
            assert_eq!(rule(operation, role), expected, "{operation:?} of {role:?}");
        }
    }
}

#[test]
fn each_cell_decides_for_each_subject() {
    for &(operation, cells) in EXPECTED {
        for (role, cell) in ROLES.into_iter().zip(cells.chars()) {
            for against in ROLES {
                for is_alone in [false, true] {
                    let expected = match cell {
                        '-' => false,
                        '+' => true,
                        '<' => (against as usize) < (role as usize),
                        _ => is_alone,
                    };
                    let allowed = allows(operation, role, Some(against), is_alone);
                    assert_eq!(
                        allowed, expected,
                        "{operation:?} of {role:?} against {against:?}, {is_alone}"
                    );
                    let code =
                        check(operation, role, Some(against), is_alone).err().map(|refusal| refusal.code);
                    let refused = if role == Role::Stranger { Code::NotMember } else { Code::Forbidden };
                    assert_eq!(code, (!expected).then_some(refused));
                }
            }
        }
    }
}

#[test]
fn roles_are_read_as_stored() {
    for role in [Role::Member, Role::Admin, Role::Owner] {
        assert_eq!(Role::of(Some(role.stored())), role);
    }
    assert_eq!(Role::of(None), Role::Stranger);
    assert_eq!(Role::of(Some(99)), Role::Member, "a row of a newer schema has the least power");
}
