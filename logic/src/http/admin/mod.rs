//! What operators see and do, under `/api/admin`. Everyone else is answered
//! with `forbidden`.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::door::Door;

mod audit;
mod backlog;
mod broadcast;
mod groups;
mod hooks;
mod keys;
mod messages;
mod nodes;
mod operator;
mod replay;
mod sanctions;
mod trail;
mod users;

/// All of it.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .routes(routes!(nodes::nodes))
        .routes(routes!(users::users))
        .routes(routes!(users::connections, users::kick_all))
        .routes(routes!(users::kick))
        .routes(routes!(sanctions::ban, sanctions::unban))
        .routes(routes!(sanctions::mute, sanctions::unmute))
        .routes(routes!(sanctions::list_bans))
        .routes(routes!(sanctions::list_mutes))
        .routes(routes!(messages::erase))
        .routes(routes!(groups::group, groups::edit, groups::dissolve))
        .routes(routes!(groups::remove_member))
        .routes(routes!(groups::mute_member))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(backlog::outbox))
        .routes(routes!(hooks::hooks))
        .routes(routes!(backlog::dead_letters))
        .routes(routes!(trail::trace))
        .routes(routes!(replay::replay))
        .routes(routes!(broadcast::broadcast))
        .routes(routes!(audit::audit))
}
