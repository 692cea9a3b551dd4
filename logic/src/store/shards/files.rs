//! Files are at home, with copies of those that messages of other servers carry.

use std::time::Duration;

use oort_api::clock::now_ms;
use oort_api::ids::{FileId, UserId};
use tokio::time::timeout;
use tonic::async_trait;

use super::super::{Discard, Discarded, Error, Files, Finished, NewFile, NewPart, StoredFile};
use super::ShardedStore;

/// How long nobody begins to send a file that is about to be discarded, ms.
const INTENT_MS: i64 = 30_000;
/// Longest time of that, well within the intention.
const DISCARD_MAX: Duration = Duration::from_secs(15);

#[async_trait]
impl Files for ShardedStore {
    async fn create_file(&self, new: &NewFile) -> Result<StoredFile, Error> {
        self.home().create_file(new).await
    }

    async fn file(&self, id: FileId) -> Result<Option<StoredFile>, Error> {
        self.home().file(id).await
    }

    async fn may_read_file(&self, id: FileId, user: UserId) -> Result<bool, Error> {
        self.may_read(id, user).await
    }

    async fn add_part(&self, id: FileId, part: &NewPart) -> Result<bool, Error> {
        self.home().add_part(id, part).await
    }

    async fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> Result<bool, Error> {
        self.home().finish_file(id, finished, due_ms).await
    }

    async fn discard_file(&self, id: FileId, why: Discard) -> Result<Discarded, Error> {
        let now_ms = match why {
            Discard::Due(now_ms) => now_ms,
            Discard::Owner(_) | Discard::Spoilt => now_ms(),
        };
        let token = -random();
        if !self.home().intend_discard(id, token, (now_ms, INTENT_MS)).await? {
            return self.kept(id, why).await;
        }
        let discarded = timeout(DISCARD_MAX, self.discard_looking(id, why, now_ms)).await;
        if let Err(cause) = self.home().let_go(id, token).await {
            tracing::debug!(%cause, "nobody sends a file until an intention is over");
        }
        discarded.unwrap_or_else(|_| Err(Error::Unavailable("no answer in time".to_owned())))
    }

    async fn due_files(&self, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Error> {
        let sweep = async |server: usize| {
            for id in self.server(server).due_files(now_ms, limit).await? {
                // Before the copy is gone and nothing else tells: what is carried there no more may be carried nowhere.
                self.home().file_is_due(id).await?;
                self.server(server).drop_copy(self.home(), id, now_ms).await?;
            }
            Ok::<_, Error>(())
        };
        for server in self.away() {
            if let Err(cause) = sweep(server).await {
                tracing::warn!(%cause, server, "copies of files stay for now");
            }
        }
        self.home().due_files(now_ms, limit).await
    }

    async fn forget_file(&self, id: FileId) -> Result<(), Error> {
        for server in self.away() {
            self.server(server).forget_file(id).await?;
        }
        self.home().forget_file(id).await
    }

    async fn discard_files_of(&self, user: UserId) -> Result<(), Error> {
        self.home().discard_files_of(user).await?;
        for server in self.away() {
            self.server(server).discard_files_of(user).await?;
        }
        Ok(())
    }

    async fn files_of(&self, user: UserId, after: i64, limit: u32) -> Result<Vec<StoredFile>, Error> {
        self.home().files_of(user, after, limit).await
    }
}

impl ShardedStore {
    /// Looks at all servers whether it is carried, and discards it if not.
    async fn discard_looking(&self, id: FileId, why: Discard, now_ms: i64) -> Result<Discarded, Error> {
        let is_due = matches!(why, Discard::Due(_));
        let mut is_elsewhere = false;
        for server in self.away() {
            let copy = self.server(server).file(id).await?;
            let is_there = copy.is_some() && !self.server(server).drop_copy(self.home(), id, now_ms).await?;
            is_elsewhere |= is_there;
        }
        if is_elsewhere && is_due {
            self.home().is_carried_elsewhere(id).await?;
        }
        if is_elsewhere && why != Discard::Spoilt {
            return self.kept(id, why).await;
        }
        self.home().discard_unheld(id, why, now_ms).await
    }

    /// It is carried or held: what whoever wants it gone is told.
    async fn kept(&self, id: FileId, why: Discard) -> Result<Discarded, Error> {
        let Discard::Owner(_) = why else { return Ok(Discarded::Carried) };
        let is_theirs = self.home().file(id).await?.is_some_and(|file| Discard::Owner(file.owner) == why);
        Ok(if is_theirs { Discarded::Carried } else { Discarded::No })
    }
}

/// A positive number that nobody else draws.
pub(super) fn random() -> i64 {
    (uuid::Uuid::new_v4().as_u64_pair().0 >> 1).cast_signed().max(1)
}
