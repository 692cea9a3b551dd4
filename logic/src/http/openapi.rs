//! The OpenAPI description, out of the handlers.

use http::Method;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use super::caller::COOKIE_NAME;
use super::refused::ErrorBody;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Oort",
        description = "Chat and push. Ids are decimal numbers as text; times are milliseconds since the epoch. \
            Every refusal of `/api` and `/push` is `{code, message}`; clients match on `code`. With `Retry-After` the same \
            request may succeed later.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody)),
    tags(
        (name = "accounts", description = "Accounts and log-ins"),
        (name = "conversations", description = "Rooms and direct conversations"),
        (name = "contacts", description = "Contacts, requests, blocks, and who finds whom"),
        (name = "groups", description = "Groups and their members"),
        (name = "files", description = "Files: uploaded in parts, carried by messages, read in full or in part"),
        (name = "messages", description = "Sending and reading"),
        (name = "admin", description = "For operators; others are refused with `forbidden`. What changes something is audited"),
        (name = "notifications", description = "Where devices are notified while they are away"),
        (name = "events", description = "What changed for the caller while a device was away"),
        (name = "push", description = "Pushes by servers: transient, to whoever is online"),
        (name = "goim", description = "goim's paths and answers"),
        (name = "web4", description = "The log-in of the older web4 page"),
    ),
    security(("bearer" = []), ("cookie" = [])),
    modifiers(&Schemes)
)]
struct Described;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let token = |text: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
            SecurityScheme::Http(scheme.description(Some(text)).build())
        };
        components.add_security_scheme("bearer", token("A user's access token"));
        components.add_security_scheme("server", token("A server token, made by `oort token`"));
        let cookie = ApiKeyValue::with_description(
            COOKIE_NAME,
            "Set by `/api/login`. What changes something must be sent as application/json or with x-requested-with.",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// What is not said by a handler.
pub(super) fn base() -> OpenApi {
    Described::openapi()
}

/// Adds what all handlers answer alike: the refusal.
pub(super) fn finish(mut openapi: OpenApi) -> OpenApi {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
    let refusal = ResponseBuilder::new().description("Refused").content("application/json", content).build();
    let in_our_shape = openapi.paths.paths.iter_mut().filter(|(path, _)| !path.starts_with("/goim/"));
    for operation in in_our_shape.flat_map(|(_, item)| operations_mut(item)) {
        if !operation.tags.iter().flatten().any(|tag| tag == "web4") {
            operation.responses.responses.insert("default".to_owned(), refusal.clone().into());
        }
    }
    openapi
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Every route there is.
pub(super) fn routes(openapi: &OpenApi) -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    for (path, item) in &openapi.paths.paths {
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        let present = operations.into_iter().filter(|(_, operation)| operation.is_some());
        routes.extend(present.map(|(method, _)| (method, path.clone())));
    }
    routes
}
