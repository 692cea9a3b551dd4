//! Files of users: what they are, how far they have come, and which messages carry them. Their bytes are kept elsewhere.
//!
//! A file is uploaded in parts of equal size. The row names each part by a number that its writer made up, so that of
//! two who write the same place one wins, and nobody's bytes are ever taken for another's.

use oort_api::error::{Code, Refusal};
use oort_api::ids::{FileId, UserId};
use oort_api::pb::oort::v1::MessageKind;
use serde_json::Value;
use tonic::async_trait;

use super::{ClientKey, Error, NewMessage};

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Its owner uploads it.
    Uploading,
    /// It is whole.
    Ready,
    /// Nobody sees it any more; its bytes are to be deleted.
    Deleting,
}

impl FileState {
    /// As the column has it.
    pub(super) const fn stored(self) -> i64 {
        match self {
            Self::Uploading => 0,
            Self::Ready => 1,
            Self::Deleting => 2,
        }
    }

    /// Of the column.
    pub(super) const fn of(stored: i64) -> Self {
        match stored {
            0 => Self::Uploading,
            1 => Self::Ready,
            _ => Self::Deleting,
        }
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Which.
    pub id: FileId,
    /// Who uploaded it.
    pub owner: UserId,
    /// As its owner called it.
    pub name: String,
    /// Bytes of all of it.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_bytes: u64,
    /// Bytes that are stored.
    pub received: u64,
    /// Names of the parts, in order.
    pub parts: Vec<u64>,
    /// SHA-256 that its owner told.
    pub digest: Option<[u8; 32]>,
    /// What may be done with it.
    pub state: FileState,
    /// What was made out when it was whole.
    pub finished: Finished,
    /// ms since the epoch.
    pub created_at_ms: i64,
}

/// What a whole file turned out to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// By its bytes; empty = not known.
    pub mime: String,
    /// Of an image, pixels; 0 = it is none.
    pub width: u32,
    /// Of an image, pixels; 0 = it is none.
    pub height: u32,
    /// Type of its thumbnail; empty = it has none.
    pub thumbnail: String,
}

/// A file to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Who uploads it.
    pub owner: UserId,
    /// As they call it.
    pub name: String,
    /// Bytes of all of it.
    pub size: u64,
    /// Bytes of each part but the last.
    pub part_bytes: u64,
    /// SHA-256 of all of it, when they know it.
    pub digest: Option<[u8; 32]>,
    /// Under which key the client asked.
    pub key: Option<ClientKey>,
    /// Most files of the owner.
    pub files_max: u64,
    /// Most bytes of all files of the owner.
    pub bytes_max: u64,
    /// ms since the epoch.
    pub now_ms: i64,
    /// When it is given up, ms since the epoch.
    pub due_ms: i64,
}

/// A part that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPart {
    /// Bytes of the file before it.
    pub offset: u64,
    /// Its bytes.
    pub len: u64,
    /// Its name.
    pub name: u64,
    /// When the upload is given up, ms since the epoch.
    pub due_ms: i64,
}

/// Why a file is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// Its owner wants so.
    Owner(UserId),
    /// It is due at this time, ms since the epoch.
    Due(i64),
    /// It is not what it was to be.
    Spoilt,
}

/// What became of a file that was to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// Nobody sees it any more; its bytes may be deleted.
    Yes,
    /// Messages carry it.
    Carried,
    /// There is none, it is another's, or it is not due.
    No,
}

/// Files.
#[async_trait]
pub trait Files: Send + Sync {
    /// Begins a file, if its owner may have one more of this size; once under one key.
    async fn create_file(&self, new: &NewFile) -> Result<StoredFile, Error>;
    /// A file, but for one that is to be deleted.
    async fn file(&self, id: FileId) -> Result<Option<StoredFile>, Error>;
    /// Whether a file that is ready is the user's, or carried by a message in a conversation they are in.
    async fn may_read_file(&self, id: FileId, user: UserId) -> Result<bool, Error>;
    /// Adds a part at the end of what is stored; `false` when another was there first, or the file is gone.
    async fn add_part(&self, id: FileId, part: &NewPart) -> Result<bool, Error>;
    /// Makes a whole file ready; `false` when it is not being uploaded any more.
    async fn finish_file(&self, id: FileId, finished: &Finished, due_ms: i64) -> Result<bool, Error>;
    /// Takes a file away from everybody.
    async fn discard_file(&self, id: FileId, why: Discard) -> Result<Discarded, Error>;
    /// Files that are due, at most `limit`.
    async fn due_files(&self, now_ms: i64, limit: u32) -> Result<Vec<FileId>, Error>;
    /// Forgets a file that was discarded and whose bytes are gone.
    async fn forget_file(&self, id: FileId) -> Result<(), Error>;
    /// Discards all files of a user, whatever carries them.
    async fn discard_files_of(&self, user: UserId) -> Result<(), Error>;
    /// Files of a user after one (0 = from the first), by id, at most `limit`; none that are to be deleted.
    async fn files_of(&self, user: UserId, after: i64, limit: u32) -> Result<Vec<StoredFile>, Error>;
}

/// That a message carries a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) file: i64,
    pub(super) conversation: i64,
    pub(super) seq: i64,
    /// From then on it lets nobody read the file, ms since the epoch; 0 = it always does.
    pub(super) expires_at_ms: i64,
}

/// A file that is carried is looked at no more until a message is taken back.
pub(super) const NEVER_MS: i64 = i64::MAX;

/// The file that a message carries.
pub(super) fn file_of(message: &NewMessage) -> Option<i64> {
    let details = message.details.as_ref()?;
    let may_carry = matches!(
        details.kind(),
        MessageKind::Image | MessageKind::Voice | MessageKind::Video | MessageKind::File
    );
    if !may_carry || !details.attachment.contains("\"fileId\"") {
        return None;
    }
    let attachment: Value = serde_json::from_str(&details.attachment).ok()?;
    let id: FileId = attachment["fileId"].as_str()?.parse().ok()?;
    Some(id.get())
}

/// The owner has as much as they may.
pub(super) fn check_usage(new: &NewFile, files: i64, bytes: i64) -> Result<(), Error> {
    let (files, bytes) = (u64::try_from(files).unwrap_or(0), u64::try_from(bytes).unwrap_or(0));
    if files >= new.files_max || bytes.saturating_add(new.size) > new.bytes_max {
        let text = format!(
            "your files are {files} with {bytes} bytes, of at most {} with {}; take back some first",
            new.files_max, new.bytes_max
        );
        return Err(Error::Refused(Refusal::new(Code::LimitReached, text)));
    }
    Ok(())
}

/// The file of a key is gone.
pub(super) fn no_file_of_key() -> Error {
    Error::Refused(Refusal::new(Code::NotFound, "the file of this idempotency key is gone"))
}

/// Names of parts as the column has them.
pub(super) fn read_parts(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .map(|name| name.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        .collect()
}

/// The id that a key remembers as its subject.
pub(super) fn file_of_subject(subject: &[u8]) -> Result<i64, Error> {
    subject
        .try_into()
        .map(i64::from_be_bytes)
        .map_err(|_| Error::Internal("a client's key remembers no file".to_owned()))
}

/// A number for a column.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of a column.
pub(super) fn unstored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The columns of a file, in the order in which they are selected.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) id: i64,
    pub(super) owner: i64,
    pub(super) name: String,
    pub(super) size: i64,
    pub(super) part_bytes: i64,
    pub(super) received: i64,
    pub(super) parts: Vec<u8>,
    pub(super) digest: Option<Vec<u8>>,
    pub(super) state: i64,
    pub(super) mime: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) thumbnail: String,
    pub(super) created_at_ms: i64,
}

/// What is selected of a file; see [`Columns`].
pub(super) const COLUMNS: &str = "id, owner_id, name, size_bytes, part_bytes, received_bytes, parts, digest, state, \
                                  mime, width, height, thumbnail, created_at_ms";

impl Columns {
    pub(super) fn file(self) -> Result<StoredFile, Error> {
        let fault = || Error::Internal(format!("file {} cannot be read", self.id));
        let digest = self.digest.map(|digest| digest.try_into().map_err(|_| fault())).transpose()?;
        Ok(StoredFile {
            id: FileId::new(self.id).ok_or_else(fault)?,
            owner: UserId::new(self.owner).ok_or_else(fault)?,
            size: unstored(self.size),
            part_bytes: unstored(self.part_bytes),
            received: unstored(self.received),
            parts: read_parts(&self.parts),
            digest,
            state: FileState::of(self.state),
            finished: Finished {
                mime: self.mime,
                width: self.width,
                height: self.height,
                thumbnail: self.thumbnail,
            },
            name: self.name,
            created_at_ms: self.created_at_ms,
        })
    }
}
