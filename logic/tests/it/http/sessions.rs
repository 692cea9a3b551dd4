//! Accounts and log-ins over HTTP.

use serde_json::json;

use super::harness::{Node, Setup};

#[tokio::test]
async fn an_account_is_created_and_logged_in() {
    let node = Node::start().await;
    let account = json!({"username": "Ada", "email": "Ada@Example.org", "password": "correct horse"});
    let created = node.anyone().post("/api/accounts", &account).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.headers["cache-control"], "no-store");
    assert_eq!(created.json()["user"]["username"], "Ada");
    assert!(created.json()["accessExpiresAtMs"].as_i64() < created.json()["refreshExpiresAtMs"].as_i64());

    for login in ["Ada", "ADA", " ada ", "ada@example.ORG"] {
        let reply =
            node.anyone().post("/api/sessions", &json!({"login": login, "password": "correct horse"})).await;
        assert_eq!(reply.status, 200, "{login}: {reply:?}");
        assert_eq!(reply.json()["user"], created.json()["user"]);
        let me = node.anyone().bearer(reply.text("accessToken")).get("/api/me").await;
        assert_eq!((me.status.as_u16(), &me.json()["user"]), (200, &created.json()["user"]));
        assert_eq!(me.json()["expiresAtMs"], reply.json()["accessExpiresAtMs"]);
    }
}

#[tokio::test]
async fn names_and_addresses_are_taken_without_regard_to_case() {
    let node = Node::start().await;
    let account =
        |name: &str, email: &str| json!({"username": name, "email": email, "password": "correct horse"});
    assert_eq!(node.anyone().post("/api/accounts", &account("ada", "a@example.org")).await.status, 201);
    node.anyone()
        .post("/api/accounts", &account("ADA", "b@example.org"))
        .await
        .is_refused(409, "username_taken");
    node.anyone()
        .post("/api/accounts", &account("bob", "A@Example.org"))
        .await
        .is_refused(409, "email_taken");
    for (field, account) in [
        ("username", account("x", "c@example.org")),
        ("email", account("carol", "nowhere")),
        ("password", json!({"username": "carol", "password": "abc"})),
    ] {
        let reply = node.anyone().post("/api/accounts", &account).await;
        reply.is_refused(400, "invalid_field");
        assert!(reply.text("message").starts_with(field), "{reply:?}");
    }
}

#[tokio::test]
async fn nobody_learns_whether_a_name_exists_from_a_failed_log_in() {
    let node = Node::start().await;
    node.user("ada").await;
    let mut answers = Vec::new();
    for (login, password) in
        [("ada", "wrong one"), ("nobody", "wrong one"), ("ada", "x"), ("", ""), ("a@b", "wrong one")]
    {
        let reply = node.anyone().post("/api/sessions", &json!({"login": login, "password": password})).await;
        reply.is_refused(401, "login_failed");
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn guessing_is_slowed_down_per_account_and_address() {
    let mut setup = Setup::default();
    setup.config.accounts.attempts_free = 3;
    setup.config.accounts.attempts_wait_min_ms = 60_000;
    let node = Node::with(setup).await;
    node.user("ada").await;
    // The directory of this node counts nothing, as one that is away: the node does so itself.
    let try_from = async |address: [u8; 4], password: &str| {
        let client = node.anyone().at(address);
        client.post("/api/sessions", &json!({"login": "ada", "password": password})).await
    };
    for _ in 0..2 {
        try_from([10, 0, 0, 1], "wrong one").await.is_refused(401, "login_failed");
    }
    // The right password forgives.
    assert_eq!(try_from([10, 0, 0, 1], "password of mine").await.status, 200);
    for _ in 0..3 {
        try_from([10, 0, 0, 1], "wrong one").await.is_refused(401, "login_failed");
    }
    let refused = try_from([10, 0, 0, 1], "password of mine").await;
    refused.is_refused(429, "rate_limited");
    let wait: u64 = refused.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(try_from([10, 0, 0, 2], "password of mine").await.status, 200, "elsewhere nothing was tried");
    assert_eq!(node.counter("login_refusals_total"), 1);
    assert_eq!(node.counter("login_failures_total"), 5);
    assert_eq!(node.counter("lockouts_total"), 1);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_reuse_ends_the_log_in() {
    let node = Node::start().await;
    let account = json!({"username": "ada", "password": "correct horse"});
    let first = node.anyone().post("/api/accounts", &account).await;
    let refresh = async |token: &str| {
        node.anyone().post("/api/sessions/refresh", &json!({"refreshToken": token})).await
    };

    let second = refresh(first.text("refreshToken")).await;
    assert_eq!(second.status, 200, "{second:?}");
    assert_eq!(second.json()["user"], first.json()["user"]);
    assert_ne!(second.text("refreshToken"), first.text("refreshToken"));
    assert_eq!(node.anyone().bearer(second.text("accessToken")).get("/api/me").await.status, 200);

    refresh(first.text("refreshToken")).await.is_refused(401, "refresh_reused");
    refresh(second.text("refreshToken")).await.is_refused(401, "unauthenticated");
    for nonsense in ["", "x", "not base64 at all, but of the length 43 !!!!!"] {
        refresh(nonsense).await.is_refused(401, "unauthenticated");
    }
    assert_eq!(node.counter("refresh_reuses_total"), 1);
}

#[tokio::test]
async fn an_ended_log_in_has_no_token_left() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    assert_eq!(ada.get("/api/me").await.status, 200);
    let other =
        node.anyone().post("/api/sessions", &json!({"login": "ada", "password": "password of mine"})).await;

    let out = ada.delete("/api/sessions/current").await;
    assert_eq!((out.status.as_u16(), out.body.len()), (204, 0));
    assert_eq!(out.sid(), ("", "HttpOnly; Max-Age=0; SameSite=Strict; Path=/"));
    ada.get("/api/me").await.is_refused(401, "unauthenticated");
    ada.delete("/api/sessions/current").await.is_refused(401, "unauthenticated");
    assert_eq!(
        node.anyone().bearer(other.text("accessToken")).get("/api/me").await.status,
        200,
        "another device"
    );
}

#[tokio::test]
async fn credentials_that_are_none() {
    let node = Node::start().await;
    let server = node.server();
    for client in [
        node.anyone(),
        node.anyone().bearer("a.b.c"),
        node.anyone().header("authorization", "Basic YWRhOng="),
        node.anyone().cookie("AAAA"),
        node.anyone().cookie("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        server,
    ] {
        let reply = client.get("/api/me").await;
        reply.is_refused(401, "unauthenticated");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }
    assert_eq!(node.counter("http_refusals_total{code=\"unauthenticated\"}"), 6);
}

#[tokio::test]
async fn users_are_found_by_the_beginning_of_their_name() {
    let node = Node::start().await;
    let ada = node.user("Ada").await;
    node.user("adam").await;
    node.user("bob").await;
    let found = ada.get("/api/users?prefix=AD").await;
    let names: Vec<_> =
        found.json()["users"].as_array().expect("an array").iter().map(|u| u["username"].clone()).collect();
    assert_eq!(names, ["Ada", "adam"]);
    assert_eq!(found.json()["users"][0]["id"], ada.id.as_str());
    assert_eq!(
        ada.get("/api/users?prefix=AD&limit=1").await.json()["users"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(ada.get("/api/users?prefix=%25").await.json(), json!({"users": []}), "no wildcard");
    node.anyone().get("/api/users?prefix=a").await.is_refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_cookie_log_in_holds_no_secret_a_script_could_read() {
    let node = Node::start().await;
    let account =
        json!({"username": "ada", "password": "correct horse", "cookie": true, "device": "Ada's phone"});
    let created = node.anyone().post("/api/accounts", &account).await;
    assert_eq!(created.status, 201, "{created:?}");
    let fields: Vec<_> = created.json().as_object().expect("an object").keys().cloned().collect();
    assert_eq!(fields, ["user"], "no tokens");
    let cookie = created.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(
        cookie.starts_with("sid=") && cookie.contains("; HttpOnly;") && cookie.contains("; SameSite=Strict;")
    );
    let sid = cookie.split(['=', ';']).nth(1).expect("a value");
    let ada = node.anyone().cookie(sid).header("x-requested-with", "it");
    let listed = ada.get("/api/sessions").await.json()["sessions"].clone();
    assert_eq!((&listed[0]["device"], &listed[0]["current"]), (&json!("Ada's phone"), &json!(true)));

    // A page of another origin can make nobody log in here.
    let login = json!({"login": "ada", "password": "correct horse", "cookie": true});
    let elsewhere = node.anyone().header("host", "a").header("origin", "http://b");
    elsewhere.post("/api/sessions", &login).await.is_refused(403, "forbidden");
    assert_eq!(
        node.anyone()
            .header("host", "a")
            .header("origin", "http://a")
            .post("/api/sessions", &login)
            .await
            .status,
        200
    );

    // Ending the current one clears the cookie.
    let id = listed[0]["id"].as_str().expect("an id");
    let ended = ada.delete(&format!("/api/sessions/{id}")).await;
    assert_eq!(ended.status, 204);
    assert!(ended.headers["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    ada.get("/api/me").await.is_refused(401, "unauthenticated");
}

#[tokio::test]
async fn log_ins_are_listed_by_device_and_ended_by_their_owner_alone() {
    let node = Node::start().await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let login = |device: &str| json!({"login": "ada", "password": "password of mine", "device": device});
    let browser = node
        .anyone()
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0");
    assert_eq!(browser.post("/api/sessions", &login(" ")).await.status, 200);
    let laptop = node.anyone().post("/api/sessions", &login("laptop")).await;
    for bad in ["x".repeat(65), "a\nb".to_owned()] {
        node.anyone().post("/api/sessions", &login(&bad)).await.is_refused(400, "invalid_field");
    }
    let listed = ada.get("/api/sessions").await.json()["sessions"].clone();
    let listed = listed.as_array().expect("a list");
    let mut devices: Vec<_> = listed.iter().map(|entry| entry["device"].as_str().expect("text")).collect();
    devices.sort_unstable();
    assert_eq!(devices, ["", "Firefox on Linux", "laptop"]);
    assert_eq!(listed.iter().filter(|entry| entry["current"] == true).count(), 1);
    let of = |device: &str| {
        let entry = listed.iter().find(|entry| entry["device"] == device).expect("listed");
        format!("/api/sessions/{}", entry["id"].as_str().expect("an id"))
    };
    bob.delete(&of("laptop")).await.is_refused(404, "not_found");
    ada.delete("/api/sessions/none").await.is_refused(404, "not_found");
    assert_eq!(ada.delete(&of("laptop")).await.status, 204);
    let laptop = node.anyone().bearer(laptop.text("accessToken"));
    laptop.get("/api/me").await.is_refused(401, "unauthenticated");
    assert_eq!(ada.get("/api/sessions").await.json()["sessions"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn presence_is_asked_of_a_bounded_number_of_users() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let path = format!("/api/presence?users={},77", ada.id);
    let users = ada.get(&path).await.json()["users"].clone();
    assert_eq!(users[1], json!({"id": "77", "online": false, "lastSeenMs": 0}));
    assert_eq!(users[0]["online"], false, "a request is no connection");
    let many = vec!["1"; 101].join(",");
    ada.get(&format!("/api/presence?users={many}")).await.is_refused(400, "invalid_field");
    node.anyone().get(&path).await.is_refused(401, "unauthenticated");
}
