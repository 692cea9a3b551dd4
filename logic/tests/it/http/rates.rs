//! How much one address and one user may ask for, each to its edge.

use serde_json::json;

use super::harness::{Node, Reply, Setup};

const HERE: [u8; 4] = [10, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [10, 0, 0, 2];

/// So slow that nothing comes back while a test runs.
fn slow() -> Setup {
    let mut setup = Setup::default();
    let rates = &mut setup.config.rates;
    (rates.sends_per_second, rates.requests_per_second, rates.logins_per_second) = (1, 1, 1);
    (rates.sends_burst, rates.requests_burst, rates.logins_burst) = (100, 100, 100);
    setup
}

#[track_caller]
fn is_told_to_wait(reply: &Reply) {
    reply.is_refused(429, "rate_limited");
    let wait: u64 = reply.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
}

#[tokio::test]
async fn sign_ups_and_log_ins_of_one_address() {
    let mut setup = slow();
    setup.config.rates.logins_burst = 3;
    let node = Node::with(setup).await;
    let client = node.anyone().at(HERE);
    let account = |name: &str| json!({"username": name, "password": "correct horse"});
    assert_eq!(client.post("/api/accounts", &account("ada")).await.status, 201);
    let login = json!({"login": "ada", "password": "correct horse"});
    assert_eq!(client.post("/api/sessions", &login).await.status, 200);
    client
        .post("/api/sessions", &json!({"login": "ada", "password": "wrong one"}))
        .await
        .is_refused(401, "login_failed");
    for (path, body) in [("/api/sessions", login.clone()), ("/api/accounts", account("bob"))] {
        is_told_to_wait(&client.post(path, &body).await);
    }
    // The page of web4 knows another shape, and the same status.
    let older = json!({"username": "bob", "email": "b@example.org", "password": "correct horse"});
    for (path, body) in
        [("/api/create-account", older), ("/api/login", json!({"email": "ada", "password": "x"}))]
    {
        assert_eq!(client.post(path, &body).await.status, 429, "{path}");
    }
    assert_eq!(node.anyone().at(ELSEWHERE).post("/api/sessions", &login).await.status, 200);
    assert_eq!(node.counter("rate_limited_total{what=\"logins\"}"), 4);
}

#[tokio::test]
async fn requests_of_one_address() {
    let mut setup = slow();
    setup.config.rates.requests_burst = 5;
    let node = Node::with(setup).await;
    let client = node.anyone().at(HERE);
    for _ in 0..5 {
        client.get("/api/me").await.is_refused(401, "unauthenticated");
    }
    is_told_to_wait(&client.get("/api/me").await);
    is_told_to_wait(&client.get("/api/no/such/thing").await);
    node.anyone().at(ELSEWHERE).get("/api/me").await.is_refused(401, "unauthenticated");
    let push = json!({"operation": 1000, "body": "x"});
    assert_eq!(node.server().at(HERE).post("/push/all", &push).await.status, 204, "servers are not counted");
    assert_eq!(node.counter("rate_limited_total{what=\"requests\"}"), 2);
    assert_eq!(node.counter("http_refusals_total{code=\"rate_limited\"}"), 2);
}

#[tokio::test]
async fn a_client_behind_a_proxy_is_counted_by_its_own_address_when_the_proxy_is_believed() {
    for (trusted, own) in [(vec!["10.0.0.0/8".to_owned()], true), (Vec::new(), false)] {
        let mut setup = slow();
        setup.config.rates.requests_burst = 2;
        setup.config.http.trusted_proxies = trusted.try_into().expect("networks");
        let node = Node::with(setup).await;
        let ask = async |forwarded: &str| {
            node.anyone().at(HERE).header("x-forwarded-for", forwarded).get("/api/me").await.status.as_u16()
        };
        assert_eq!([ask("9.9.9.1").await, ask("9.9.9.1").await], [401, 401]);
        assert_eq!(ask("9.9.9.1").await, 429);
        assert_eq!(ask("9.9.9.2").await == 401, own, "another client");
        assert_eq!(ask("9.9.9.3, 9.9.9.1").await, 429, "what a client made up itself does not count");
    }
}

#[tokio::test]
async fn sends_of_one_user() {
    let mut setup = slow();
    setup.config.rates.sends_burst = 4;
    setup.config.limits.messages_per_request_max = 4;
    let node = Node::with(setup).await;
    let (ann, bob) = (node.user("ann").await, node.user("bob").await);
    let room = ann.post("/api/rooms", &json!({"name": "den"})).await;
    let path = format!("/api/conversations/{}/messages", room.text("id"));
    let mut send = 0;
    let mut message = || {
        send += 1;
        json!({"clientMsgId": format!("m{send}"), "content": "x"})
    };
    for _ in 0..3 {
        assert_eq!(ann.post(&path, &message()).await.status, 200);
    }
    is_told_to_wait(&ann.post(&path, &message()).await);
    is_told_to_wait(&ann.post("/api/rooms", &json!({"name": "another"})).await);
    assert_eq!(bob.post(&path, &message()).await.status, 200, "others go on");
    assert_eq!(ann.get(&path).await.json()["head"], 4, "what was refused is not stored");
    assert_eq!(node.counter("rate_limited_total{what=\"sends\"}"), 2);
    assert_eq!(node.counter("messages_refused_total{code=\"rate_limited\"}"), 1);
}
