//! The HTTP API: JSON under `/api`, pushes for servers under `/push` and
//! goim's paths under `/goim`. OpenAPI is generated from this code.
//!
//! Around every handler lie the `layers`; what clients send is read by
//! `input`, who they are by `caller`; every refusal is a `refused::Refused`.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

mod accounts;
mod admin;
mod caller;
mod changes;
mod codes;
mod config;
mod contacts;
mod conversations;
mod cookie;
mod cursors;
mod device;
mod door;
mod events;
mod files;
mod goim;
mod group_links;
mod groups;
mod input;
mod layers;
mod me;
mod messages;
mod metrics;
mod notifications;
mod openapi;
mod presence;
mod push;
mod ranges;
mod receipts;
mod refused;
mod search;
mod sessions;
mod trace;
mod views;
mod web4;

pub(crate) use caller::cookie as login_cookie;
pub(crate) use changes::ChangeView;
pub use config::Config;
pub use metrics::Metrics;
pub(crate) use views::MessageView;

use door::Door;
use metrics::{Codes, RouteMetrics};

/// The API as a router. It answers every path: what it does not know with
/// 404, so it goes last where there is more to serve.
///
/// The client's address is taken from `ConnectInfo<SocketAddr>`, which whoever
/// serves the router puts into the request's extensions.
pub fn router(app: Arc<App>, config: Config, metrics: Metrics) -> Router {
    let (routes, description) = described();
    let json = description.to_json().unwrap_or_default();
    let door = Arc::new(Door {
        app,
        routes: RouteMetrics::new(&metrics, openapi::routes(&description)),
        codes: Codes::new(&metrics),
        slots: Semaphore::new(config.requests_max.min(Semaphore::MAX_PERMITS)),
        config,
        metrics,
    });
    let panicked = {
        let door = door.clone();
        move |panic: Box<dyn Any + Send>| layers::panicked(&door, &*panic)
    };
    routes
        .route("/api/openapi.json", get(|| async move { ([(CONTENT_TYPE, "application/json")], json) }))
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(door.clone(), layers::observe))
        .with_state(door)
}

/// The description of the API, as `/api/openapi.json` has it.
#[must_use]
pub fn openapi() -> OpenApi {
    described().1
}

fn described() -> (Router<Arc<Door>>, OpenApi) {
    let (router, openapi) = OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(accounts::create_account))
        .routes(routes!(accounts::create_session))
        .routes(routes!(accounts::refresh_session))
        .routes(routes!(accounts::end_session))
        .routes(routes!(sessions::list_sessions, sessions::end_others))
        .routes(routes!(sessions::end_session_of))
        .routes(routes!(accounts::find_users))
        .routes(routes!(presence::presence, presence::ask_presence))
        .routes(routes!(conversations::list_conversations))
        .routes(routes!(conversations::list_rooms, conversations::create_room))
        .routes(routes!(conversations::direct))
        .routes(routes!(cursors::put_cursor))
        .routes(routes!(cursors::list_cursors))
        .routes(routes!(receipts::list_readers))
        .routes(routes!(messages::read, messages::send))
        .routes(routes!(web4::create_account))
        .routes(routes!(web4::login))
        .routes(routes!(web4::logout))
        .routes(routes!(push::push_user))
        .routes(routes!(push::push_users))
        .routes(routes!(push::push_batch))
        .routes(routes!(push::push_room))
        .routes(routes!(push::push_all))
        .routes(routes!(goim::push_keys))
        .routes(routes!(goim::push_mids))
        .routes(routes!(goim::push_room))
        .routes(routes!(goim::push_all))
        .routes(routes!(goim::online_top))
        .routes(routes!(goim::online_room))
        .routes(routes!(goim::online_total))
        .routes(routes!(goim::nodes_weighted))
        .routes(routes!(goim::nodes_instances))
        .merge(changes::routes())
        .merge(search::routes())
        .merge(codes::routes())
        .merge(events::routes())
        .merge(contacts::routes())
        .merge(files::routes())
        .merge(groups::routes())
        .merge(me::routes())
        .merge(notifications::routes())
        .merge(admin::routes())
        .split_for_parts();
    (router, openapi::finish(openapi))
}
