//! What this process answers when operators ask where a message has been.

use std::collections::VecDeque;
use std::sync::Arc;

use oort_api::directory::{Answer, NodeEntry, Question};
use oort_api::trail::{Ring, Trail};

/// Hops told of one message; far more than it takes to find it.
const HOPS_MAX: usize = 256;
/// Questions remembered as answered; more than are ever kept for all.
const ANSWERED_MAX: usize = 64;

/// What the tiers of a process noted.
pub(crate) type Rings = Vec<Arc<Ring>>;

/// What they know of a message together.
pub(crate) fn trail(rings: &Rings, conversation: i64, seq: i64) -> Trail {
    let trails = rings.iter().map(|ring| ring.trail(conversation, seq, HOPS_MAX));
    trails.fold(Trail::default(), |all, one| all.with(one, HOPS_MAX))
}

/// Answers each question once.
#[derive(Debug, Default)]
pub(super) struct Answers {
    rings: Rings,
    answered: VecDeque<String>,
}

impl Answers {
    pub(super) fn from(rings: Rings) -> Self {
        Self { rings, answered: VecDeque::new() }
    }

    /// The answers of this process to those questions that are new.
    pub(super) fn to(&mut self, questions: Vec<Question>, entry: &NodeEntry) -> Vec<Answer> {
        let mut answers = Vec::new();
        for Question { id, conversation, seq } in questions {
            if self.answered.contains(&id) {
                continue;
            }
            let Trail { hops, since_us } = trail(&self.rings, conversation, seq);
            answers.push(Answer {
                question: id.clone(),
                node: entry.id.clone(),
                name: entry.name.clone(),
                role: entry.role.clone(),
                since_us,
                hops,
            });
            if self.answered.len() >= ANSWERED_MAX {
                self.answered.pop_front();
            }
            self.answered.push_back(id);
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use oort_api::trail::{Mark, Step};

    use super::*;

    #[test]
    fn each_question_is_answered_once_from_all_tiers() {
        let rings: Rings = vec![Arc::new(Ring::new(8)), Arc::new(Ring::new(8))];
        rings[0].note(5, 7, 9, Mark::Taken { partition: 1, offset: 2 });
        rings[1].note(4, 7, 9, Mark::Written { sessions: 3, behind: 0 });
        rings[1].note(6, 7, 10, Mark::Written { sessions: 3, behind: 0 });
        let mut answers = Answers::from(rings);
        let entry = NodeEntry { id: "n".to_owned(), name: "host".to_owned(), ..NodeEntry::default() };
        let ask = |id: &str| vec![Question { id: id.to_owned(), conversation: 7, seq: 9 }];
        let told = answers.to(ask("q"), &entry);
        let steps: Vec<&Step> = told[0].hops.iter().map(|hop| &hop.step).collect();
        assert_eq!(
            steps,
            [&Step::Written { sessions: 3, behind: 0 }, &Step::Taken { partition: 1, offset: 2 }]
        );
        assert_eq!((told[0].node.as_str(), told[0].since_us), ("n", 5));
        assert!(answers.to(ask("q"), &entry).is_empty());
        for number in 0..200 {
            assert_eq!(answers.to(ask(&number.to_string()), &entry).len(), 1);
        }
        assert!(answers.answered.len() <= ANSWERED_MAX);
    }
}
