//! Append against a model: random batches, among them repeats and refusals.

use std::collections::{HashMap, HashSet};

use oort_api::ids::Seq;
use oort_logic::store::{Appended, NewMessage};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::fixture::{Fixture, NOW, conversation, id, message, pushed_message, records, user};

/// (conversation, sender, client message id, content), as indexes.
type Draft = (usize, usize, u8, u8);

/// The contract in its simplest words.
#[derive(Debug, Default)]
struct Model {
    heads: HashMap<i64, (i64, i64)>,
    members: HashSet<(i64, i64)>,
    sent: HashMap<(i64, String), (NewMessage, i64, i64)>,
}

impl Model {
    fn append(&mut self, message: &NewMessage, now_ms: i64) -> Appended {
        let room = message.conversation.get();
        let identity = (message.sender.id, message.client_msg_id.clone());
        if let Some((earlier, seq, created_at_ms)) = self.sent.get(&identity) {
            return if (earlier.conversation, &earlier.content) == (message.conversation, &message.content) {
                Appended::Duplicate { seq: Seq::new(*seq).expect("positive"), created_at_ms: *created_at_ms }
            } else {
                Appended::Conflict
            };
        }
        let Some(head) = self.heads.get_mut(&room) else { return Appended::NoConversation };
        if room > 8 && !self.members.contains(&(room, message.sender.id)) {
            return Appended::NotMember;
        }
        *head = (head.0 + 1, now_ms.max(head.1 + 1));
        let (seq, created_at_ms) = *head;
        self.sent.insert(identity, (message.clone(), seq, created_at_ms));
        Appended::Stored { seq: Seq::new(seq).expect("positive"), created_at_ms }
    }
}

pub(crate) async fn append_agrees_with_the_model(fixture: Fixture) {
    let store = fixture.open().await;
    let users = [user(&store, "ada").await, user(&store, "bob").await, user(&store, "eve").await];
    let (group, _) =
        store.create_group("node", "Team", &users[0], &[id(&users[1])], NOW).await.expect("creates");
    let (direct, _) = store.direct("node", &users[1], id(&users[2]), NOW).await.expect("creates");
    let places = [conversation(1), conversation(2), group.id, direct.id, conversation(4_000)];
    let mut model = Model::default();
    model.heads.extend(places[..4].iter().map(|place| (place.get(), (0, 0))));
    model.members.extend([
        (group.id.get(), 1),
        (group.id.get(), 2),
        (direct.id.get(), 2),
        (direct.id.get(), 3),
    ]);

    let draft = (0..places.len(), 0..users.len(), 0_u8..40, 0_u8..2);
    let batch = (prop::collection::vec(draft, 0..24), -50_i64..50);
    let script = prop::collection::vec(batch, 40..60);
    // One long script, always the same: its steps build on each other.
    let script = script.new_tree(&mut TestRunner::deterministic()).expect("generates").current();
    let mut published = Vec::new();
    for (step, (drafts, drift)) in script.into_iter().enumerate() {
        let now_ms = NOW + i64::try_from(step).expect("small") * 20 + drift;
        let new = |(place, sender, name, text): Draft| {
            message(places[place], &users[sender], &format!("id{name}"), &format!("text {text}"))
        };
        let batch: Vec<NewMessage> = drafts.into_iter().map(new).collect();
        let expected: Vec<_> = batch.iter().map(|message| model.append(message, now_ms)).collect();
        let (outcomes, row) = store.append("node", &batch, &published, now_ms).await.expect("appends");
        assert_eq!(outcomes, expected, "step {step}: {batch:?}");
        let stored: Vec<_> = batch
            .iter()
            .zip(&expected)
            .filter_map(|(message, outcome)| match outcome {
                Appended::Stored { seq, .. } => Some((message.conversation.get(), seq.get())),
                _ => None,
            })
            .collect();
        let pushed: Vec<_> = row
            .iter()
            .flat_map(records)
            .map(|(_, push)| pushed_message(&push))
            .map(|message| (message.conversation, message.seq))
            .collect();
        assert_eq!(pushed, stored, "step {step}");
        published = row.into_iter().map(|row| row.id).collect();
    }
    for place in &places[..4] {
        let (info, _) = store.conversation(*place, id(&users[0])).await.expect("answers").expect("is there");
        assert_eq!(info.head, model.heads[&place.get()].0);
    }
}
