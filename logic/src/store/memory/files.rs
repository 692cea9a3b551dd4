//! Files: in no simulation has anybody any.

use oort_api::ids::{FileId, UserId};
use tonic::async_trait;

use super::MemoryStore;
use super::calls::refused;
use crate::store::{Discard, Discarded, Error, Files, Finished, NewFile, NewPart, StoredFile};

#[async_trait]
impl Files for MemoryStore {
    async fn create_file(&self, _new: &NewFile) -> Result<StoredFile, Error> {
        refused()
    }

    async fn file(&self, _id: FileId) -> Result<Option<StoredFile>, Error> {
        Ok(None)
    }

    async fn may_read_file(&self, _id: FileId, _user: UserId) -> Result<bool, Error> {
        Ok(false)
    }

    async fn add_part(&self, _id: FileId, _part: &NewPart) -> Result<bool, Error> {
        refused()
    }

    async fn finish_file(&self, _id: FileId, _finished: &Finished, _due_ms: i64) -> Result<bool, Error> {
        refused()
    }

    async fn discard_file(&self, _id: FileId, _why: Discard) -> Result<Discarded, Error> {
        Ok(Discarded::No)
    }

    async fn due_files(&self, _now_ms: i64, _limit: u32) -> Result<Vec<FileId>, Error> {
        Ok(Vec::new())
    }

    async fn forget_file(&self, _id: FileId) -> Result<(), Error> {
        Ok(())
    }

    async fn discard_files_of(&self, _user: UserId) -> Result<(), Error> {
        Ok(())
    }

    async fn files_of(&self, _user: UserId, _after: i64, _limit: u32) -> Result<Vec<StoredFile>, Error> {
        Ok(Vec::new())
    }
}
