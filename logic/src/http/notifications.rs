//! Where the caller's devices are notified while they are away.

use std::sync::Arc;

use axum::Json as JsonReply;
use axum::extract::State;
use http::StatusCode;
use oort_api::Code;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::door::Door;
use super::input::{Json, Path};
use super::refused::Refused;
use crate::notifications::{Asked, Notifications};
use crate::store::{Target, TargetKind};

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new().routes(routes!(offered)).routes(routes!(target, set_target, remove_target))
}

/// By what this server notifies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationOffer)]
pub(super) struct OfferView {
    /// `webhook`, `webpush`, `fcm`, `apns`: those that are set up.
    kinds: Vec<&'static str>,
    /// What browsers subscribe with (`applicationServerKey`), base64url; absent where there is no Web Push.
    #[serde(skip_serializing_if = "Option::is_none")]
    vapid_public_key: Option<String>,
}

/// Where a log-in is notified.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationTarget)]
pub(super) struct TargetView {
    /// Another one whenever something else is set.
    id: String,
    /// `webhook`, `webpush`, `fcm` or `apns`.
    kind: &'static str,
    /// Of a webhook or a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Of a phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// What a webhook is signed with (`whsec_…`, Standard Webhooks).
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// ms since the epoch.
    created_at_ms: i64,
}

impl From<Target> for TargetView {
    fn from(target: Target) -> Self {
        let secret = Notifications::secret_text(&target);
        let is_url = matches!(target.kind, TargetKind::Webhook | TargetKind::WebPush);
        let (endpoint, token) =
            if is_url { (Some(target.address), None) } else { (None, Some(target.address)) };
        Self {
            id: target.id,
            kind: target.kind.as_str(),
            endpoint,
            token,
            secret,
            created_at_ms: target.created_at_ms,
        }
    }
}

/// Keys of a browser's subscription, as `PushSubscription.toJSON()` has them.
#[derive(Deserialize, ToSchema)]
pub(super) struct SubscriptionKeys {
    /// Public key, base64url.
    p256dh: String,
    /// Secret, base64url.
    auth: String,
}

/// Where to notify a log-in.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewNotificationTarget {
    /// `webhook`, `webpush`, `fcm` or `apns`.
    kind: String,
    /// Of a webhook or a browser: an https URL.
    endpoint: Option<String>,
    /// Of a browser.
    keys: Option<SubscriptionKeys>,
    /// Of a phone: FCM's registration token, or APNs' device token.
    token: Option<String>,
}

impl NewNotificationTarget {
    fn asked(self) -> Result<Asked, Refused> {
        let missing = |field: &str| Refused::new(Code::InvalidField, format!("{field}: is missing"));
        let unknown = || Refused::new(Code::InvalidField, "kind: webhook, webpush, fcm or apns");
        let endpoint = self.endpoint.ok_or_else(|| missing("endpoint"));
        let token = self.token.ok_or_else(|| missing("token"));
        Ok(match TargetKind::of(&self.kind).ok_or_else(unknown)? {
            TargetKind::Webhook => Asked::Webhook { endpoint: endpoint? },
            TargetKind::WebPush => {
                let SubscriptionKeys { p256dh, auth } = self.keys.ok_or_else(|| missing("keys"))?;
                Asked::WebPush { endpoint: endpoint?, p256dh, auth }
            }
            TargetKind::Fcm => Asked::Fcm { token: token? },
            TargetKind::Apns => Asked::Apns { token: token? },
        })
    }
}

/// Tells by what this server notifies devices that are away.
#[utoipa::path(get, path = "/api/notifications", operation_id = "notificationOffer", tag = "notifications",
    responses((status = 200, description = "What is set up", body = OfferView)))]
pub(super) async fn offered(State(door): State<Arc<Door>>, _: Caller) -> JsonReply<OfferView> {
    let notifications = &door.app.notifications;
    JsonReply(OfferView {
        kinds: notifications.kinds().into_iter().map(TargetKind::as_str).collect(),
        vapid_public_key: notifications.vapid_public_key().map(str::to_owned),
    })
}

/// Tells where a log-in of the caller is notified.
#[utoipa::path(get, path = "/api/sessions/{id}/notifications", operation_id = "notificationTarget",
    tag = "notifications", params(("id" = String, Path, description = "As listed, or `current`")),
    responses((status = 200, description = "Where", body = TargetView)))]
pub(super) async fn target(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<JsonReply<TargetView>, Refused> {
    let target = door.app.notifications.of(caller.id, login(&caller, &id)).await?;
    Ok(JsonReply(target.into()))
}

/// Sets where a log-in of the caller is notified while it has no connection; it ends with the log-in. The same once more
/// changes nothing; anything else takes the place of what was there.
#[utoipa::path(put, path = "/api/sessions/{id}/notifications", operation_id = "setNotificationTarget",
    tag = "notifications", params(("id" = String, Path, description = "As listed, or `current`")),
    request_body = NewNotificationTarget,
    responses((status = 200, description = "As it is now", body = TargetView)))]
pub(super) async fn set_target(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewNotificationTarget>,
) -> Result<JsonReply<TargetView>, Refused> {
    let target = door.app.notifications.set(caller.id, login(&caller, &id), new.asked()?).await?;
    Ok(JsonReply(target.into()))
}

/// Has a log-in of the caller notified no more, and forgets what waits for it.
#[utoipa::path(delete, path = "/api/sessions/{id}/notifications", operation_id = "removeNotificationTarget",
    tag = "notifications", params(("id" = String, Path, description = "As listed, or `current`")),
    responses((status = 204, description = "It is notified nowhere")))]
pub(super) async fn remove_target(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    door.app.notifications.remove_of(caller.id, login(&caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The log-in that is meant.
fn login<'a>(caller: &'a Caller, id: &'a str) -> &'a str {
    if id == "current" { &caller.identity.login_id } else { id }
}
