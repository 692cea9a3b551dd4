//! Contacts: asked, accepted, blocked; told to every device of both, and found by those who were away.

use http::Method;
use serde_json::{Value, json};

use crate::harness::http::{Account, Reply};
use crate::harness::over_both_shapes;
use crate::harness::socket::{Follower, Socket};
use crate::harness::system::System;

over_both_shapes!(
    a_request_waits_for_who_is_away_and_every_device_learns_the_answer,
    accept_and_withdraw_at_once_leave_one_truth,
    who_is_blocked_cannot_send_and_is_not_told_why,
    people_are_found_as_they_wish,
);

/// Asks, from node `index`.
async fn ask(system: &System, index: usize, from: &Account, to: &Account, message: &str) -> Reply {
    let body = json!({ "userId": to.id, "message": message });
    system.api(index).post("/api/contacts/requests", &from.token, body).await
}

/// Does something about a request, from node `index`.
async fn answer(system: &System, index: usize, by: &Account, about: &Account, what: &str) -> Reply {
    let path = format!("/api/contacts/requests/{}/{what}", about.id);
    system.api(index).post(&path, &by.token, json!({})).await
}

async fn call(system: &System, method: Method, path: &str, by: &Account, body: Option<Value>) -> Reply {
    system.api(1).call(method, path, &by.token, body).await
}

/// (kind, id of the other) of all events, by reading them, oldest first.
async fn events(system: &System, of: &Account) -> Vec<(String, String)> {
    let page = system.api(1).get("/api/events?after=0", &of.token).await.ok();
    page["events"].as_array().expect("events").iter().map(short).collect()
}

fn short(event: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&event["kind"]), text(&event["data"]["user"]["id"]))
}

/// The same as a socket was told it; places are checked to be without holes.
fn pushed(socket: &Follower) -> Vec<(String, String)> {
    let mut frames = socket.frames("event");
    frames.sort_by_key(|frame| frame["seq"].as_i64());
    frames.dedup_by_key(|frame| frame["seq"].as_i64());
    let first = frames.first().and_then(|frame| frame["seq"].as_i64()).unwrap_or(0);
    assert!(frames.iter().zip(first..).all(|(frame, seq)| frame["seq"] == seq), "{frames:?}");
    frames.iter().map(short).collect()
}

/// Ids of the contacts, and of who is blocked.
async fn list(system: &System, path: &str, of: &Account) -> Vec<String> {
    let list = call(system, Method::GET, path, of, None).await.ok();
    let contacts = list["contacts"].as_array().expect("contacts").iter();
    contacts.map(|contact| contact["user"]["id"].as_str().expect("an id").to_owned()).collect()
}

async fn a_request_waits_for_who_is_away_and_every_device_learns_the_answer(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let phone = Socket::v1(system.door(0), &ann.token).await.follow();
    let asked = ask(system, 0, &ann, &bob, "Hello from the club").await.ok();
    assert_eq!((&asked["state"], &asked["user"]["id"]), (&json!("asked"), &json!(bob.id)));
    assert!(asked["expiresAtMs"].as_i64() > asked["sinceMs"].as_i64(), "{asked}");
    assert_eq!(ask(system, 1, &ann, &bob, "Hello from the club").await.ok(), asked, "asked once");
    let own = phone.wait_frame("event", |event| event["kind"] == "contact_requested").await;
    assert_eq!((&own["seq"], &own["data"]["direction"]), (&json!(1), &json!("out")));

    // Bob was away: the greeting says that there is something, and one call what.
    let tablet = Socket::v1(system.door(1), &bob.token).await;
    assert_eq!(tablet.hello["eventSeq"], 1);
    let desk = Socket::v1(system.door(0), &bob.token).await.follow();
    let tablet = tablet.follow();
    let missed = system.api(1).get("/api/events?after=0", &bob.token).await.ok();
    assert_eq!((&missed["head"], &missed["hasMore"]), (&json!(1), &json!(false)));
    let data = &missed["events"][0]["data"];
    assert_eq!(
        (&data["user"]["username"], &data["message"], &data["direction"]),
        (&json!(ann.username), &json!("Hello from the club"), &json!("in"))
    );
    let requests = call(system, Method::GET, "/api/contacts/requests", &bob, None).await.ok();
    assert_eq!(requests["incoming"][0]["message"], "Hello from the club");
    assert_eq!((&requests["incoming"][0]["state"], &requests["outgoing"]), (&json!("asking"), &json!([])));

    let accepted = answer(system, 1, &bob, &ann, "accept").await.ok();
    assert_eq!(accepted["state"], "contact");
    assert_eq!(answer(system, 0, &bob, &ann, "accept").await.ok(), accepted, "a repeat answers the same");
    for (socket, other) in [(&phone, &bob), (&tablet, &ann), (&desk, &ann)] {
        let added = socket.wait_frame("event", |event| event["kind"] == "contact_added").await;
        assert_eq!((&added["data"]["user"]["id"], &added["seq"]), (&json!(other.id), &json!(2)));
    }
    let path = format!("/api/contacts/{}", ann.id);
    let remark = json!({ "remark": "  from the club " });
    let noted = call(system, Method::PUT, &path, &bob, Some(remark)).await.ok();
    assert_eq!(noted["remark"], "from the club");
    for socket in [&tablet, &desk] {
        let changed = socket.wait_frame("event", |event| event["kind"] == "contact_changed").await;
        assert_eq!((&changed["seq"], &changed["data"]["remark"]), (&json!(3), &json!("from the club")));
    }
    for (of, other) in [(&ann, &bob), (&bob, &ann)] {
        assert_eq!(list(system, "/api/contacts", of).await, std::slice::from_ref(&other.id));
    }
    assert_eq!(list(system, &format!("/api/contacts?after={}", bob.id), &ann).await, Vec::<String>::new());
    for _ in 0..2 {
        let gone = call(system, Method::DELETE, &path, &bob, None).await;
        assert_eq!(gone.status, 204, "the second time as well");
    }
    phone.wait_frame("event", |event| event["kind"] == "contact_removed").await;
    assert_eq!(list(system, "/api/contacts", &ann).await, Vec::<String>::new());
    let of_ann = ["contact_requested", "contact_added", "contact_removed"];
    assert_eq!(pushed(&phone), of_ann.map(|kind| (kind.to_owned(), bob.id.clone())));
    assert_eq!(pushed(&phone), events(system, &ann).await, "live and read are the same");
    let refused = call(system, Method::PUT, &path, &bob, Some(json!({ "remark": "who?" }))).await;
    assert_eq!(refused.refusal(), (404, "not_found".to_owned()));
    assert_eq!(ask(system, 0, &ann, &ann, "me").await.refusal(), (400, "invalid_field".to_owned()));
}

async fn accept_and_withdraw_at_once_leave_one_truth(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let mut total = 0;
    for round in 0..8 {
        ask(system, round, &ann, &bob, "hi").await.ok();
        let (accepted, withdrawn) = tokio::join!(
            answer(system, round, &bob, &ann, "accept"),
            answer(system, round + 1, &ann, &bob, "withdraw"),
        );
        let is_contact = accepted.status == 200;
        let loser = if is_contact { withdrawn } else { accepted };
        assert_eq!(loser.refusal(), (404, "not_found".to_owned()), "one of them came first");
        for (of, other) in [(&ann, &bob), (&bob, &ann)] {
            let expected: Vec<String> = is_contact.then(|| other.id.clone()).into_iter().collect();
            assert_eq!(list(system, "/api/contacts", of).await, expected, "round {round}");
            let requests = call(system, Method::GET, "/api/contacts/requests", of, None).await.ok();
            assert_eq!(requests, json!({ "incoming": [], "outgoing": [] }));
        }
        total += 2;
        if is_contact {
            let path = format!("/api/contacts/{}", bob.id);
            assert_eq!(call(system, Method::DELETE, &path, &ann, None).await.status, 204);
            total += 1;
        }
    }
    for (socket, of) in [(&anns, &ann), (&bobs, &bob)] {
        socket.wait_frame("event", |event| event["seq"] == total).await;
        crate::harness::eventually("every event came", async || {
            (pushed(socket).len() == usize::try_from(total).expect("small")).then_some(())
        })
        .await;
        assert_eq!(pushed(socket), events(system, of).await, "both devices saw the same happen");
    }
}

async fn who_is_blocked_cannot_send_and_is_not_told_why(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let direct = system.api(0).post("/api/direct", &ann.token, json!({ "userId": bob.id })).await.ok();
    let direct = direct["id"].as_str().expect("an id").to_owned();
    let bobs = Socket::v1(system.door(1), &bob.token).await.follow();
    let anns = Socket::v1(system.door(0), &ann.token).await.follow();
    system.api(1).send(&bob, &direct, "1", "before").await.ok();
    anns.wait_for(&direct, 1).await;

    let path = format!("/api/contacts/{}/block", bob.id);
    let blocked = call(system, Method::PUT, &path, &ann, None).await.ok();
    assert_eq!((&blocked["blocked"], &blocked["state"]), (&json!(true), &json!("none")));
    assert_eq!(call(system, Method::PUT, &path, &ann, None).await.ok(), blocked);
    let told = anns.wait_frame("event", |event| event["kind"] == "block_changed").await;
    assert_eq!((&told["data"]["user"]["id"], &told["data"]["blocked"]), (&json!(bob.id), &json!(true)));
    assert_eq!(list(system, "/api/contacts/blocked", &ann).await, std::slice::from_ref(&bob.id));

    for node in 0..2 {
        let refused = system.api(node).send(&bob, &direct, &format!("no{node}"), "again").await;
        assert_eq!(refused.refusal(), (403, "blocked".to_owned()));
        assert_eq!(refused.json()["message"], "this message cannot be delivered");
    }
    bobs.say(&direct, "2", "and by socket").await;
    let ack = bobs.wait_frame("sendAck", |ack| ack["roomId"] == *direct).await;
    assert_eq!(ack["results"][0]["error"]["code"], "blocked");
    assert_eq!(ask(system, 0, &bob, &ann, "please").await.refusal(), (403, "blocked".to_owned()));
    // What was sent stays, and she may write.
    system.api(1).send(&ann, &direct, "3", "no more").await.ok();
    assert_eq!(bobs.wait_for(&direct, 2).await[1], (2, "no more".to_owned()));
    assert_eq!(system.api(0).history(&bob, &direct).await.len(), 2);
    assert_eq!(events(system, &bob).await, [], "he was told nothing");

    let eve = system.account("eve").await;
    let path_of_eve = format!("/api/contacts/{}/block", eve.id);
    call(system, Method::PUT, &path_of_eve, &ann, None).await.ok();
    let refused = system.api(0).post("/api/direct", &eve.token, json!({ "userId": ann.id })).await;
    assert_eq!(refused.refusal(), (403, "blocked".to_owned()));

    let freed = call(system, Method::DELETE, &path, &ann, None).await.ok();
    assert_eq!(freed["blocked"], false);
    system.api(0).send(&bob, &direct, "4", "thanks").await.ok();
    assert_eq!(anns.wait_for(&direct, 3).await[2], (3, "thanks".to_owned()));
}

async fn people_are_found_as_they_wish(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let find = async |query: String| {
        let found = system.api(0).get(&format!("/api/users?{query}"), &bob.token).await.ok();
        let users = found["users"].as_array().expect("users").clone();
        users.iter().any(|user| user["id"] == ann.id.as_str())
    };
    assert!(find(format!("prefix={}", ann.username)).await && find(format!("id={}", ann.id)).await);
    let privacy = call(system, Method::GET, "/api/me/privacy", &ann, None).await.ok();
    let mut usual = json!({ "findByName": "everyone", "findByEmail": "nobody", "findById": "everyone" });
    (usual["sendReceipts"], usual["invisible"]) = (json!(true), json!(false));
    assert_eq!(privacy, usual);
    let socket = Socket::v1(system.door(1), &ann.token).await.follow();
    let mut wish = json!({ "findByName": "nobody", "findByEmail": "nobody", "findById": "contacts" });
    let put = call(system, Method::PUT, "/api/me/privacy", &ann, Some(wish.clone())).await.ok();
    (wish["sendReceipts"], wish["invisible"]) = (json!(true), json!(false));
    assert_eq!(put, wish, "what is left out stays");
    let told = socket.wait_frame("event", |event| event["kind"] == "privacy_changed").await;
    assert_eq!(told["data"], wish);
    assert!(!find(format!("prefix={}", ann.username)).await && !find(format!("id={}", ann.id)).await);
    ask(system, 0, &ann, &bob, "").await.ok();
    answer(system, 1, &bob, &ann, "accept").await.ok();
    assert!(!find(format!("prefix={}", ann.username)).await && find(format!("id={}", ann.id)).await);
    let bad = json!({ "findByName": "friends", "findByEmail": "nobody", "findById": "nobody" });
    let refused = call(system, Method::PUT, "/api/me/privacy", &ann, Some(bad)).await;
    assert_eq!(refused.status, 400);
}
