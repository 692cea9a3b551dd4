//! What crowds left in the store, to be read again when others have come after them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::ensure;

use crate::crowd::world::World;
use crate::ledger::{Event, Placed};
use crate::system::{Account, Api, Stored, System};

/// All crowds of a run.
#[derive(Debug, Default)]
pub(crate) struct Past {
    crowds: Vec<Crowd>,
}

/// What one crowd left.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// Who reads, by number.
    readers: HashMap<usize, Account>,
    conversations: Vec<Conversation>,
}

#[derive(Debug)]
struct Conversation {
    id: String,
    reader: usize,
    digest: u64,
}

impl Crowd {
    /// Writes down every message that the store holds of a crowd of `accounts` accounts.
    pub(crate) async fn read(system: &System, world: &World, accounts: usize) -> anyhow::Result<Self> {
        let mut crowd = Self { readers: HashMap::new(), conversations: Vec::new() };
        for (room, id) in world.shared.rooms.iter().enumerate() {
            let reader = room % accounts;
            let account = crowd.readers.entry(reader).or_insert_with(|| world.account(reader));
            let digest = read(&system.apis[0], account, id, |stored| {
                let account = world.account_of(&stored.sender);
                let message = Placed { seq: stored.seq, id: stored.client_msg_id.clone() };
                world.note(None, || Event::Stored { room, account, message });
            });
            crowd.conversations.push(Conversation { id: id.clone(), reader, digest: digest.await? });
        }
        Ok(crowd)
    }
}

impl Past {
    /// One more.
    pub(crate) fn add(&mut self, crowd: Crowd) {
        self.crowds.push(crowd);
    }

    /// Reads everything again but what the last crowd left, which was read just now.
    ///
    /// # Errors
    /// "FAIL: …" when a conversation is not what it was.
    pub(crate) async fn check(mut self, system: &System) -> anyhow::Result<()> {
        self.crowds.pop();
        for (number, crowd) in self.crowds.into_iter().enumerate() {
            let mut readers = HashMap::new();
            for (reader, account) in crowd.readers {
                readers.insert(reader, system.apis[0].refresh(&account).await?);
            }
            for Conversation { id, reader, digest } in crowd.conversations {
                ensure!(
                    read(&system.apis[0], &readers[&reader], &id, |_| {}).await? == digest,
                    "FAIL: conversation {id} of crowd {} no longer holds what it held when that crowd ended",
                    number + 1
                );
            }
        }
        Ok(())
    }
}

/// Reads a conversation from its beginning; a digest of its places and messages.
async fn read(
    api: &Api,
    reader: &Account,
    conversation: &str,
    mut take: impl FnMut(&Stored),
) -> anyhow::Result<u64> {
    let (mut after, mut digest) = (0, DefaultHasher::new());
    loop {
        let (page, more) = api.history(reader, conversation, after).await?;
        for stored in page {
            after = stored.seq;
            (stored.seq, &stored.client_msg_id, &stored.sender).hash(&mut digest);
            take(&stored);
        }
        if !more {
            return Ok(digest.finish());
        }
    }
}
