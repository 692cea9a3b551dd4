//! Where is my message? Every hop of it, wherever it was noted; and messages delivered once more.

use serde_json::{Value, json};

use crate::classic::{PASSWORD, sign_up};
use crate::harness::http::Account;
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes, unique};

over_both_shapes!(
    a_message_is_found_hop_by_hop,
    a_message_nobody_got_shows_where_it_ended,
    what_is_delivered_once_more_is_marked_and_audited,
);

/// An account with a token and a cookie.
async fn with_cookie(system: &System) -> (Account, String) {
    let username = unique("bob");
    let sid = sign_up(system, &username).await;
    let body = json!({ "login": username, "password": PASSWORD });
    let reply = system.api(0).post("/api/sessions", "", body).await.ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (Account { id: text(&reply["user"]["id"]), username, token: text(&reply["accessToken"]) }, sid)
}

async fn trace(system: &System, operator: &Account, conversation: &str, seq: i64) -> Value {
    let path = format!("/api/admin/messages/{conversation}/{seq}/trace");
    system.api(1).get(&path, &operator.token).await.ok()
}

/// The hops of one kind.
fn hops<'a>(trace: &'a Value, step: &str) -> Vec<&'a Value> {
    trace["hops"].as_array().expect("hops").iter().filter(|hop| hop["step"] == step).collect()
}

fn sum(hops: &[&Value], field: &str) -> i64 {
    hops.iter().map(|hop| hop[field].as_i64().expect("a number")).sum()
}

async fn a_message_is_found_hop_by_hop(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    let group = system.api(0).group(&ann, &[&bob]).await;
    let sockets = [
        Socket::v1(system.door(0), &ann.token).await.follow(),
        Socket::v1(system.door(1), &bob.token).await.follow(),
    ];
    let sent = system.api(0).send(&ann, &group, "m", "where am I?").await.ok();
    let seq = sent["seq"].as_i64().expect("a seq");
    for socket in &sockets {
        socket.wait_for(&group, 1).await;
    }
    // Acks come after the sockets have it.
    let comets = system.comets.len();
    let trace = eventually("all hops are noted", async || {
        let trace = trace(system, &ann, &group, seq).await;
        (hops(&trace, "acked").len() == comets && hops(&trace, "published").len() == 1).then_some(trace)
    })
    .await;

    let at = |step: &str| {
        hops(&trace, step).iter().map(|hop| hop["atUs"].as_i64().expect("a time")).collect::<Vec<_>>()
    };
    for step in ["accepted", "committed", "published", "taken", "routed"] {
        assert_eq!(at(step).len(), 1, "{step} in {trace}");
    }
    let order = [
        at("accepted"),
        at("committed"),
        at("taken"),
        at("routed"),
        at("pushed"),
        at("written"),
        at("acked"),
    ];
    let firsts: Vec<i64> = order.iter().map(|times| *times.iter().min().expect("one")).collect();
    assert!(firsts.is_sorted() && at("committed") <= at("published"), "{trace}");
    assert!(firsts[0] / 1000 <= trace["createdAtMs"].as_i64().expect("a time"), "{trace}");
    assert_eq!(sum(&hops(&trace, "written"), "sessions"), 2, "{trace}");
    assert_eq!(sum(&hops(&trace, "written"), "behind") + sum(&hops(&trace, "acked"), "missing"), 0);
    assert_eq!(sum(&hops(&trace, "routed"), "comets"), i64::try_from(comets).expect("few"));
    let mut pushed: Vec<&str> =
        hops(&trace, "pushed").iter().filter_map(|hop| hop["comet"].as_str()).collect();
    pushed.sort_unstable();
    pushed.dedup();
    assert_eq!(pushed.len(), comets, "{trace}");
    assert!(hops(&trace, "taken")[0]["offset"].is_i64() && hops(&trace, "taken")[0]["partition"].is_i64());
    assert_eq!(trace["traceId"].as_str().expect("a trace id").len(), 32);
    assert_eq!(trace["senderId"], *ann.id);
    let roles: &[&str] = if system.logics.is_empty() { &["standalone"] } else { &["comet", "job", "logic"] };
    let answered: Vec<&str> =
        trace["answered"].as_array().expect("a list").iter().filter_map(|one| one["role"].as_str()).collect();
    assert!(roles.iter().all(|role| answered.contains(role)), "{trace}");
    assert!(!trace.to_string().contains("where am I"), "what was said is nobody's business");

    // What the reader's client says of it is there as well.
    assert_eq!(trace["members"], json!({ "known": 1, "delivered": 0, "read": 0 }));
    sockets[1].send("cursor", json!({ "roomId": group, "deliveredSeq": seq, "requestId": "c" })).await;
    sockets[1].wait_frame("cursor", |cursor| cursor["requestId"] == "c").await;
    let members = self::trace(system, &ann, &group, seq).await["members"].clone();
    assert_eq!(members, json!({ "known": 1, "delivered": 1, "read": 0 }));

    let said = system.oort(&["trace", &group, &seq.to_string()]);
    for part in
        ["accepted", "committed", "the bus has it", "a job took it", "pushed to comet", "acked by comet"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let none = system.api(0).get(&format!("/api/admin/messages/{group}/99/trace"), &ann.token).await;
    assert_eq!(none.refusal(), (404, "not_found".to_owned()));
    let bad = system.api(0).get(&format!("/api/admin/messages/{group}/0/trace"), &ann.token).await;
    assert_eq!(bad.refusal(), (400, "invalid_field".to_owned()));
}

async fn a_message_nobody_got_shows_where_it_ended(system: &System) {
    let (ann, bob) = (system.operator().await, system.account("bob").await);
    let group = system.api(0).group(&ann, &[&bob]).await;
    let sent = system.api(0).send(&ann, &group, "m", "x").await.ok();
    let seq = sent["seq"].as_i64().expect("a seq");
    let trace = eventually("it was routed", async || {
        let trace = trace(system, &ann, &group, seq).await;
        (!hops(&trace, "routed").is_empty()).then_some(trace)
    })
    .await;
    assert_eq!(
        (&hops(&trace, "routed")[0]["comets"], &hops(&trace, "routed")[0]["missing"]),
        (&json!(0), &json!(1))
    );
    assert!(hops(&trace, "pushed").is_empty() && hops(&trace, "written").is_empty(), "{trace}");
}

async fn what_is_delivered_once_more_is_marked_and_audited(system: &System) {
    let ann = system.operator().await;
    let (bob, sid) = with_cookie(system).await;
    let group = system.api(0).group(&ann, &[&bob]).await;
    let mut last = Value::Null;
    for number in 1..=4 {
        let (id, text) = (format!("m{number}"), format!("text {number}"));
        last = system.api(number).send(&ann, &group, &id, &text).await.ok();
    }
    let v1 = Socket::v1(system.door(1), &bob.token).await.follow();
    let classic = Socket::classic(system.door(0), &sid).await.follow();
    let replayed =
        |seq: i64| move |frame: &Value| frame["replay"] == true && frame["messages"][0]["seq"] == seq;
    let order = async |body: Value| system.api(0).post("/api/admin/replay", &ann.token, body).await;

    let reply = order(json!({ "conversationId": group, "fromSeq": 2, "toSeq": 3 })).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(reply.json(), json!({ "messages": 2, "conversations": 1, "hasMore": false }));
    for seq in [2, 3] {
        let frame = v1.wait_frame("serverMessages", replayed(seq)).await;
        assert_eq!(frame["roomId"], *group);
    }
    // To one member alone, and to all of its clients.
    let body = json!({ "conversationId": group, "fromSeq": 1, "userId": bob.id, "toAllClients": true });
    assert_eq!(order(body).await.ok()["messages"], 4);
    v1.wait_frame("serverMessages", replayed(4)).await;
    // These have no seq, and are shown what they are given.
    let texts = eventually("the classic client has all", async || {
        let frames = classic.frames("serverMessages");
        let of_group = frames.iter().filter(|frame| frame["roomId"] == *group);
        let messages = of_group.flat_map(|frame| frame["messages"].as_array().expect("messages"));
        let texts: Vec<String> =
            messages.map(|message| message["content"].as_str().expect("a text").to_owned()).collect();
        (texts.len() >= 4).then_some(texts)
    })
    .await;
    assert_eq!(texts, ["text 1", "text 2", "text 3", "text 4"], "nothing of the first order");
    // All that somebody may read since a time.
    let reply = order(json!({ "userId": bob.id, "sinceMs": last["createdAtMs"] })).await.ok();
    assert!(reply["messages"].as_i64() >= Some(1) && reply["conversations"].as_i64() >= Some(1), "{reply}");
    eventually("it comes a second time", async || {
        let frames = v1.frames("serverMessages");
        (frames.iter().filter(|frame| frame["roomId"] == *group && replayed(4)(frame)).count() == 2)
            .then_some(())
    })
    .await;
    // What is new goes on behind it, unmarked.
    system.api(0).send(&ann, &group, "m5", "text 5").await.ok();
    let is_new = |frame: &Value| frame["roomId"] == *group && frame["messages"][0]["seq"] == 5;
    let frame = v1.wait_frame("serverMessages", is_new).await;
    assert!(frame["replay"].is_null(), "{frame}");

    let audit = system.api(0).get("/api/admin/audit?limit=200", &ann.token).await.ok();
    let entries = audit["entries"].as_array().expect("entries");
    let of_ann: Vec<&Value> =
        entries.iter().filter(|entry| entry["actorId"] == *ann.id && entry["action"] == "replay").collect();
    assert_eq!(of_ann.len(), 3, "{audit}");
    assert_eq!(of_ann[2]["subject"], format!("conversation {group}"));
    assert_eq!(of_ann[2]["details"]["messages"], 2);

    for (body, refusal) in [
        (json!({ "conversationId": group, "fromSeq": 3, "toSeq": 2 }), (400, "invalid_field")),
        (json!({ "conversationId": group }), (400, "invalid_field")),
        (json!({ "userId": bob.id }), (400, "invalid_field")),
        (json!({ "conversationId": "999999999", "fromSeq": 1 }), (404, "not_found")),
        (json!({ "conversationId": group, "fromSeq": 1, "userId": "1" }), (403, "not_member")),
    ] {
        let refused = order(body.clone()).await;
        assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()), "{body}");
    }
    let refused =
        system.api(0).post("/api/admin/replay", &bob.token, json!({ "userId": bob.id, "sinceMs": 0 })).await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    if !system.logics.is_empty() {
        let said = system.oort(&["replay", "--conversation", &group, "--from-seq", "1", "--to-seq", "1"]);
        assert!(said.contains("1 messages of 1 conversations"), "{said}");
        v1.wait_frame("serverMessages", replayed(1)).await;
    }
}
