//! Who has read a message.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use oort_api::ids::{ConversationId, Seq, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::door::Door;
use super::input::{Path2, Query};
use super::refused::Refused;
use super::views::UserView;
use crate::receipts::ReadBy;
use crate::store::Reader;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageOfReaders {
    /// Only users whose id is greater.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
    /// Most readers to answer with.
    limit: Option<u32>,
}

/// A member who has read a message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reader)]
pub(super) struct ReaderView {
    user: UserView,
    /// Has read messages up to here.
    read_seq: i64,
}

impl From<Reader> for ReaderView {
    fn from(reader: Reader) -> Self {
        Self { user: reader.user.into(), read_seq: reader.read_seq }
    }
}

/// Who has read a message.
#[derive(Serialize, ToSchema)]
#[schema(as = Readers)]
pub(super) struct ReadersView {
    /// How many, without the sender and without those who send no receipts.
    count: u32,
    /// There may be more than `count`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    /// A page of them, by id; absent in a group that is too large for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    readers: Option<Vec<ReaderView>>,
}

impl From<ReadBy> for ReadersView {
    fn from(read: ReadBy) -> Self {
        let readers = read.readers.map(|readers| readers.into_iter().map(ReaderView::from).collect());
        Self { count: read.count, more: read.has_more_than_count, readers }
    }
}

/// Tells who has read a message: how many, and in a direct conversation or small group who, by id.
#[utoipa::path(get, path = "/api/conversations/{id}/messages/{seq}/readers", operation_id = "listReaders",
    tag = "conversations", params(
        ("id" = String, Path, description = "Direct conversation or group"),
        ("seq" = i64, Path, description = "Message"),
        PageOfReaders,
    ),
    responses((status = 200, description = "Who has read it", body = ReadersView)))]
pub(super) async fn list_readers(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path2(id, seq): Path2<ConversationId, Seq>,
    Query(page): Query<PageOfReaders>,
) -> Result<JsonReply<ReadersView>, Refused> {
    let after = page.after.map_or(0, UserId::get);
    Ok(JsonReply(door.app.receipts.of(caller.id, (id, seq), after, page.limit).await?.into()))
}
