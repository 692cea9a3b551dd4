//! Credentials that nobody gave out, and pages of others that use somebody's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::harness::http::Account;
use crate::harness::over_both_shapes;
use crate::harness::socket::{Socket, open};
use crate::harness::system::System;
use crate::harness::unique;

over_both_shapes!(
    a_forged_token_opens_nothing,
    a_forged_cookie_opens_nothing,
    one_credential_does_not_pass_for_another,
    a_server_token_cannot_be_taken_back,
    a_page_of_somebody_else_gets_no_socket,
);

/// A part of a token, as an object.
fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&BASE64.decode(text).expect("base64")).expect("JSON")
}

fn encoded(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

/// What an attacker makes of their own token to become the victim.
fn forgeries(own: &str, victim: &Account) -> Vec<(String, String)> {
    let (head, mut claims) = (part(own, 0), part(own, 1));
    let signature = own.split('.').nth(2).expect("three parts");
    claims["sub"] = json!(victim.id);
    claims["name"] = json!(victim.username);
    let mut forged =
        vec![("another's claims".to_owned(), format!("{}.{}.{signature}", encoded(&head), encoded(&claims)))];
    for algorithm in
        ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA"]
    {
        let mut head = head.clone();
        head["alg"] = json!(algorithm);
        for end in ["", signature] {
            forged
                .push((format!("alg {algorithm}"), format!("{}.{}.{end}", encoded(&head), encoded(&claims))));
        }
    }
    // Signed well, with a key that is none: the key's name, nothing, the token's own words.
    let kid = head["kid"].as_str().expect("a key id").to_owned();
    for secret in ["", "secret", kid.as_str(), "oort", "null"] {
        for named in
            [Some(kid.clone()), None, Some("../../../dev/null".to_owned()), Some("' OR 1=1 -- ".to_owned())]
        {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = named;
            let token =
                encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes())).expect("signs");
            forged.push((format!("signed with {secret:?}"), token));
        }
    }
    // A key that the token brings along.
    for name in ["jwk", "jku", "x5u", "x5c"] {
        let mut head = head.clone();
        head[name] = json!("http://127.0.0.1:1/key");
        forged.push((name.to_owned(), format!("{}.{}.{signature}", encoded(&head), encoded(&claims))));
    }
    forged
        .push(("long".to_owned(), format!("{}.{}.{}", encoded(&head), encoded(&claims), "A".repeat(8_000))));
    forged.push(("dots".to_owned(), "....".to_owned()));
    forged
}

async fn a_forged_token_opens_nothing(system: &System) {
    let (eve, ann) = (system.account("eve").await, system.account("ann").await);
    for (index, (what, token)) in forgeries(&eve.token, &ann).into_iter().enumerate() {
        let reply = system.api(index).get("/api/me", &token).await;
        assert_eq!(reply.refusal(), (401, "unauthenticated".to_owned()), "{what}");
        assert!(!String::from_utf8_lossy(&reply.bytes).contains(&ann.username), "{what}");
        let refused = Socket::try_v1(system.door(index), &token).await;
        assert!(refused.is_err(), "{what} opened a socket");
    }
    // Where else a client may put one.
    let (_, token) = forgeries(&eve.token, &ann).swap_remove(1);
    let in_query = open(system.door(0), &format!("/api/ws?access_token={token}"), &[]).await;
    let in_header = open(system.door(0), "/api/ws", &[("authorization", &format!("Bearer {token}"))]).await;
    for stream in [in_query, in_header] {
        let mut socket = Socket { stream: stream.expect("upgraded before it is asked"), hello: Value::Null };
        assert!(socket.try_next().await.is_err(), "no hello");
    }
    assert_eq!(
        system.api(0).get("/api/me", &eve.token).await.ok()["user"]["id"],
        *eve.id,
        "the true one works"
    );
}

/// Signs up as a browser does; the cookie's value.
async fn cookie_of(system: &System) -> String {
    let body = json!({ "username": unique("cook"), "password": "correct horse", "cookie": true }).to_string();
    let json = [("content-type", "application/json")];
    let reply = system.api(0).raw(Method::POST, "/api/accounts", &json, body).await.expect("an answer");
    assert!(reply.status.is_success(), "{reply:?}");
    let cookie = reply.headers["set-cookie"].to_str().expect("ASCII").to_owned();
    let value = cookie.strip_prefix("sid=").and_then(|rest| rest.split(';').next());
    value.expect("a value").to_owned()
}

async fn a_forged_cookie_opens_nothing(system: &System) {
    let sid = cookie_of(system).await;
    let me = async |cookie: &str| {
        system
            .api(0)
            .raw(Method::GET, "/api/me", &[("cookie", cookie)], "")
            .await
            .expect("an answer")
            .status
            .as_u16()
    };
    assert_eq!(me(&format!("sid={sid}")).await, 200, "the true one works");
    let changed: String = sid.chars().rev().collect();
    let longer = format!("{sid}{sid}");
    for value in [
        "",
        "1",
        "0",
        "null",
        "' OR ''='",
        "../../etc/passwd",
        "%00",
        changed.as_str(),
        &sid[1..],
        longer.as_str(),
        &"A".repeat(sid.len()),
        &"A".repeat(8_000),
    ] {
        assert_eq!(me(&format!("sid={value}")).await, 401, "{value}");
        let refused = open(system.door(0), "/api/ws", &[("cookie", &format!("sid={value}"))]).await;
        if let Ok(stream) = refused {
            let mut socket = Socket { stream, hello: Value::Null };
            assert!(socket.try_next().await.is_err(), "{value} opened a socket");
        }
    }
    for cookie in
        [format!("SID={sid}"), format!("xsid={sid}"), format!("__Host-sid={sid}"), format!("a=sid={sid}")]
    {
        assert_eq!(me(&cookie).await, 401, "{cookie}");
    }
}

async fn one_credential_does_not_pass_for_another(system: &System) {
    let ann = system.account("ann").await;
    let (sid, server) = (cookie_of(system).await, system.server_token());
    let api = system.api(0);
    for (what, token) in [("a cookie", &sid), ("a server's token", &server)] {
        assert_eq!(api.get("/api/me", token).await.refusal().0, 401, "{what} as an access token");
        assert!(Socket::try_v1(system.door(0), token).await.is_err(), "{what} opens no socket");
    }
    let pushed = api
        .post("/push/users", &ann.token, json!({ "userIds": [ann.id], "operation": 1000, "body": "x" }))
        .await;
    assert_eq!(pushed.refusal().0, 401, "a user does not push");
    for token in [&ann.token, &sid, &server] {
        let reply = api.post("/api/sessions/refresh", "", json!({ "refreshToken": token })).await;
        assert_eq!(reply.refusal().0, 401, "not a refresh token");
    }
    let account = json!({ "username": unique("ref"), "password": "correct horse" });
    let refresh = api.post("/api/accounts", "", account).await.ok()["refreshToken"].clone();
    let refresh = refresh.as_str().expect("a refresh token");
    assert_eq!(api.get("/api/me", refresh).await.refusal().0, 401, "a refresh token opens nothing itself");
    let as_cookie = api.raw(Method::GET, "/api/me", &[("cookie", &format!("sid={refresh}"))], "").await;
    assert_eq!(as_cookie.expect("an answer").status.as_u16(), 401);
}

/// It names no log-in that could be ended and has no name of its own; no list of them is kept.
async fn a_server_token_cannot_be_taken_back(system: &System) {
    let token = system.server_token();
    let claims = part(&token, 1);
    let names: Vec<&str> = claims.as_object().expect("claims").keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "scopes", "sub"]);
    assert_eq!(claims["sub"], "server", "the same in each");
    let life = claims["exp"].as_i64().expect("seconds") - claims["iat"].as_i64().expect("seconds");
    assert_eq!(life, 365 * 24 * 3600);
    // Neither another one nor the end of the log-in of whoever asked for it ends it.
    let ann = system.account("ann").await;
    let push = json!({ "userId": ann.id, "operation": 1000, "body": "x" });
    assert_ne!(system.server_token(), "");
    let out = system.api(0).call(Method::DELETE, "/api/sessions/current", &ann.token, None).await;
    assert!(out.status.is_success(), "{out:?}");
    system.api(1).post("/push/user", &token, push).await.ok();
}

async fn a_page_of_somebody_else_gets_no_socket(system: &System) {
    let cookie = format!("sid={}", cookie_of(system).await);
    let door = system.door(0);
    let own = format!("http://{door}");
    for origin in [
        "null".to_owned(),
        "http://evil.example".to_owned(),
        format!("{own}.evil.example"),
        format!("http://evil.example:{}", door.port()),
        format!("http://{door}@evil.example"),
        format!("http://evil.example/{door}"),
        format!("http://evil.example#{own}"),
        format!("ftp://{door}"),
        format!("{own}/"),
        format!("http://{}:{}", door.ip(), door.port() ^ 1),
        String::new(),
    ] {
        for path in ["/api/ws", "/sub"] {
            let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
            // Such a page chooses no header of the handshake, but what stands between may.
            let told = [("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
            let refused = open(door, path, &[&headers[..], &told[..]].concat()).await;
            assert!(refused.is_err_and(|error| error.contains("403")), "{path} {origin:?}");
        }
    }
    assert!(open(door, "/api/ws", &[("cookie", &cookie), ("origin", &own)]).await.is_ok(), "ours does");
}
