//! goim's paths, as its servers call them.

use oort_api::pb::goim::logic::push_msg::Type;
use serde_json::json;

use super::harness::{Node, Setup};

fn ok() -> serde_json::Value {
    json!({"code": 0, "message": ""})
}

#[tokio::test]
async fn each_push_takes_the_raw_body_and_repeated_keys() {
    let node = Node::start().await;
    let server = node.server();
    let body = || b"{\"raw\": \xff}".to_vec();
    for path in [
        "/goim/push/keys?operation=1000&keys=a&keys=b%20c&keys=a",
        "/goim/push/mids?operation=1001&mids=7&mids=71",
        "/goim/push/room?operation=1002&type=live&room=1000",
        "/goim/push/all?operation=1003&speed=9",
    ] {
        let reply = server.post_raw(path, None, body()).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, ok()), "{path}");
    }
    let mut pushed = node.pushed(5).await;
    assert!(pushed.iter().all(|push| push.msg == body()));
    pushed.sort_by_key(|push| (push.operation, push.keys.clone()));
    let keys: Vec<&str> = pushed[..2].iter().flat_map(|push| &push.keys).map(String::as_str).collect();
    assert_eq!(keys, ["a", "b c"]);
    assert_eq!(pushed[2].user_ids, [7, 71]);
    assert_eq!((pushed[3].r#type(), pushed[3].room.as_str()), (Type::Room, "live://1000"));
    assert_eq!((pushed[4].r#type(), pushed[4].speed), (Type::Broadcast, 9));
}

#[tokio::test]
async fn nobody_named_is_no_error() {
    let node = Node::start().await;
    for path in ["/goim/push/keys?operation=1000", "/goim/push/mids?operation=1000"] {
        let reply = node.server().post_raw(path, None, "x").await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, ok()), "{path}");
    }
}

#[tokio::test]
async fn a_bad_query_is_400_in_goims_shape() {
    let node = Node::start().await;
    for path in [
        "/goim/push/keys?operation=x&keys=a",
        "/goim/push/keys?operation=1000&keys=",
        "/goim/push/mids?operation=1000&mids=x",
        "/goim/push/mids?operation=99999999999&mids=7",
        "/goim/push/room?operation=1000&room=1",
        "/goim/push/room?operation=1000&type=live",
        "/goim/push/room?type=live&room=1",
        "/goim/push/all",
        "/goim/push/all?operation=1000&speed=-1",
        "/goim/push/all?operation=2",
    ] {
        let reply = node.server().post_raw(path, None, "x").await;
        let body = reply.json();
        assert_eq!((reply.status.as_u16(), &body["code"]), (400, &json!(-400)), "{path}");
        assert!(body["message"].is_string() && body.get("data").is_none(), "{body}");
    }
    for path in [
        "/goim/online/top?type=live",
        "/goim/online/top?limit=3",
        "/goim/online/room?type=live",
        "/goim/online/top?type=a&limit=-1",
    ] {
        let reply = node.server().get(path).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!(-400)), "{path}");
    }
}

#[tokio::test]
async fn counts_and_nodes() {
    let node = Node::start().await;
    node.comet("comet-1", 30, &[("live://1", 5), ("live://2", 7), ("chat://1", 1)]);
    node.comet("comet-2", 10, &[("live://1", 4)]);
    let server = node.server();
    let get = async |path: &str| {
        let reply = server.get(path).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (200, &json!(0)), "{path} {reply:?}");
        reply.json()["data"].clone()
    };
    assert_eq!(
        get("/goim/online/top?type=live&limit=5").await,
        json!([{"room_id": "1", "count": 9}, {"room_id": "2", "count": 7}])
    );
    assert_eq!(get("/goim/online/top?type=live&limit=1").await, json!([{"room_id": "1", "count": 9}]));
    assert_eq!(get("/goim/online/top?type=none&limit=1").await, json!([]));
    assert_eq!(get("/goim/online/room?type=live&rooms=1&rooms=3").await, json!({"1": 9, "3": 0}));
    assert_eq!(get("/goim/online/total").await, json!({"ip_count": 20, "conn_count": 40}));

    let instances = get("/goim/nodes/instances").await;
    assert_eq!(instances[0]["hostname"], "comet-1");
    assert_eq!(
        (&instances[0]["appid"], &instances[0]["addrs"]),
        (&json!("goim.comet"), &json!(["grpc://comet-1:50051"]))
    );
    assert_eq!(instances[0]["metadata"]["conn_count"], "30");

    let reply = node.anyone().get("/goim/nodes/weighted?platform=web").await;
    let nodes = reply.json()["data"].clone();
    assert_eq!(reply.json()["code"], 0, "clients ask without a token");
    assert_eq!(
        (&nodes["ws_port"], &nodes["tcp_port"], &nodes["heartbeat"]),
        (&json!(8080), &json!(3101), &json!(240))
    );
    assert_eq!(nodes["backoff"], json!({"max_delay": 300, "base_delay": 3, "factor": 1.8, "jitter": 1.3}));
    assert_eq!(nodes["nodes"].as_array().map(Vec::len), Some(2));
    assert!(nodes.get("wss_port").is_none(), "zero is absent, as Go writes it");
}

#[tokio::test]
async fn a_token_is_needed_unless_opened() {
    let node = Node::start().await;
    let user = node.user("ada").await;
    for client in [node.anyone(), user] {
        for path in ["/goim/push/keys?operation=1000&keys=a", "/goim/push/all?operation=1000"] {
            let reply = client.post_raw(path, None, "x").await;
            assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!(-400)), "{path}");
        }
        for path in ["/goim/online/total", "/goim/nodes/instances"] {
            assert_eq!(client.get(path).await.status, 401, "{path}");
        }
    }
    let mut setup = Setup::default();
    setup.config.http.goim_open = true;
    let open = Node::with(setup).await;
    let reply = open.anyone().post_raw("/goim/push/all?operation=1000", None, "x").await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, ok()));
    open.anyone().post("/push/all", &json!({"body": "x"})).await.is_refused(401, "unauthenticated");
}
