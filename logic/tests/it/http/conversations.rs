//! Conversations and messages over HTTP.

use serde_json::{Value, json};

use super::harness::{Client, Node};

async fn room(client: &Client, name: &str) -> String {
    let room = client.post("/api/rooms", &json!({"name": name})).await;
    assert_eq!(room.status, 201, "{room:?}");
    room.text("id").to_owned()
}

fn seqs(page: &Value) -> Vec<i64> {
    page["messages"].as_array().expect("messages").iter().map(|m| m["seq"].as_i64().expect("a seq")).collect()
}

#[tokio::test]
async fn a_room_is_created_listed_and_its_name_taken() {
    let node = Node::start().await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let created = ada.post("/api/rooms", &json!({"name": "garden"})).await;
    assert_eq!(created.status, 201);
    let id = created.text("id");
    assert_eq!(
        created.json(),
        json!({
            "id": id, "kind": "room", "name": "garden", "creatorId": ada.id, "head": 0, "lastAtMs": 0, "readSeq": 0,
            "deliveredSeq": 0, "unread": 0, "changeSeq": 0, "hasMore": false, "latest": []
        })
    );
    let rooms = bob.get("/api/rooms").await.json();
    assert!(rooms["rooms"].as_array().expect("rooms").iter().any(|room| room["id"] == id), "{rooms}");
    bob.post("/api/rooms", &json!({"name": "garden"})).await.is_refused(409, "room_name_taken");
    bob.post("/api/rooms", &json!({"name": ""})).await.is_refused(400, "invalid_field");
}

#[tokio::test]
async fn a_message_is_stored_once_and_read_back() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let id = room(&ada, "garden").await;
    let path = format!("/api/conversations/{id}/messages");

    let sent = ada.post(&path, &json!({"clientMsgId": "m1", "content": "hello"})).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let at = sent.json()["createdAtMs"].clone();
    assert_eq!(
        sent.json(),
        json!({"conversationId": id, "seq": 1, "id": format!("{id}-1"), "clientMsgId": "m1", "createdAtMs": at, "duplicate": false})
    );
    let again = ada.post(&path, &json!({"clientMsgId": "m1", "content": "hello"})).await;
    assert_eq!((&again.json()["seq"], &again.json()["duplicate"]), (&json!(1), &json!(true)));
    ada.post(&path, &json!({"clientMsgId": "m1", "content": "other"}))
        .await
        .is_refused(409, "idempotency_conflict");

    // The header says the same as the field.
    let by_header =
        ada.clone().header("idempotency-key", "m1").post(&path, &json!({"content": "hello"})).await;
    assert_eq!(by_header.json()["duplicate"], true);
    let both = ada.clone().header("idempotency-key", "m2");
    both.post(&path, &json!({"clientMsgId": "m1", "content": "hello"}))
        .await
        .is_refused(400, "invalid_field");

    let page = ada.get(&path).await.json();
    let message = json!({
        "id": format!("{id}-1"), "seq": 1, "conversationId": id, "sender": {"id": ada.id, "username": "ada"},
        "content": "hello", "clientMsgId": "m1", "createdAtMs": at, "kind": "text"
    });
    assert_eq!(page, json!({"messages": [message], "hasMore": false, "head": 1, "changeSeq": 0}));
}

#[tokio::test]
async fn without_an_id_each_send_is_a_message_of_its_own() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let path = format!("/api/conversations/{}/messages", room(&ada, "garden").await);
    let first = ada.post(&path, &json!({"content": "same"})).await;
    let second = ada.post(&path, &json!({"content": "same"})).await;
    assert_eq!((&first.json()["seq"], &second.json()["seq"]), (&json!(1), &json!(2)));
    assert_ne!(first.text("clientMsgId"), second.text("clientMsgId"));
}

#[tokio::test]
async fn pages_go_both_ways_and_meet() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let id = room(&ada, "garden").await;
    let path = format!("/api/conversations/{id}/messages");
    for number in 1..=7 {
        assert_eq!(ada.post(&path, &json!({"content": number.to_string()})).await.status, 200);
    }
    let page = async |query: &str| ada.get(&format!("{path}?{query}")).await.json();
    let newest = page("limit=3").await;
    assert_eq!(
        (seqs(&newest), &newest["hasMore"], &newest["head"]),
        (vec![7, 6, 5], &json!(true), &json!(7))
    );
    assert_eq!(seqs(&page("before=5&limit=3").await), [4, 3, 2]);
    let oldest = page("before=2").await;
    assert_eq!((seqs(&oldest), &oldest["hasMore"]), (vec![1], &json!(false)));
    assert_eq!(seqs(&page("after=0&limit=2").await), [1, 2]);
    let rest = page("after=5").await;
    assert_eq!((seqs(&rest), &rest["hasMore"]), (vec![6, 7], &json!(false)));
    for bad in ["before=0", "before=-1", "after=-1", "before=3&after=3", "limit=0"] {
        ada.get(&format!("{path}?{bad}")).await.is_refused(400, "invalid_field");
    }
    let listed = ada.get("/api/conversations?latest=2").await.json();
    let listed = listed["conversations"]
        .as_array()
        .expect("conversations")
        .iter()
        .find(|c| c["id"] == id.as_str())
        .cloned();
    let listed = listed.expect("the room");
    assert_eq!(
        (&listed["head"], &listed["hasMore"], &listed["latest"][0]["content"]),
        (&json!(7), &json!(true), &json!("7"))
    );
    assert_eq!(listed["latest"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn two_users_have_one_direct_conversation() {
    let node = Node::start().await;
    let (ada, bob, eve) = (node.user("ada").await, node.user("bob").await, node.user("eve").await);
    let direct = ada.post("/api/direct", &json!({"userId": bob.id})).await;
    assert_eq!(direct.status, 200, "{direct:?}");
    assert_eq!(
        (direct.text("kind"), direct.text("name"), direct.text("peerId")),
        ("direct", "bob", bob.id.as_str())
    );
    let back = bob.post("/api/direct", &json!({"userId": ada.id})).await;
    assert_eq!((back.text("id"), back.text("name")), (direct.text("id"), "ada"));

    let path = format!("/api/conversations/{}/messages", direct.text("id"));
    assert_eq!(ada.post(&path, &json!({"content": "psst"})).await.status, 200);
    assert_eq!(seqs(&bob.get(&path).await.json()), [1]);
    eve.get(&path).await.is_refused(403, "not_member");
    eve.post(&path, &json!({"content": "hm"})).await.is_refused(403, "not_member");
    assert_eq!(seqs(&bob.get(&path).await.json()), [1]);

    ada.post("/api/direct", &json!({"userId": ada.id})).await.is_refused(400, "invalid_field");
    ada.post("/api/direct", &json!({"userId": "999999"})).await.is_refused(404, "not_found");
    node.anyone().post("/api/direct", &json!({"userId": bob.id})).await.is_refused(401, "unauthenticated");
}

#[tokio::test]
async fn members_come_and_go() {
    let node = Node::start().await;
    let (ada, bob, eve) = (node.user("ada").await, node.user("bob").await, node.user("eve").await);
    let group = ada.post("/api/groups", &json!({"name": "us", "memberIds": [bob.id]})).await;
    assert_eq!((group.status.as_u16(), group.text("kind")), (201, "group"));
    let id = group.text("id");
    let (members, messages) =
        (format!("/api/groups/{id}/members"), format!("/api/conversations/{id}/messages"));
    let names = async |client: &Client, query: &str| -> Vec<String> {
        let page = client.get(&format!("{members}?{query}")).await.json();
        let page = page["members"].as_array().expect("members").clone();
        page.iter().map(|member| member["user"]["username"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&bob, "").await, ["ada", "bob"]);
    assert_eq!(names(&bob, &format!("after={}&limit=1", ada.id)).await, ["bob"]);
    eve.get(&members).await.is_refused(403, "not_member");
    eve.post(&members, &json!({"userIds": [eve.id]})).await.is_refused(403, "not_member");
    bob.post(&members, &json!({"userIds": [eve.id]})).await.is_refused(403, "forbidden");

    assert_eq!(ada.post(&members, &json!({"userIds": [eve.id, bob.id]})).await.status, 204);
    assert_eq!(eve.post(&messages, &json!({"content": "hi"})).await.status, 200);
    let kinds: Vec<Value> = ada.get(&messages).await.json()["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("system")) && kinds.contains(&json!("text")), "{kinds:?}");

    assert_eq!(eve.delete(&format!("{members}/{}", eve.id)).await.status, 204);
    eve.post(&messages, &json!({"content": "still?"})).await.is_refused(403, "not_member");
    bob.delete(&format!("{members}/{}", ada.id)).await.is_refused(403, "forbidden");
    assert_eq!(ada.delete(&format!("{members}/{}", bob.id)).await.status, 204);
    assert_eq!(names(&ada, "").await, ["ada"]);
    ada.post("/api/groups", &json!({"name": "x", "memberIds": ["999999"]}))
        .await
        .is_refused(404, "not_found");
}

#[tokio::test]
async fn what_is_not_there() {
    let node = Node::start().await;
    let ada = node.user("ada").await;
    let path = "/api/conversations/999999/messages";
    ada.get(path).await.is_refused(404, "not_found");
    ada.post(path, &json!({"content": "hm"})).await.is_refused(404, "not_found");
    ada.get("/api/groups/999999/members").await.is_refused(404, "not_found");
    for bad in ["0", "-1", "x", "1.5", "99999999999999999999"] {
        ada.get(&format!("/api/conversations/{bad}/messages")).await.is_refused(400, "invalid_field");
        ada.delete(&format!("/api/groups/1/members/{bad}")).await.is_refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn a_cursor_is_put_read_by_the_others_and_counted_from() {
    let node = Node::start().await;
    let (ada, bob, eve) = (node.user("ada").await, node.user("bob").await, node.user("eve").await);
    let direct = ada.post("/api/direct", &json!({"userId": bob.id})).await.text("id").to_owned();
    for number in 1..=3 {
        let message = json!({"content": "x", "clientMsgId": format!("m{number}")});
        let path = format!("/api/conversations/{direct}/messages");
        assert_eq!(ada.post(&path, &message).await.status, 200);
    }
    let path = format!("/api/conversations/{direct}/cursor");
    let put = bob.put(&path, &json!({"readSeq": 1, "deliveredSeq": 99})).await;
    let expected = json!({"conversationId": direct, "deliveredSeq": 3, "readSeq": 1, "head": 3, "unread": 2});
    assert_eq!((put.status, put.json()), (http::StatusCode::OK, expected));
    assert_eq!(bob.put(&path, &json!({})).await.json()["readSeq"], 1, "nothing is said, nothing moves");
    bob.put(&path, &json!({"readSeq": -1})).await.is_refused(400, "invalid_field");
    eve.put(&path, &json!({"readSeq": 1})).await.is_refused(403, "not_member");
    bob.put("/api/conversations/999/cursor", &json!({"readSeq": 1})).await.is_refused(404, "not_found");

    let cursors = ada.get(&format!("/api/conversations/{direct}/cursors")).await.json();
    let expected = json!({"cursors": [
        {"userId": ada.id, "deliveredSeq": 0, "readSeq": 0}, {"userId": bob.id, "deliveredSeq": 3, "readSeq": 1}
    ]});
    assert_eq!(cursors, expected);
    eve.get(&format!("/api/conversations/{direct}/cursors")).await.is_refused(403, "not_member");
    ada.get("/api/conversations/1/cursors").await.is_refused(404, "not_found");

    let list = ada.get("/api/conversations").await.json();
    let seen = list["conversations"].as_array().expect("a list").iter().find(|seen| seen["id"] == direct);
    let seen = seen.expect("it is listed");
    assert_eq!((&seen["unread"], &seen["readSeq"]), (&json!(0), &json!(0)), "all of it is her own");
    assert_eq!((&seen["peerReadSeq"], &seen["peerDeliveredSeq"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn a_list_since_another_has_what_changed() {
    let node = Node::start().await;
    let (ada, bob) = (node.user("ada").await, node.user("bob").await);
    let first = ada.get("/api/conversations?latest=1").await.json();
    assert!(first.get("partial").is_none() && first["conversations"].as_array().expect("a list").len() == 8);
    let since = async |cursor: &Value| {
        let cursor = cursor.as_str().expect("a cursor");
        ada.get(&format!("/api/conversations?latest=1&since={cursor}")).await.json()
    };
    let nothing = since(&first["cursor"]).await;
    assert_eq!((&nothing["partial"], &nothing["conversations"]), (&json!(true), &json!([])));
    assert!(nothing.get("ids").is_none());

    let changed = |list: &Value| -> Vec<String> {
        let list = list["conversations"].as_array().expect("a list");
        list.iter().map(|seen| seen["id"].as_str().expect("an id").to_owned()).collect()
    };
    let message = json!({"content": "x", "clientMsgId": "m1"});
    bob.post("/api/conversations/3/messages", &message).await;
    let sent = since(&nothing["cursor"]).await;
    assert!(changed(&sent).contains(&"3".to_owned()) && sent.get("ids").is_none(), "{sent}");
    let seen = sent["conversations"].as_array().expect("a list").iter().find(|seen| seen["id"] == "3");
    assert_eq!(seen.expect("there")["latest"].as_array().map(Vec::len), Some(1));

    let direct = bob.post("/api/direct", &json!({"userId": ada.id})).await.text("id").to_owned();
    let met = since(&sent["cursor"]).await;
    assert!(changed(&met).contains(&direct), "{met}");
    assert_eq!(met["ids"].as_array().map(Vec::len), Some(9));
    for (client, path) in
        [(&ada, "/api/conversations/3/cursor"), (&bob, &*format!("/api/conversations/{direct}/cursor"))]
    {
        let before = since(&met["cursor"]).await;
        let message = json!({"content": "x", "clientMsgId": format!("m{path}")});
        ada.post(&path.replace("cursor", "messages"), &message).await;
        let sent = since(&before["cursor"]).await;
        client.put(path, &json!({"readSeq": 99})).await;
        let read = since(&sent["cursor"]).await;
        let place = path.split('/').nth(3).expect("an id");
        assert!(changed(&read).contains(&place.to_owned()), "a cursor moved in {place}: {read}");
        assert_eq!(since(&read["cursor"]).await["conversations"], json!([]));
    }
    for junk in ["x", "AQ", "%20"] {
        assert!(since(&json!(junk)).await.get("partial").is_none(), "{junk}");
    }
    let foreign = bob.get("/api/conversations").await.json()["cursor"].clone();
    assert!(since(&foreign).await.get("partial").is_none(), "another user's");
}
