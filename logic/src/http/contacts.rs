//! Contacts, requests, blocks, and who finds whom.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Path, Query};
use super::refused::Refused;
use super::views::UserView;
use crate::contacts::policy::Tie;
use crate::store::{Contact, Finders, Privacy};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageOf {
    /// Only users whose id is greater.
    #[param(value_type = Option<String>)]
    after: Option<UserId>,
    /// Most users to answer with.
    limit: Option<u32>,
}

/// Somebody to ask.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewRequest {
    #[schema(value_type = String, example = "7")]
    user_id: UserId,
    /// What they are shown with the request.
    #[serde(default)]
    message: String,
}

/// What to note about a contact.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewRemark)]
pub(super) struct NewRemark {
    /// Only for the caller; empty = none.
    remark: String,
}

/// What is between the caller and another user.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ContactState)]
enum StateView {
    /// Nothing.
    None,
    /// The caller asked and has no answer yet.
    Asked,
    /// The other asked and waits for an answer.
    Asking,
    /// They are contacts.
    Contact,
}

impl From<Tie> for StateView {
    fn from(tie: Tie) -> Self {
        match tie {
            Tie::None | Tie::Shelved => Self::None,
            Tie::Asked => Self::Asked,
            Tie::Asking => Self::Asking,
            Tie::Contact => Self::Contact,
        }
    }
}

/// What the caller holds of another user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub(super) struct ContactView {
    user: UserView,
    state: StateView,
    /// The caller takes nothing from the user.
    blocked: bool,
    /// The caller's note about a contact; empty = none.
    remark: String,
    /// What came with an open request.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Since when the state is as it is, ms since the epoch; 0 = for ever.
    since_ms: i64,
    /// When an open request ends, ms since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        let is_open = matches!(contact.tie, Tie::Asked | Tie::Asking);
        let is_shown = contact.tie != Tie::Shelved;
        Self {
            user: contact.peer.into(),
            state: contact.tie.into(),
            blocked: contact.blocks,
            remark: contact.remark,
            message: is_open.then_some(contact.message),
            since_ms: if is_shown { contact.changed_at_ms } else { 0 },
            expires_at_ms: is_open.then_some(contact.expires_at_ms),
        }
    }
}

/// Contacts, or blocked users, by id.
#[derive(Serialize, ToSchema)]
#[schema(as = Contacts)]
pub(super) struct ContactsView {
    contacts: Vec<ContactView>,
}

/// Open requests, each by the id of the other user.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactRequests)]
pub(super) struct RequestsView {
    /// To the caller.
    incoming: Vec<ContactView>,
    /// Of the caller.
    outgoing: Vec<ContactView>,
}

/// Who finds the caller by something.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Finders)]
enum FindersView {
    /// Everyone who is logged in.
    Everyone,
    /// The caller's contacts.
    Contacts,
    /// Nobody else.
    Nobody,
}

/// Who finds the caller, by what, and what others are told of them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Privacy)]
pub(super) struct PrivacyView {
    /// By the beginning of the user name.
    find_by_name: FindersView,
    /// By the whole e-mail address.
    find_by_email: FindersView,
    /// By the id.
    find_by_id: FindersView,
    /// Others are told how far the caller has read, and the caller of others.
    send_receipts: bool,
    /// The caller appears offline to others.
    invisible: bool,
}

/// The same, as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewPrivacy {
    /// By the beginning of the user name.
    find_by_name: FindersView,
    /// By the whole e-mail address.
    find_by_email: FindersView,
    /// By the id.
    find_by_id: FindersView,
    /// Others are told how far the caller has read, and the caller of others; absent: as it was.
    send_receipts: Option<bool>,
    /// The caller appears offline to others; absent: as it was.
    invisible: Option<bool>,
}

impl From<Finders> for FindersView {
    fn from(finders: Finders) -> Self {
        match finders {
            Finders::Everyone => Self::Everyone,
            Finders::Contacts => Self::Contacts,
            Finders::Nobody => Self::Nobody,
        }
    }
}

impl From<FindersView> for Finders {
    fn from(view: FindersView) -> Self {
        match view {
            FindersView::Everyone => Self::Everyone,
            FindersView::Contacts => Self::Contacts,
            FindersView::Nobody => Self::Nobody,
        }
    }
}

impl From<Privacy> for PrivacyView {
    fn from(privacy: Privacy) -> Self {
        Self {
            find_by_name: privacy.by_name.into(),
            find_by_email: privacy.by_email.into(),
            find_by_id: privacy.by_id.into(),
            send_receipts: privacy.sends_receipts,
            invisible: privacy.is_invisible,
        }
    }
}

impl NewPrivacy {
    fn over(&self, before: Privacy) -> Privacy {
        Privacy {
            by_name: self.find_by_name.into(),
            by_email: self.find_by_email.into(),
            by_id: self.find_by_id.into(),
            sends_receipts: self.send_receipts.unwrap_or(before.sends_receipts),
            is_invisible: self.invisible.unwrap_or(before.is_invisible),
        }
    }
}

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(list_contacts))
        .routes(routes!(list_requests, request))
        .routes(routes!(accept))
        .routes(routes!(refuse))
        .routes(routes!(withdraw))
        .routes(routes!(list_blocked))
        .routes(routes!(remark, delete))
        .routes(routes!(block, unblock))
        .routes(routes!(privacy, put_privacy))
}

fn views(contacts: Vec<Contact>) -> Vec<ContactView> {
    contacts.into_iter().map(ContactView::from).collect()
}

type Answer = Result<JsonReply<ContactView>, Refused>;

/// Lists the caller's contacts, by id.
#[utoipa::path(get, path = "/api/contacts", operation_id = "listContacts", tag = "contacts", params(PageOf),
    responses((status = 200, description = "A page of contacts", body = ContactsView)))]
async fn list_contacts(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(page): Query<PageOf>,
) -> Result<JsonReply<ContactsView>, Refused> {
    let after = page.after.map_or(0, UserId::get);
    let contacts = door.app.contacts.list(caller.id, after, page.limit).await?;
    Ok(JsonReply(ContactsView { contacts: views(contacts) }))
}

/// Lists whom the caller blocks, by id.
#[utoipa::path(get, path = "/api/contacts/blocked", operation_id = "listBlocked", tag = "contacts", params(PageOf),
    responses((status = 200, description = "A page of blocked users", body = ContactsView)))]
async fn list_blocked(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Query(page): Query<PageOf>,
) -> Result<JsonReply<ContactsView>, Refused> {
    let after = page.after.map_or(0, UserId::get);
    let contacts = door.app.contacts.blocked(caller.id, after, page.limit).await?;
    Ok(JsonReply(ContactsView { contacts: views(contacts) }))
}

/// Lists the open requests to and of the caller.
#[utoipa::path(get, path = "/api/contacts/requests", operation_id = "listContactRequests", tag = "contacts",
    responses((status = 200, description = "All open requests", body = RequestsView)))]
async fn list_requests(
    State(door): State<Arc<Door>>,
    caller: Caller,
) -> Result<JsonReply<RequestsView>, Refused> {
    let requests = door.app.contacts.requests(caller.id).await?;
    Ok(JsonReply(RequestsView { incoming: views(requests.incoming), outgoing: views(requests.outgoing) }))
}

/// Asks a user to be a contact; when they asked the caller already, both are contacts at once.
#[utoipa::path(post, path = "/api/contacts/requests", operation_id = "requestContact", tag = "contacts", request_body = NewRequest,
    responses((status = 200, description = "What is between them now", body = ContactView)))]
async fn request(State(door): State<Arc<Door>>, caller: Caller, Json(new): Json<NewRequest>) -> Answer {
    let contacts = &door.app.contacts;
    Ok(JsonReply(contacts.request(&caller.identity.user, new.user_id, &new.message).await?.into()))
}

/// Takes the user's request.
#[utoipa::path(post, path = "/api/contacts/requests/{userId}/accept", operation_id = "acceptContact", tag = "contacts",
    params(("userId" = String, Path, description = "Who asked")),
    responses((status = 200, description = "They are contacts", body = ContactView)))]
async fn accept(State(door): State<Arc<Door>>, caller: Caller, Path(peer): Path<UserId>) -> Answer {
    Ok(JsonReply(door.app.contacts.accept(&caller.identity.user, peer).await?.into()))
}

/// Refuses the user's request.
#[utoipa::path(post, path = "/api/contacts/requests/{userId}/refuse", operation_id = "refuseContact", tag = "contacts",
    params(("userId" = String, Path, description = "Who asked")),
    responses((status = 200, description = "There is no request of theirs", body = ContactView)))]
async fn refuse(State(door): State<Arc<Door>>, caller: Caller, Path(peer): Path<UserId>) -> Answer {
    Ok(JsonReply(door.app.contacts.refuse(&caller.identity.user, peer).await?.into()))
}

/// Takes the caller's request back.
#[utoipa::path(post, path = "/api/contacts/requests/{userId}/withdraw", operation_id = "withdrawContact", tag = "contacts",
    params(("userId" = String, Path, description = "Who was asked")),
    responses((status = 200, description = "There is no request of the caller's", body = ContactView)))]
async fn withdraw(State(door): State<Arc<Door>>, caller: Caller, Path(peer): Path<UserId>) -> Answer {
    Ok(JsonReply(door.app.contacts.withdraw(&caller.identity.user, peer).await?.into()))
}

/// Notes something about a contact, for the caller alone.
#[utoipa::path(put, path = "/api/contacts/{userId}", operation_id = "putContact", tag = "contacts",
    params(("userId" = String, Path, description = "The contact")), request_body = NewRemark,
    responses((status = 200, description = "The contact", body = ContactView)))]
async fn remark(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(peer): Path<UserId>,
    Json(new): Json<NewRemark>,
) -> Answer {
    Ok(JsonReply(door.app.contacts.remark(&caller.identity.user, peer, &new.remark).await?.into()))
}

/// Ends being contacts, on both sides.
#[utoipa::path(delete, path = "/api/contacts/{userId}", operation_id = "deleteContact", tag = "contacts",
    params(("userId" = String, Path, description = "The contact")),
    responses((status = 204, description = "They are no contacts")))]
async fn delete(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(peer): Path<UserId>,
) -> Result<StatusCode, Refused> {
    door.app.contacts.delete(&caller.identity.user, peer).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes nothing from a user any more: no request, and no message in the direct conversation.
#[utoipa::path(put, path = "/api/contacts/{userId}/block", operation_id = "blockUser", tag = "contacts",
    params(("userId" = String, Path, description = "Anybody else")),
    responses((status = 200, description = "The user is blocked", body = ContactView)))]
async fn block(State(door): State<Arc<Door>>, caller: Caller, Path(peer): Path<UserId>) -> Answer {
    let contact = door.app.contacts.block(&caller.identity.user, peer).await?;
    door.app.presence.blocked(caller.id, peer);
    Ok(JsonReply(contact.into()))
}

/// Takes requests and messages from the user again.
#[utoipa::path(delete, path = "/api/contacts/{userId}/block", operation_id = "unblockUser", tag = "contacts",
    params(("userId" = String, Path, description = "Who was blocked")),
    responses((status = 200, description = "The user is not blocked", body = ContactView)))]
async fn unblock(State(door): State<Arc<Door>>, caller: Caller, Path(peer): Path<UserId>) -> Answer {
    Ok(JsonReply(door.app.contacts.unblock(&caller.identity.user, peer).await?.into()))
}

/// Tells who finds the caller, and what others are told of them.
#[utoipa::path(get, path = "/api/me/privacy", operation_id = "privacy", tag = "contacts",
    responses((status = 200, description = "Who finds the caller, by what", body = PrivacyView)))]
async fn privacy(State(door): State<Arc<Door>>, caller: Caller) -> Result<JsonReply<PrivacyView>, Refused> {
    Ok(JsonReply(door.app.contacts.privacy(caller.id).await?.into()))
}

/// Says who finds the caller, and what others are told of them.
#[utoipa::path(put, path = "/api/me/privacy", operation_id = "putPrivacy", tag = "contacts", request_body = NewPrivacy,
    responses((status = 200, description = "As it is now", body = PrivacyView)))]
async fn put_privacy(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Json(new): Json<NewPrivacy>,
) -> Result<JsonReply<PrivacyView>, Refused> {
    let before = door.app.contacts.privacy(caller.id).await?;
    let privacy = new.over(before);
    door.app.contacts.set_privacy(caller.id, privacy).await?;
    if privacy.is_invisible != before.is_invisible {
        door.app.presence.veiled(caller.id);
    }
    Ok(JsonReply(privacy.into()))
}
