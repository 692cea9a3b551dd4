//! What a step comes to, decided without a database. Both dialects lock the
//! pair, read what is [`Known`], [`judge`] the step, and write the [`Change`] on
//! both sides.

use oort_api::ids::UserId;
use oort_api::pb::oort::v1::User;
use serde_json::{Value, json};

use super::{Bound, ContactAct, ContactStep, Privacy, Side, Stepped};
use crate::contacts::policy::{Between, Operation, Outcome, State, Tie, outcome};
use crate::store::NewUserEvent;
use crate::store::events::person;
use crate::store::plan::Blocked;

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Counts {
    /// Open requests of the actor.
    pub(in crate::store) asked: i64,
    /// Open requests to the peer.
    pub(in crate::store) asking: i64,
    pub(in crate::store) contacts: i64,
    pub(in crate::store) contacts_of_peer: i64,
    pub(in crate::store) blocks: i64,
}

/// What the store holds of a pair, read under its lock.
#[derive(Debug)]
pub(in crate::store) struct Known {
    pub(in crate::store) peer: User,
    pub(in crate::store) mine: Side,
    pub(in crate::store) theirs: Side,
    /// Zero where the step [needs none](ContactStep::needs_counts).
    pub(in crate::store) counts: Counts,
}

/// What to write.
#[derive(Debug, PartialEq)]
pub(in crate::store) struct Change {
    pub(in crate::store) mine: Side,
    pub(in crate::store) theirs: Side,
    /// Who blocks whom, when that changed: for their direct conversation.
    pub(in crate::store) blocked: Option<Blocked>,
    pub(in crate::store) events: Vec<NewUserEvent>,
}

impl ContactStep {
    fn operation(&self) -> Operation {
        match &self.act {
            ContactAct::Request(_) => Operation::Request,
            ContactAct::Remark(_) => Operation::Remark,
            ContactAct::Plain(operation) => *operation,
        }
    }

    /// Whether something may become too much.
    pub(in crate::store) fn needs_counts(&self) -> bool {
        matches!(self.operation(), Operation::Request | Operation::Accept | Operation::Block)
    }

    /// Whether the tables may hold requests of them that ended.
    pub(in crate::store) fn sweeps(&self) -> bool {
        self.operation() == Operation::Request
    }
}

/// Decides what a step comes to.
pub(in crate::store) fn judge(step: &ContactStep, known: Known, now_ms: i64) -> (Stepped, Option<Change>) {
    let Known { peer, mine, theirs, counts } = known;
    let (mine, theirs) = (mine.at(now_ms), theirs.at(now_ms));
    let between = Between::of(mine.tie, theirs.tie);
    let state = State { between, blocks: mine.blocks, is_blocked: theirs.blocks };
    let change = match outcome(state, step.operation()) {
        Outcome::Missing => return (Stepped::Missing, None),
        Outcome::Blocked => return (Stepped::Blocked, None),
        Outcome::Same => None,
        Outcome::Rewrites => rewrite(step, &peer, (&mine, &theirs), between),
        Outcome::Becomes(next) => {
            if let Some(bound) = full(step, counts, (state, next)) {
                return (Stepped::Full(bound), None);
            }
            Some(turn(step, &peer, (&mine, &theirs), (state, next), now_ms))
        }
    };
    let mine = change.as_ref().map_or(&mine, |change| &change.mine).clone();
    (Stepped::Stands(mine.contact(peer)), change)
}

fn full(step: &ContactStep, counts: Counts, (state, next): (State, State)) -> Option<Bound> {
    let bounds = &step.bounds;
    let is_new = next.between != state.between;
    let asks = is_new && next.between == Between::Asked;
    let meets = is_new && next.between == Between::Contacts;
    let blocks = next.blocks && !state.blocks;
    let checks = [
        (asks, counts.asked, bounds.requests_max, Bound::Requests),
        (asks, counts.asking, bounds.requests_max, Bound::RequestsOfPeer),
        (meets, counts.contacts, bounds.contacts_max, Bound::Contacts),
        (meets, counts.contacts_of_peer, bounds.contacts_max, Bound::ContactsOfPeer),
        (blocks, counts.blocks, bounds.blocks_max, Bound::Blocks),
    ];
    let reached = checks.into_iter().find(|&(counts, count, max, _)| counts && count >= i64::from(max));
    reached.map(|(.., bound)| bound)
}

/// Another text, when it is another one.
fn rewrite(
    step: &ContactStep,
    peer: &User,
    (mine, theirs): (&Side, &Side),
    between: Between,
) -> Option<Change> {
    let (mut mine, mut theirs) = (mine.clone(), theirs.clone());
    let events = match &step.act {
        ContactAct::Request(message) if *message != mine.message => {
            mine.message.clone_from(message);
            // One who put the request away is left alone.
            let is_heard = between == Between::Asked;
            if is_heard {
                theirs.message.clone_from(message);
            }
            requested(step, peer, &mine, is_heard)
        }
        ContactAct::Remark(remark) if *remark != mine.remark => {
            mine.remark.clone_from(remark);
            vec![event(&step.actor, "contact_changed", json!({ "user": person(peer), "remark": remark }))]
        }
        _ => return None,
    };
    Some(Change { mine, theirs, blocked: None, events: events.into_iter().flatten().collect() })
}

fn turn(
    step: &ContactStep,
    peer: &User,
    (mine, theirs): (&Side, &Side),
    (state, next): (State, State),
    now_ms: i64,
) -> Change {
    let message = match &step.act {
        ContactAct::Request(message) => message.as_str(),
        _ => "",
    };
    let expires_at_ms = now_ms.saturating_add(step.bounds.request_ttl_ms);
    let (my_tie, their_tie) = next.between.ties();
    let mine = Side { blocks: next.blocks, ..mine.clone().tied(my_tie, message, expires_at_ms, now_ms) };
    let theirs = theirs.clone().tied(their_tie, message, expires_at_ms, now_ms);
    let mut events = told(step, peer, &mine, (state.between, next.between));
    let mut blocked = None;
    if next.blocks != state.blocks {
        let data = json!({ "user": person(peer), "blocked": next.blocks });
        events.push(event(&step.actor, "block_changed", data));
        blocked = Some(Blocked::of((step.actor.id, next.blocks), (peer.id, next.is_blocked)));
    }
    Change { mine, theirs, blocked, events: events.into_iter().flatten().collect() }
}

/// Who is told of what is between them now.
fn told(
    step: &ContactStep,
    peer: &User,
    mine: &Side,
    change: (Between, Between),
) -> Vec<Option<NewUserEvent>> {
    use Between::{Asked, Asking, Contacts, Shelved, Strangers, Unheard};
    let actor = &step.actor;
    let of = |user: &User| json!({ "user": person(user) });
    let towards = |user: &User, direction: &str| json!({ "user": person(user), "direction": direction });
    match change {
        (before, Asked) if before != Asked => requested(step, peer, mine, true),
        (before, Contacts) if before != Contacts => {
            vec![event(actor, "contact_added", of(peer)), event(peer, "contact_added", of(actor))]
        }
        (Asking, Strangers) => vec![
            event(actor, "contact_refused", towards(peer, "in")),
            event(peer, "contact_refused", towards(actor, "out")),
        ],
        (Asking, Shelved) => vec![event(actor, "contact_refused", towards(peer, "in"))],
        (Asked, Strangers) => vec![
            event(actor, "contact_withdrawn", towards(peer, "out")),
            event(peer, "contact_withdrawn", towards(actor, "in")),
        ],
        (Unheard, Strangers) => vec![event(actor, "contact_withdrawn", towards(peer, "out"))],
        (Contacts, Strangers) => {
            vec![event(actor, "contact_removed", of(peer)), event(peer, "contact_removed", of(actor))]
        }
        _ => Vec::new(),
    }
}

/// A request, for who asks and, unless it goes unheard, for who is asked.
fn requested(step: &ContactStep, peer: &User, mine: &Side, is_heard: bool) -> Vec<Option<NewUserEvent>> {
    let data = |user: &User, direction: &str| {
        json!({
            "user": person(user),
            "direction": direction,
            "message": mine.message,
            "expiresAtMs": mine.expires_at_ms,
        })
    };
    let own = event(&step.actor, "contact_requested", data(peer, "out"));
    let theirs = event(peer, "contact_requested", data(&step.actor, "in"));
    if is_heard { vec![own, theirs] } else { vec![own] }
}

fn event(user: &User, kind: &'static str, data: Value) -> Option<NewUserEvent> {
    Some(NewUserEvent { user: UserId::new(user.id)?, kind, data })
}

/// What the user's own devices are told of a new privacy.
pub(in crate::store) fn privacy_event(user: UserId, privacy: Privacy) -> NewUserEvent {
    let data = json!({
        "findByName": privacy.by_name.as_str(),
        "findByEmail": privacy.by_email.as_str(),
        "findById": privacy.by_id.as_str(),
        "sendReceipts": privacy.sends_receipts,
        "invisible": privacy.is_invisible,
    });
    NewUserEvent { user, kind: "privacy_changed", data }
}

impl Side {
    /// Another tie, with what belongs to it.
    fn tied(self, tie: Tie, message: &str, expires_at_ms: i64, now_ms: i64) -> Self {
        if tie == self.tie {
            return self;
        }
        let blank = Self { tie, blocks: self.blocks, changed_at_ms: now_ms, ..Self::default() };
        match tie {
            Tie::Asked | Tie::Asking => Self { message: message.to_owned(), expires_at_ms, ..blank },
            // Until then the other may ask in vain.
            Tie::Shelved => Self { expires_at_ms: self.expires_at_ms, ..blank },
            Tie::Contact => blank,
            Tie::None => Self { changed_at_ms: 0, ..blank },
        }
    }
}
