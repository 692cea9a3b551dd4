//! Which stand-ins hold members of which conversations.

use serde::{Deserialize, Serialize};

/// Comets and conversations of a mesh, each by its number from 0: there are as many conversations as comets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// Comets, at least `fan_out`.
    pub(crate) comets: usize,
    /// Comets on which each conversation has members.
    pub(crate) fan_out: usize,
}

impl Layout {
    /// The comets with members of a conversation, each once.
    pub(crate) fn comets_of(self, conversation: usize) -> impl Iterator<Item = usize> {
        // No two conversations of neighbouring numbers are on the same comets.
        let step = (self.comets / self.fan_out.max(1)).max(1);
        (0..self.fan_out).map(move |member| (conversation + member * step) % self.comets)
    }

    /// The conversations that have members on a comet.
    pub(crate) fn conversations_of(self, comet: usize) -> impl Iterator<Item = usize> {
        (0..self.comets).filter(move |conversation| self.comets_of(*conversation).any(|other| other == comet))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_conversation_is_on_so_many_comets_and_each_comet_has_as_many_conversations() {
        for (comets, fan_out) in [(1, 1), (7, 3), (10, 10), (1_000, 12)] {
            let layout = Layout { comets, fan_out };
            for number in 0..comets {
                assert_eq!(layout.comets_of(number).collect::<BTreeSet<_>>().len(), fan_out, "{layout:?}");
                let conversations: Vec<_> = layout.conversations_of(number).collect();
                assert_eq!(conversations.len(), fan_out, "{layout:?}");
                assert!(conversations.iter().all(|other| layout.comets_of(*other).any(|one| one == number)));
            }
        }
    }
}
