//! Each cell of the table, and that two sides agree whatever they do.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Between, Operation, Outcome, State, Tie, outcome};

const BETWEEN: [Between; 6] = [
    Between::Strangers,
    Between::Asked,
    Between::Unheard,
    Between::Asking,
    Between::Shelved,
    Between::Contacts,
];

const OPERATIONS: [Operation; 9] = [
    Operation::Request,
    Operation::Accept,
    Operation::Refuse,
    Operation::Shelve,
    Operation::Withdraw,
    Operation::Remark,
    Operation::Delete,
    Operation::Block,
    Operation::Unblock,
];

/// `+me`: the one who acts blocks the other, `+them`: is blocked. `=` nothing
/// changes, `text` only the text does, `-` is missing, `!` is blocked.
const TABLE: &str = "\
                   request         accept         refuse          shelve          withdraw        remark delete          block            unblock
Strangers          Asked           -              =               =               =               -      =               Strangers+me     =
Strangers+them     !               -              =               =               =               -      =               Strangers+me+them =
Strangers+me       !               -              =               =               =               -      =               =                Strangers
Strangers+me+them  !               -              =               =               =               -      =               =                Strangers+them
Asked              text            -              =               =               Strangers       -      =               Strangers+me     =
Asked+them         text            -              =               =               Strangers+them  -      =               Strangers+me+them =
Asked+me           text            -              =               =               Strangers+me    -      =               Strangers+me     Asked
Asked+me+them      text            -              =               =               Strangers+me+them -    =               Strangers+me+them Asked+them
Unheard            text            -              =               =               Strangers       -      =               Strangers+me     =
Unheard+them       text            -              =               =               Strangers+them  -      =               Strangers+me+them =
Unheard+me         text            -              =               =               Strangers+me    -      =               Strangers+me     Unheard
Unheard+me+them    text            -              =               =               Strangers+me+them -    =               Strangers+me+them Unheard+them
Asking             Contacts        Contacts       Strangers       Shelved         =               -      =               Shelved+me       =
Asking+them        !               !              Strangers+them  Shelved+them    =               -      =               Shelved+me+them  =
Asking+me          !               !              Strangers+me    Shelved+me      =               -      =               Shelved+me       Asking
Asking+me+them     !               !              Strangers+me+them Shelved+me+them =             -      =               Shelved+me+them  Asking+them
Shelved            Contacts        -              =               =               =               -      =               Shelved+me       =
Shelved+them       !               -              =               =               =               -      =               Shelved+me+them  =
Shelved+me         !               -              =               =               =               -      =               =                Shelved
Shelved+me+them    !               -              =               =               =               -      =               =                Shelved+them
Contacts           =               =              -               -               -               text   Strangers       Contacts+me      =
Contacts+them      =               =              -               -               -               text   Strangers+them  Contacts+me+them =
Contacts+me        =               =              -               -               -               text   Strangers+me    =                Contacts
Contacts+me+them   =               =              -               -               -               text   Strangers+me+them =              Contacts+them
";

fn word(state: State) -> String {
    let mut word = format!("{:?}", state.between);
    if state.blocks {
        word += "+me";
    }
    if state.is_blocked {
        word += "+them";
    }
    word
}

fn cell(state: State, operation: Operation) -> String {
    match outcome(state, operation) {
        Outcome::Becomes(next) => word(next),
        Outcome::Rewrites => "text".to_owned(),
        Outcome::Same => "=".to_owned(),
        Outcome::Missing => "-".to_owned(),
        Outcome::Blocked => "!".to_owned(),
    }
}

#[test]
fn every_cell_is_as_written() {
    let mut lines = TABLE.lines().skip(1);
    for between in BETWEEN {
        for (blocks, is_blocked) in [(false, false), (false, true), (true, false), (true, true)] {
            let state = State { between, blocks, is_blocked };
            let mut found = word(state);
            for operation in OPERATIONS {
                write!(found, " {}", cell(state, operation)).expect("a text takes it");
            }
            let written = lines.next().unwrap_or_default();
            assert_eq!(found, written.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn both_sides_are_read_as_they_were_written() {
    for between in BETWEEN {
        let (mine, theirs) = between.ties();
        assert_eq!(Between::of(mine, theirs), between);
        assert_eq!(Between::of(theirs, mine).ties(), (theirs, mine));
    }
    assert_eq!(Between::of(Tie::Contact, Tie::None), Between::Strangers);
}

/// Two people in the simplest words: who waits for whom, who put whose request
/// away, whether they are contacts, who blocks.
#[derive(Debug, Default)]
struct Model {
    waits: [bool; 2],
    shelved: [bool; 2],
    contacts: bool,
    blocks: [bool; 2],
}

impl Model {
    fn act(&mut self, me: usize, operation: Operation) {
        let other = 1 - me;
        let is_free = !self.blocks[0] && !self.blocks[1];
        let is_open = self.waits[other] && !self.shelved[me];
        match operation {
            Operation::Request if self.contacts || self.waits[me] || !is_free => {}
            Operation::Request if self.waits[other] => self.meet(),
            Operation::Request => self.waits[me] = true,
            Operation::Accept if is_open && is_free => self.meet(),
            Operation::Refuse if is_open => self.waits[other] = false,
            Operation::Shelve if is_open => self.shelved[me] = true,
            Operation::Withdraw => (self.waits[me], self.shelved[other]) = (false, false),
            Operation::Delete => self.contacts = false,
            Operation::Block => {
                self.blocks[me] = true;
                (self.waits[me], self.shelved[other]) = (false, false);
                self.shelved[me] = self.waits[other];
            }
            Operation::Unblock => self.blocks[me] = false,
            Operation::Accept | Operation::Refuse | Operation::Shelve | Operation::Remark => {}
        }
    }

    fn meet(&mut self) {
        (self.waits, self.shelved, self.contacts) = ([false; 2], [false; 2], true);
    }

    fn tie(&self, me: usize) -> Tie {
        let other = 1 - me;
        if self.contacts {
            Tie::Contact
        } else if self.waits[me] {
            Tie::Asked
        } else if self.shelved[me] {
            Tie::Shelved
        } else if self.waits[other] {
            Tie::Asking
        } else {
            Tie::None
        }
    }
}

proptest! {
    #[test]
    fn both_sides_always_agree(script in prop::collection::vec((0_usize..2, 0..OPERATIONS.len()), 0..60)) {
        let mut ties = [Tie::None; 2];
        let mut blocks = [false; 2];
        let mut model = Model::default();
        for (me, operation) in script {
            let (other, operation) = (1 - me, OPERATIONS[operation]);
            let between = Between::of(ties[me], ties[other]);
            let state = State { between, blocks: blocks[me], is_blocked: blocks[other] };
            if let Outcome::Becomes(next) = outcome(state, operation) {
                (ties[me], ties[other]) = next.between.ties();
                prop_assert_eq!(next.is_blocked, blocks[other], "nobody blocks for another");
                blocks[me] = next.blocks;
                prop_assert!(
                    !matches!(outcome(next, operation), Outcome::Becomes(_)),
                    "{:?} twice is not {:?} once", operation, operation
                );
            }
            model.act(me, operation);
            prop_assert_eq!(Between::of(ties[0], ties[1]).ties(), (ties[0], ties[1]), "they agree");
            prop_assert_eq!(ties, [model.tie(0), model.tie(1)]);
            prop_assert_eq!(blocks, model.blocks);
        }
    }
}
