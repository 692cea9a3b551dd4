//! Who may do what about whom: one table, what is between two people × what
//! one of them does → what comes of it. Both stores ask it inside their
//! transaction, and write what it says on both sides.

/// What one side of a pair holds of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tie {
    /// Nothing.
    #[default]
    None,
    /// Asked to be a contact, and has no answer yet.
    Asked,
    /// Is asked to be a contact, and has not answered yet.
    Asking,
    /// Was asked, and put the request away without a word: the other side
    /// still waits.
    Shelved,
    /// They are contacts.
    Contact,
}

/// What is between two people, as the one who acts sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nothing.
    Strangers,
    /// The one who acts asked, and waits.
    Asked,
    /// The same, but the other put the request away: only the other knows.
    Unheard,
    /// The other asked, and waits.
    Asking,
    /// The same, but the one who acts put the request away.
    Shelved,
    /// They are contacts.
    Contacts,
}

/// All that the table looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Requests and contact.
    pub between: Between,
    /// The one who acts blocks the other.
    pub blocks: bool,
    /// The other blocks the one who acts.
    pub is_blocked: bool,
}

/// What one does about another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Asks the other to be a contact.
    Request,
    /// Takes the other's request.
    Accept,
    /// Refuses the other's request, and says so.
    Refuse,
    /// Refuses the other's request without a word.
    Shelve,
    /// Takes the own request back.
    Withdraw,
    /// Notes something about a contact.
    Remark,
    /// Ends being contacts.
    Delete,
    /// Takes nothing from the other any more.
    Block,
    /// Ends that.
    Unblock,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// This is between them now.
    Becomes(State),
    /// The same is between them; the text that came along takes the place of
    /// the one that is there.
    Rewrites,
    /// It is so already.
    Same,
    /// There is no such request or contact.
    Missing,
    /// One of them blocks the other.
    Blocked,
}

/// A cell of the table.
#[derive(Debug, Clone, Copy)]
enum Cell {
    To(Between),
    /// Unless one of them blocks the other.
    FreelyTo(Between),
    Rewrites,
    Same,
    Missing,
}

/// The table, without blocks but for what they forbid.
const fn cell(between: Between, operation: Operation) -> Cell {
    use Between::{Asked, Asking, Contacts, Shelved, Strangers, Unheard};
    use Cell::{FreelyTo, Missing, Rewrites, Same, To};
    use Operation::{Accept, Block, Delete, Refuse, Remark, Request, Shelve, Unblock, Withdraw};
    match (operation, between) {
        (Request, Strangers) => FreelyTo(Asked),
        (Request, Asked | Unheard) => Rewrites,
        (Request, Asking | Shelved) => FreelyTo(Contacts),
        (Request, Contacts) => Same,

        (Accept, Asking) => FreelyTo(Contacts),
        (Accept, Contacts) => Same,
        (Accept, Strangers | Asked | Unheard | Shelved) => Missing,

        (Refuse, Asking) => To(Strangers),
        (Shelve, Asking) => To(Shelved),
        (Refuse | Shelve, Strangers | Asked | Unheard | Shelved) => Same,
        (Refuse | Shelve, Contacts) => Missing,

        (Withdraw, Asked | Unheard) => To(Strangers),
        (Withdraw, Strangers | Asking | Shelved) => Same,
        (Withdraw, Contacts) => Missing,

        (Remark, Contacts) => Rewrites,
        (Remark, Strangers | Asked | Unheard | Asking | Shelved) => Missing,

        (Delete, Contacts) => To(Strangers),
        (Delete, Strangers | Asked | Unheard | Asking | Shelved) => Same,

        // Nobody learns that they are blocked from what becomes of their request.
        (Block, Asking | Shelved) => To(Shelved),
        (Block, Asked | Unheard | Strangers) => To(Strangers),
        (Block, Contacts) => To(Contacts),

        (Unblock, between) => To(between),
    }
}

/// What comes of an operation.
#[must_use]
pub fn outcome(state: State, operation: Operation) -> Outcome {
    let blocks = match operation {
        Operation::Block => true,
        Operation::Unblock => false,
        _ => state.blocks,
    };
    let becomes = |between| {
        let next = State { between, blocks, ..state };
        if next == state { Outcome::Same } else { Outcome::Becomes(next) }
    };
    match cell(state.between, operation) {
        Cell::FreelyTo(_) if state.blocks || state.is_blocked => Outcome::Blocked,
        Cell::FreelyTo(between) | Cell::To(between) => becomes(between),
        Cell::Rewrites => Outcome::Rewrites,
        Cell::Same => Outcome::Same,
        Cell::Missing => Outcome::Missing,
    }
}

impl Between {
    /// What two sides hold, read from the first. Sides that do not fit each
    /// other, which no operation leaves, are strangers.
    #[must_use]
    pub const fn of(mine: Tie, theirs: Tie) -> Self {
        match (mine, theirs) {
            (Tie::Asked, Tie::Asking) => Self::Asked,
            (Tie::Asked, Tie::Shelved) => Self::Unheard,
            (Tie::Asking, Tie::Asked) => Self::Asking,
            (Tie::Shelved, Tie::Asked) => Self::Shelved,
            (Tie::Contact, Tie::Contact) => Self::Contacts,
            _ => Self::Strangers,
        }
    }

    /// What each side holds, the one who acts first.
    #[must_use]
    pub const fn ties(self) -> (Tie, Tie) {
        match self {
            Self::Strangers => (Tie::None, Tie::None),
            Self::Asked => (Tie::Asked, Tie::Asking),
            Self::Unheard => (Tie::Asked, Tie::Shelved),
            Self::Asking => (Tie::Asking, Tie::Asked),
            Self::Shelved => (Tie::Shelved, Tie::Asked),
            Self::Contacts => (Tie::Contact, Tie::Contact),
        }
    }
}

#[cfg(test)]
mod tests;
