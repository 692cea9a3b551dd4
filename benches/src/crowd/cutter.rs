//! Cuts connections of a crowd from outside, and sees whether everybody is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::mpsc;

use super::device::Command;

/// A device, as those see it who tell it what to do.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(super) account: usize,
    pub(super) groups: Vec<usize>,
    pub(super) online: Arc<AtomicBool>,
    /// It is offline because it wants to be.
    pub(super) away: Arc<AtomicBool>,
    pub(super) commands: mpsc::Sender<Command>,
    /// The seq up to which it has everything, by conversation.
    pub(super) has: Arc<Vec<AtomicI64>>,
}

/// All devices of a crowd.
#[derive(Debug, Clone)]
pub(crate) struct Cutter {
    pub(super) handles: Arc<Vec<Handle>>,
}

impl Cutter {
    /// Every `one_of`th device loses its connection.
    pub(crate) fn cut(&self, one_of: usize) {
        for handle in self.handles.iter().step_by(one_of.max(1)) {
            // One with too much to do keeps its connection.
            drop(handle.commands.try_send(Command::Cut));
        }
    }

    /// Every `one_of`th device connects anew before its old connection has ended.
    pub(crate) fn race(&self, one_of: usize) {
        for handle in self.handles.iter().step_by(one_of.max(1)) {
            drop(handle.commands.try_send(Command::Race));
        }
    }

    /// Whether every device that is not away has everything up to these seqs, as far as it is in the conversations.
    pub(crate) fn all_have(&self, heads: &[i64]) -> bool {
        let mut here = self.handles.iter().filter(|handle| !handle.away.load(Ordering::Relaxed));
        here.all(|handle| {
            let mut own =
                handle.groups.iter().filter_map(|group| Some((handle.has.get(*group)?, heads.get(*group)?)));
            own.all(|(has, head)| has.load(Ordering::Relaxed) >= *head)
        })
    }

    /// Whether every device that wants to be is connected.
    pub(crate) fn all_online(&self) -> bool {
        let there =
            |handle: &Handle| handle.online.load(Ordering::Relaxed) || handle.away.load(Ordering::Relaxed);
        self.handles.iter().all(there)
    }
}
