//! Who asks: a user by token or cookie, or a server by token.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method};
use oort_api::Code;
use oort_api::ids::UserId;

use super::door::Door;
use super::input::is_json;
use super::refused::Refused;
use crate::accounts::{Identity, Scope};
use crate::keys;
use crate::policy::keys::KeyScope;

/// Name of the log-in cookie.
pub(super) const COOKIE_NAME: &str = "sid";

/// Who may make a call, by a type, so that none is open to keys without saying to which.
pub(super) trait Admits: Send {
    /// The scope that a key needs; `None`: it is not for keys.
    const KEYS_WITH: Option<KeyScope>;
}

/// People only.
pub(super) struct People;

impl Admits for People {
    const KEYS_WITH: Option<KeyScope> = None;
}

macro_rules! admits {
    ($($scope:ident),+) => { $(
        /// People, and keys with this scope as their account.
        pub(super) struct $scope;
        impl Admits for $scope {
            const KEYS_WITH: Option<KeyScope> = Some(KeyScope::$scope);
        }
    )+ };
}

admits!(MessagesSend, UsersRead, GroupsWrite);

/// A user who proved who they are.
pub(super) struct Caller<A = People> {
    pub(super) identity: Identity,
    pub(super) id: UserId,
    _admits: PhantomData<A>,
}

impl<A: Admits> FromRequestParts<Arc<Door>> for Caller<A> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let accounts = &door.app.accounts;
        let identity = if let Some(token) = bearer(&parts.headers)? {
            if token.starts_with(keys::BEGINNING) {
                by_key(door, token, A::KEYS_WITH).await?
            } else {
                accounts.authenticate_bearer(token).await?
            }
        } else if let Some(sid) = cookie(&parts.headers) {
            if !parts.method.is_safe() {
                check_origin(parts, &door.config.allowed_origins)?;
            }
            accounts.authenticate_cookie(sid).await?
        } else {
            return Err(Refused::new(Code::Unauthenticated, "log in first"));
        };
        Ok(Self { id: identity.user_id()?, identity, _admits: PhantomData })
    }
}

/// A server with a token for pushes.
pub(super) struct PushServer;

impl FromRequestParts<Arc<Door>> for PushServer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Refused> {
        let token = bearer(&parts.headers)?;
        let token = token.ok_or_else(|| Refused::new(Code::Unauthenticated, "a server token is needed"))?;
        if token.starts_with(keys::BEGINNING) {
            door.app.keys.authorise(token, KeyScope::Push).await?;
        } else {
            door.app.accounts.authorise_server(token, Scope::Push)?;
        }
        Ok(Self)
    }
}

/// The token of the header; an unreadable header is not a missing one.
/// The account a key acts as.
async fn by_key(door: &Door, key: &str, scope: Option<KeyScope>) -> Result<Identity, Refused> {
    let Some(scope) = scope else {
        return Err(Refused::new(Code::Forbidden, "this call is not for keys of servers"));
    };
    let user = door.app.keys.account(key, scope).await?;
    // No call that admits keys asks for the log-in, nor for its end.
    Ok(Identity { user, login_id: "".into(), expires_at_ms: i64::MAX })
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Refused::new(Code::Unauthenticated, "authorization: must be `Bearer <token>`")),
    }
}

/// Value of the log-in cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// A browser sends the cookie along whatever page asks it to. That page's
/// origin must be ours, and the request one that a page elsewhere cannot make without asking first.
fn check_origin(parts: &Parts, allowed: &[String]) -> Result<(), Refused> {
    let needs_preflight = is_json(&parts.headers)
        || parts.headers.contains_key("x-requested-with")
        || !matches!(parts.method, Method::POST);
    if needs_preflight && is_same_origin(&parts.headers, allowed) {
        return Ok(());
    }
    Err(Refused::new(
        Code::Forbidden,
        "with a cookie, send content-type: application/json or x-requested-with, from the same origin",
    ))
}

/// `true` as well for what is no browser: it sends no `Origin`.
pub(super) fn is_same_origin(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if allowed.iter().any(|allowed| allowed == origin) {
        return true;
    }
    let Some((_, authority)) = origin.split_once("://") else { return false };
    // A page elsewhere cannot set X-Forwarded-Host without asking first.
    ["x-forwarded-host", HOST.as_str()]
        .iter()
        .filter_map(|&name| headers.get(name)?.to_str().ok())
        .any(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|&(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(cookie(&headers(&[("cookie", "a=b; sid=x; c=d")])), Some("x"));
        assert_eq!(cookie(&headers(&[("cookie", "sid=x")])), Some("x"));
        for none in ["xsid=x", "sid", "a=sid=x", ""] {
            assert_eq!(cookie(&headers(&[("cookie", none)])), None, "{none}");
        }
    }

    #[test]
    fn origins() {
        let allowed = ["https://chat.example".to_owned()];
        let check = |pairs: &[_]| is_same_origin(&headers(pairs), &allowed);
        assert!(check(&[("host", "a:8080")]));
        assert!(check(&[("host", "a:8080"), ("origin", "http://a:8080")]));
        assert!(check(&[("host", "inner"), ("x-forwarded-host", "A"), ("origin", "https://a")]));
        assert!(check(&[("host", "a"), ("origin", "https://chat.example")]));
        for bad in ["http://a:8081", "http://b", "null", "https://chat.example.evil", "http://a"] {
            assert!(!check(&[("host", "a:8080"), ("origin", bad)]), "{bad}");
        }
    }

    #[test]
    fn an_unreadable_authorization_is_refused() {
        assert!(matches!(bearer(&headers(&[("authorization", "bearer  t ")])), Ok(Some("t"))));
        assert!(matches!(bearer(&headers(&[])), Ok(None)));
        for bad in ["Basic eA==", "Bearer", "token"] {
            assert!(bearer(&headers(&[("authorization", bad)])).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read_or_passed_over(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100)) {
            let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, value.clone());
            headers.insert(AUTHORIZATION, value.clone());
            headers.insert(ORIGIN, value);
            headers.insert(HOST, HeaderValue::from_static("a:8080"));
            proptest::prop_assert!(cookie(&headers).is_none_or(|sid| !sid.contains(';')));
            proptest::prop_assert!(bearer(&headers).is_err() || bytes.len() > "bearer".len());
            proptest::prop_assert!(!is_same_origin(&headers, &[]) || bytes.to_ascii_lowercase().ends_with(b"://a:8080"));
        }
    }
}
