//! Log-ins: listed, ended from elsewhere, and what becomes of the sockets they opened.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::Account;
use crate::harness::over_both_shapes;
use crate::harness::socket::{End, Socket};
use crate::harness::system::System;

over_both_shapes!(
    all_other_log_ins_are_ended_at_once,
    ending_a_log_in_closes_its_sockets_alone,
    a_refresh_token_used_twice_closes_the_sockets_of_its_log_in,
    who_connects_while_the_log_in_ends_is_closed_too,
    a_cookie_log_in_gives_out_no_tokens_and_opens_sockets,
);

/// One more log-in, on a device of this name.
async fn log_in(system: &System, account: &Account, device: &str) -> Value {
    let body = json!({ "login": account.username, "password": "correct horse", "device": device });
    system.api(1).post("/api/sessions", "", body).await.ok()
}

fn token(session: &Value) -> String {
    session["accessToken"].as_str().expect("an access token").to_owned()
}

/// The frames until the end are passed over.
async fn end_of(socket: &mut Socket) -> End {
    loop {
        if let Err(end) = socket.try_next().await {
            return end;
        }
    }
}

async fn ending_a_log_in_closes_its_sockets_alone(system: &System) {
    let ann = system.account("ann").await;
    let laptop = token(&log_in(system, &ann, "laptop").await);
    let phone_socket = Socket::v1(system.door(0), &ann.token).await.follow();
    let mut laptop_sockets =
        [Socket::v1(system.door(0), &laptop).await, Socket::v1(system.door(1), &laptop).await];

    let listed = system.api(0).get("/api/sessions", &ann.token).await.ok();
    let listed = listed["sessions"].as_array().expect("a list").clone();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!((&listed[0]["device"], &listed[0]["current"]), (&json!("laptop"), &json!(false)));
    assert_eq!(listed[1]["current"], true);
    assert!(listed[0]["lastSeenMs"].as_i64() >= listed[0]["createdAtMs"].as_i64(), "{listed:?}");

    let bob = system.account("bob").await;
    let path = format!("/api/sessions/{}", listed[0]["id"].as_str().expect("an id"));
    let by_another = system.api(0).call(Method::DELETE, &path, &bob.token, None).await;
    assert_eq!(by_another.refusal(), (404, "not_found".to_owned()));
    let ended = system.api(1).call(Method::DELETE, &path, &ann.token, None).await;
    assert_eq!(ended.status, 204);
    for socket in &mut laptop_sockets {
        assert_eq!(end_of(socket).await, End::Code(1008));
    }
    assert_eq!(system.api(1).get("/api/me", &laptop).await.status, 401);
    let refused = Socket::try_v1(system.door(0), &laptop).await.expect_err("the log-in is over");
    assert!(refused.contains("1008"), "{refused}");

    // The other log-in goes on, until it is ended itself.
    let room = system.api(0).room(&ann).await;
    phone_socket.say(&room, "1", "still here").await;
    phone_socket.wait_for(&room, 1).await;
    assert!(phone_socket.is_open());
    let mut phone_socket = Socket::v1(system.door(1), &ann.token).await;
    let ended = system.api(0).call(Method::DELETE, "/api/sessions/current", &ann.token, None).await;
    assert_eq!(ended.status, 204);
    assert_eq!(end_of(&mut phone_socket).await, End::Code(1008));
}

async fn a_refresh_token_used_twice_closes_the_sockets_of_its_log_in(system: &System) {
    let ann = system.account("ann").await;
    let first = log_in(system, &ann, "laptop").await;
    let refresh = json!({ "refreshToken": first["refreshToken"] });
    let second = system.api(0).post("/api/sessions/refresh", "", refresh.clone()).await.ok();
    let mut socket = Socket::v1(system.door(1), &token(&second)).await;
    let again = system.api(0).post("/api/sessions/refresh", "", refresh).await;
    assert_eq!(again.refusal(), (401, "refresh_reused".to_owned()));
    assert_eq!(end_of(&mut socket).await, End::Code(1008));
}

async fn who_connects_while_the_log_in_ends_is_closed_too(system: &System) {
    let ann = system.account("ann").await;
    for round in 0..4 {
        let laptop = token(&log_in(system, &ann, "laptop").await);
        // So that every node takes the log-in for live.
        for index in 0..2 {
            Socket::v1(system.door(index), &laptop).await.follow().cut();
        }
        let mut connects = tokio::task::JoinSet::new();
        for index in 0..8 {
            let (door, laptop) = (system.door(index), laptop.clone());
            connects.spawn(async move { Socket::try_v1(door, &laptop).await });
        }
        let ended = system.api(round).call(Method::DELETE, "/api/sessions/current", &laptop, None).await;
        assert_eq!(ended.status, 204);
        while let Some(socket) = connects.join_next().await {
            match socket.expect("joined") {
                Ok(mut socket) => assert_eq!(end_of(&mut socket).await, End::Code(1008)),
                Err(refused) => assert!(refused.contains("1008"), "{refused}"),
            }
        }
    }
}

async fn a_cookie_log_in_gives_out_no_tokens_and_opens_sockets(system: &System) {
    let ann = system.account("ann").await;
    let body = json!({ "login": ann.username, "password": "correct horse", "cookie": true });
    let reply = system.api(0).post("/api/sessions", "", body).await;
    let cookie = reply.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert_eq!(reply.ok(), json!({ "user": { "id": ann.id, "username": ann.username } }));
    let sid = cookie.split(['=', ';']).nth(1).expect("a value").to_owned();
    let mut socket = Socket::classic(system.door(1), &sid).await;
    let headers = [("cookie", &*format!("sid={sid}")), ("x-requested-with", "it")];
    let ended = system.api(1).raw(Method::DELETE, "/api/sessions/current", &headers, "").await;
    assert_eq!(ended.expect("an answer").status, 204);
    assert_eq!(end_of(&mut socket).await, End::Code(1008));
}

async fn all_other_log_ins_are_ended_at_once(system: &System) {
    let ann = system.account("ann").await;
    let mut others = Vec::new();
    for index in 0..3 {
        let session = log_in(system, &ann, "laptop").await;
        others.push(Socket::v1(system.door(index), &token(&session)).await);
    }
    let kept = Socket::v1(system.door(1), &ann.token).await.follow();
    let ended = system.api(1).call(Method::DELETE, "/api/sessions", &ann.token, None).await.ok();
    assert_eq!(ended, json!({ "ended": 3 }));
    for mut socket in others {
        assert_eq!(end_of(&mut socket).await, End::Code(1008));
    }
    let room = system.api(0).room(&ann).await;
    kept.say(&room, "1", "still here").await;
    kept.wait_for(&room, 1).await;
    let again = system.api(0).call(Method::DELETE, "/api/sessions", &ann.token, None).await.ok();
    assert_eq!(again, json!({ "ended": 0 }));
}

/// A log-in of this kind; its refusal when there is one.
async fn try_kind(system: &System, account: &Account, kind: &str) -> Result<String, (u16, String)> {
    let body = json!({ "login": account.username, "password": "correct horse", "deviceKind": kind });
    let reply = system.api(1).post("/api/sessions", "", body).await;
    if reply.status.is_success() { Ok(token(&reply.ok())) } else { Err(reply.refusal()) }
}

async fn one_per_kind(system: System) {
    let ann = system.account("ann").await;
    let mut first =
        Socket::v1(system.door(0), &try_kind(&system, &ann, "phone").await.expect("logs in")).await;
    let tablet =
        Socket::v1(system.door(1), &try_kind(&system, &ann, "tablet").await.expect("logs in")).await.follow();
    let second =
        Socket::v1(system.door(1), &try_kind(&system, &ann, "phone").await.expect("logs in")).await.follow();
    assert_eq!(end_of(&mut first).await, End::Code(1008), "the first phone makes way, on another comet");
    let listed = system.api(0).get("/api/sessions", &ann.token).await.ok();
    let listed = listed["sessions"].as_array().expect("a list").clone();
    let kinds: Vec<_> = listed.iter().map(|login| login["deviceKind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["phone", "tablet", "other"]);
    let room = system.api(0).room(&ann).await;
    second.say(&room, "1", "hello").await;
    tablet.wait_for(&room, 1).await;
}

async fn refuse_second(system: System) {
    // Logged in, but without a connection: a log-in elsewhere takes its place.
    let ann = system.account("ann").await;
    let phone = try_kind(&system, &ann, "phone").await.expect("logs in");
    assert_eq!(system.api(0).get("/api/me", &phone).await.status, 200);
    let socket = Socket::v1(system.door(0), &phone).await.follow();
    let refused = try_kind(&system, &ann, "phone").await;
    assert_eq!(refused, Err((409, "already_logged_in".to_owned())));
    assert!(socket.is_open());
    assert_eq!(system.api(1).get("/api/me", &phone).await.status, 200);
    let ended = system.api(1).call(Method::DELETE, "/api/sessions/current", &phone, None).await;
    assert_eq!(ended.status, 204);
    try_kind(&system, &ann, "phone").await.expect("the other device logged out");
}

macro_rules! policies {
    ($($policy:ident),*) => {
        mod policies {
            use crate::harness::services::Backends;
            use crate::harness::system::System;

            $(mod $policy {
                use super::{Backends, System};

                const POLICY: (&str, &str) = ("OORT_LOGIC__ACCOUNTS__DEVICES", stringify!($policy));

                #[tokio::test(flavor = "multi_thread")]
                async fn standalone() {
                    super::super::$policy(System::standalone(&[POLICY])).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn cluster() {
                    super::super::$policy(System::cluster(&Backends::shared(), &[POLICY]).await).await;
                }
            })*
        }
    };
}

policies!(one_per_kind, refuse_second);
