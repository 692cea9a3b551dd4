//! Files: uploaded from where the upload stands, at whatever node, and read by those whom a message tells of them.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::http::{Account, Http, Reply};
use crate::harness::node::Node;
use crate::harness::services::Backends;
use crate::harness::socket::Socket;
use crate::harness::system::System;
use crate::harness::{eventually, over_both_shapes};

over_both_shapes!(
    an_upload_goes_on_at_another_node,
    of_two_writers_one_is_refused,
    only_who_is_told_of_a_file_reads_it,
    a_file_is_read_in_ranges,
    an_image_gets_a_thumbnail,
    what_is_wrong_is_refused,
    what_was_taken_back_is_gone,
    an_export_lists_files,
);

/// As the tests' systems have it.
const PART: usize = 4096;

/// Bytes, each place of which can be told from the others.
fn bytes(count: usize) -> Bytes {
    (0..count).map(|place| u8::try_from((place * 7 % 251) ^ (place / 256 % 251)).unwrap_or(0)).collect()
}

async fn announce(http: &Http, who: &Account, name: &str, size: usize) -> String {
    let file = http.post("/api/files", &who.token, json!({ "name": name, "size": size })).await.ok();
    assert_eq!((&file["state"], &file["offset"]), (&json!("uploading"), &json!(0)));
    file["id"].as_str().expect("an id").to_owned()
}

async fn append(http: &Http, who: &Account, id: &str, offset: usize, body: Bytes) -> Result<Reply, String> {
    let (bearer, offset) = (format!("Bearer {}", who.token), offset.to_string());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", offset.as_str()),
    ];
    http.raw(Method::PATCH, &format!("/api/files/{id}/content"), &headers, body).await
}

async fn read(http: &Http, who: &Account, path: &str, headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {}", who.token);
    let headers = [&[("authorization", bearer.as_str())][..], headers].concat();
    http.raw(Method::GET, path, &headers, Bytes::new()).await.expect("an answer")
}

/// A file that is ready.
async fn upload(http: &Http, who: &Account, name: &str, body: Bytes) -> String {
    let id = announce(http, who, name, body.len()).await;
    let done = append(http, who, &id, 0, body).await.expect("an answer").ok();
    assert_eq!(done["state"], "ready", "{done}");
    id
}

async fn send_file(system: &System, who: &Account, room: &str, file: &str, id: &str) -> Reply {
    let message = json!({ "clientMsgId": id, "kind": "file", "attachment": { "fileId": file, "name": "a" } });
    system.api(0).post(&format!("/api/conversations/{room}/messages"), &who.token, message).await
}

async fn an_upload_goes_on_at_another_node(system: &System) {
    let ann = system.account("ann").await;
    let all = bytes(3 * PART + 100);
    // Through a comet, and at whichever logic.
    let doors = [Http::new(system.door(0)), Http::new(system.door(1)), system.api(0), system.api(1)];
    let id = announce(&doors[0], &ann, "a.bin", all.len()).await;
    let mut offset = 0;
    for (door, until) in doors.iter().zip([PART, 2 * PART + 50, 3 * PART, all.len()]) {
        let done = append(door, &ann, &id, offset, all.slice(offset..until)).await.expect("an answer").ok();
        let stored = usize::try_from(done["offset"].as_u64().expect("a number")).expect("small");
        // Of a part that is not whole nothing is kept.
        assert_eq!(stored, if until == all.len() { until } else { until / PART * PART });
        let state = door.get(&format!("/api/files/{id}"), &ann.token).await.ok();
        assert_eq!(state["offset"], done["offset"]);
        offset = stored;
    }
    for door in &doors {
        let content = read(door, &ann, &format!("/api/files/{id}/content"), &[]).await;
        assert_eq!((content.status, &content.bytes), (StatusCode::OK, &all));
        assert_eq!(content.headers["content-type"], "application/octet-stream");
        assert_eq!(content.headers["content-disposition"], "attachment; filename*=UTF-8''a.bin");
        assert_eq!(content.headers["x-content-type-options"], "nosniff");
        assert_eq!(content.headers["content-security-policy"], "default-src 'none'; sandbox");
    }
}

async fn of_two_writers_one_is_refused(system: &System) {
    let ann = system.account("ann").await;
    let (one, other) = (bytes(2 * PART), Bytes::from(vec![1; 2 * PART]));
    let id = announce(&system.api(0), &ann, "a.bin", one.len()).await;
    let (first, second) = (system.api(0), system.api(1));
    let both = tokio::join!(
        append(&first, &ann, &id, 0, one.clone()),
        append(&second, &ann, &id, 0, other.clone()),
    );
    let mut won = 0;
    for reply in [both.0, both.1] {
        let reply = reply.expect("an answer");
        match reply.status {
            StatusCode::OK => won += 1,
            _ => assert_eq!(reply.refusal(), (409, "wrong_offset".to_owned())),
        }
    }
    // Each may have had one place: then none got to the end, and one goes on.
    let state = first.get(&format!("/api/files/{id}"), &ann.token).await.ok();
    let offset = usize::try_from(state["offset"].as_u64().expect("a number")).expect("small");
    assert!(won == 1 || (won == 0 && offset > 0), "{won}: {state}");
    if state["state"] != "ready" {
        let done = append(&first, &ann, &id, offset, one.slice(offset..)).await.expect("an answer").ok();
        assert_eq!(done["state"], "ready");
    }
    let content = read(&second, &ann, &format!("/api/files/{id}/content"), &[]).await.bytes;
    for place in [0..PART, PART..2 * PART] {
        let part = content.slice(place.clone());
        assert!(part == one.slice(place.clone()) || part == other.slice(place), "a part is of one writer");
    }
}

async fn only_who_is_told_of_a_file_reads_it(system: &System) {
    let (ann, bob, eve) =
        (system.account("ann").await, system.account("bob").await, system.account("eve").await);
    let (ours, theirs) = (system.api(0).direct(&ann, &bob).await, system.api(0).direct(&bob, &eve).await);
    let id = upload(&system.api(0), &ann, "a.bin", bytes(10)).await;
    let path = format!("/api/files/{id}/content");
    let statuses = async || {
        let mut found = Vec::new();
        for (node, who) in [(0, &ann), (1, &bob), (1, &eve)] {
            let reply = read(&system.api(node), who, &path, &[]).await;
            let state = system.api(node).get(&format!("/api/files/{id}"), &who.token).await;
            assert_eq!(state.status, reply.status, "its state is told to the same people");
            found.push(reply.status.as_u16());
        }
        found
    };
    assert_eq!(statuses().await, [200, 404, 404]);
    assert_eq!(
        send_file(system, &eve, &theirs, &id, "1").await.refusal(),
        (400, "invalid_field".to_owned()),
        "nobody sends what they may not read"
    );
    // An offline device and a second comet learn of it as of any message.
    let phone = Socket::v1(system.door(1), &bob.token).await.follow();
    send_file(system, &ann, &ours, &id, "1").await.ok();
    phone.wait_for(&ours, 1).await;
    assert_eq!(statuses().await, [200, 200, 404]);
    // By the socket, too.
    let message = json!({ "clientMsgId": "2", "kind": "file", "attachment": { "fileId": id, "name": "b" } });
    phone.send("clientMessages", json!({ "roomId": theirs, "messages": [message] })).await;
    phone.wait_for(&theirs, 1).await;
    assert_eq!(statuses().await, [200, 200, 200]);
    let forward = json!({ "clientMsgId": "3", "forward": { "conversationId": theirs, "seq": 1 } });
    let room = system.api(1).room(&eve).await;
    system.api(1).post(&format!("/api/conversations/{room}/messages"), &eve.token, forward).await.ok();
    let zoe = system.account("zoe").await;
    assert_eq!(read(&system.api(0), &zoe, &path, &[]).await.status, 200, "a forwarded message carries on");
    // What was sent is known by its id, also when the file cannot be sent any more.
    let again = send_file(system, &ann, &ours, &id, "1").await.ok();
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(1), &json!(true)));
    let anyone = system.api(0).raw(Method::GET, &path, &[], Bytes::new()).await.expect("an answer");
    assert_eq!(anyone.status, 401);
}

async fn a_file_is_read_in_ranges(system: &System) {
    let ann = system.account("ann").await;
    let all = bytes(2 * PART + 10);
    let id = upload(&Http::new(system.door(0)), &ann, "写 \".bin", all.clone()).await;
    let path = format!("/api/files/{id}/content");
    let size = all.len();
    for node in 0..2 {
        let http = Http::new(system.door(node));
        let whole = read(&http, &ann, &path, &[]).await;
        let etag = whole.headers["etag"].to_str().expect("text").to_owned();
        assert_eq!(whole.headers["accept-ranges"], "bytes");
        assert_eq!(whole.headers["content-length"], size.to_string());
        assert_eq!(whole.headers["content-disposition"], "attachment; filename*=UTF-8''%E5%86%99%20%22.bin");
        for (range, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=4000-8300", 4000, size - 1),
            ("bytes=4095-4096", 4095, 4096),
            ("bytes=-5", size - 5, size - 1),
            ("bytes=8190-", 8190, size - 1),
        ] {
            for if_range in [None, Some(("if-range", etag.as_str()))] {
                let headers: Vec<_> = [("range", range)].into_iter().chain(if_range).collect();
                let part = read(&http, &ann, &path, &headers).await;
                assert_eq!(part.status, 206, "{range}");
                assert_eq!(part.headers["content-range"], format!("bytes {first}-{last}/{size}"));
                assert_eq!(part.bytes, all.slice(first..=last), "{range}");
            }
        }
        let other = read(&http, &ann, &path, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
        assert_eq!((other.status.as_u16(), other.bytes.len()), (200, size));
        let beyond = read(&http, &ann, &path, &[("range", "bytes=9000-")]).await;
        assert_eq!(beyond.refusal(), (416, "range_not_satisfiable".to_owned()));
        assert_eq!(beyond.headers["content-range"], format!("bytes */{size}"));
        let known = read(&http, &ann, &path, &[("if-none-match", etag.as_str())]).await;
        assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
    }
}

/// A PNG of one red pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

async fn an_image_gets_a_thumbnail(system: &System) {
    use base64::Engine as _;
    let ann = system.account("ann").await;
    let pixel: Bytes = base64::engine::general_purpose::STANDARD.decode(PIXEL).expect("base64").into();
    // Its name says nothing of what it is.
    let id = upload(&system.api(0), &ann, "a.html", pixel.clone()).await;
    let state = system.api(1).get(&format!("/api/files/{id}"), &ann.token).await.ok();
    assert_eq!(
        (&state["mime"], &state["width"], &state["height"]),
        (&json!("image/png"), &json!(1), &json!(1))
    );
    assert_eq!(state["hasThumbnail"], true);
    let image = read(&system.api(1), &ann, &format!("/api/files/{id}/content"), &[]).await;
    assert_eq!((image.headers["content-type"].to_str().ok(), &image.bytes), (Some("image/png"), &pixel));
    assert!(image.headers["content-disposition"].to_str().expect("text").starts_with("inline;"));
    let small = read(&Http::new(system.door(1)), &ann, &format!("/api/files/{id}/thumbnail"), &[]).await;
    assert_eq!(small.status, 200);
    assert_eq!(small.headers["content-type"], "image/png");
    assert!(small.bytes.starts_with(b"\x89PNG"));
    // What only begins as one is a file like any other.
    let broken = upload(&system.api(0), &ann, "a.png", pixel.slice(..40)).await;
    let none = read(&system.api(0), &ann, &format!("/api/files/{broken}/thumbnail"), &[]).await;
    assert_eq!(none.refusal(), (404, "not_found".to_owned()));
}

async fn what_is_wrong_is_refused(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let http = system.api(0);
    for (body, code) in [
        (json!({ "name": "a/b", "size": 1 }), "invalid_field"),
        (json!({ "name": "", "size": 1 }), "invalid_field"),
        (json!({ "name": "a", "size": 0 }), "invalid_field"),
        (json!({ "name": "a", "size": -1 }), "invalid_request"),
        (json!({ "name": "a", "size": 1, "sha256": "00" }), "invalid_field"),
        (json!({ "name": "a", "size": 104_857_601 }), "too_large"),
    ] {
        let refused = http.post("/api/files", &ann.token, body.clone()).await;
        assert_eq!(refused.json()["code"], code, "{body}");
    }
    // The quota: ten of the largest, and what is left of the gibibyte.
    for _ in 0..10 {
        http.post("/api/files", &ann.token, json!({ "name": "a", "size": 104_857_600 })).await.ok();
    }
    let refused = http.post("/api/files", &ann.token, json!({ "name": "a", "size": 104_857_600 })).await;
    assert_eq!(refused.refusal(), (409, "limit_reached".to_owned()));

    let id = announce(&http, &bob, "a", 2 * PART).await;
    let all = bytes(2 * PART);
    for (who, offset, body, refusal) in [
        (&ann, 0, all.slice(..PART), (404, "not_found")),
        (&bob, 1, all.slice(..PART), (409, "wrong_offset")),
        (&bob, PART, all.slice(..PART), (409, "wrong_offset")),
        (&bob, 0, bytes(2 * PART + 1), (413, "too_large")),
    ] {
        let reply = append(&system.api(1), who, &id, offset, body).await.expect("an answer");
        assert_eq!(reply.refusal(), (refusal.0, refusal.1.to_owned()), "{offset}");
    }
    // All that was announced has come: it is made ready without another byte.
    let done = append(&http, &bob, &id, 2 * PART, Bytes::new()).await.expect("an answer").ok();
    assert_eq!(done["state"], "ready");

    // Other bytes than were announced.
    let body = json!({ "name": "a", "size": 3, "sha256": "00".repeat(32) });
    let announced = http.post("/api/files", &bob.token, body).await.ok();
    let id = announced["id"].as_str().expect("an id");
    let refused = append(&http, &bob, id, 0, bytes(3)).await.expect("an answer");
    assert_eq!(refused.refusal(), (400, "invalid_field".to_owned()));
    assert_eq!(http.get(&format!("/api/files/{id}"), &bob.token).await.status, 404);
    // SHA-256 of nothing but "abc".
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let body = json!({ "name": "a", "size": 3, "sha256": abc });
    let announced = http.post("/api/files", &bob.token, body).await.ok();
    let id = announced["id"].as_str().expect("an id");
    append(&http, &bob, id, 0, Bytes::from_static(b"abc")).await.expect("an answer").ok();

    // One key announces once.
    let bearer = format!("Bearer {}", bob.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let mut ids = Vec::new();
    for (node, size) in [(0, 5), (1, 5), (1, 6)] {
        let body = json!({ "name": "a", "size": size }).to_string();
        let reply =
            system.api(node).raw(Method::POST, "/api/files", &headers, body).await.expect("an answer");
        ids.push(match reply.status {
            StatusCode::CREATED => reply.json()["id"].clone(),
            _ => reply.json()["code"].clone(),
        });
    }
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &json!("idempotency_conflict")));
}

/// Objects of all files of a system.
fn objects(system: &System, file: &str) -> usize {
    let folders = ["files", "data/files"].map(|folder| system.folder.path().join(folder).join(file));
    folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().count()
}

async fn what_was_taken_back_is_gone(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let id = upload(&system.api(0), &ann, "a", bytes(PART + 1)).await;
    assert_eq!(objects(system, &id), 2);
    send_file(system, &ann, &room, &id, "1").await.ok();
    let path = format!("/api/files/{id}");
    let remove = async |who: &Account, path: &str| {
        system.api(1).call(Method::DELETE, path, &who.token, None).await.status.as_u16()
    };
    assert_eq!((remove(&bob, &path).await, remove(&ann, &path).await), (404, 403), "a message carries it");
    let recalled = format!("/api/conversations/{room}/messages/1/recall");
    system.api(1).call(Method::POST, &recalled, &ann.token, None).await.ok();
    assert_eq!(system.api(0).get(&path, &bob.token).await.status, 404, "at once");
    eventually("its bytes are deleted", async || (objects(system, &id) == 0).then_some(())).await;
    assert_eq!(system.api(0).get(&path, &ann.token).await.status, 404);
    // What was never sent is deleted by its owner.
    let id = upload(&system.api(0), &ann, "a", bytes(1)).await;
    let path = format!("/api/files/{id}");
    assert_eq!((remove(&ann, &path).await, remove(&ann, &path).await), (204, 404));
    eventually("its bytes are deleted", async || (objects(system, &id) == 0).then_some(())).await;
}

async fn an_export_lists_files(system: &System) {
    let ann = system.account("ann").await;
    let id = upload(&system.api(0), &ann, "mine.bin", bytes(7)).await;
    let export = system.api(1).get("/api/me/export", &ann.token).await.ok();
    let files: Vec<_> = export["files"].as_array().expect("files").iter().map(|file| &file["id"]).collect();
    assert_eq!(files, [&Value::from(id)]);
}

/// Kills the node that took the bytes, and starts it anew.
fn restart(system: &mut System) {
    if let Some(logic) = system.logics.first_mut() {
        logic.kill();
        system.logics[0] = system.start_logic(&[]);
    } else {
        system.comets[0].kill();
        system.comets[0] = Node::start("", system.folder.path(), &system.settings);
    }
}

/// What is killed in the middle of an upload has what it said it has.
async fn an_upload_outlives_its_node(mut system: System) {
    let ann = system.account("ann").await;
    let all = bytes(5 * PART + 1);
    let id = announce(&Http::new(system.door(0)), &ann, "a.bin", all.len()).await;
    let first =
        append(&system.api(0), &ann, &id, 0, all.slice(..2 * PART + 9)).await.expect("an answer").ok();
    assert_eq!(first["offset"], 2 * PART);
    restart(&mut system);
    let state = system.api(0).get(&format!("/api/files/{id}"), &ann.token).await.ok();
    assert_eq!(state["offset"], 2 * PART, "what was answered for is there");
    let rest = all.slice(2 * PART..);
    let done = append(&system.api(0), &ann, &id, 2 * PART, rest).await.expect("an answer").ok();
    assert_eq!(done["state"], "ready");
    let content = read(&system.api(0), &ann, &format!("/api/files/{id}/content"), &[]).await;
    assert_eq!(content.bytes, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_its_process() {
    an_upload_outlives_its_node(System::standalone(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_its_node_of_a_cluster() {
    an_upload_outlives_its_node(System::cluster(&Backends::shared(), &[]).await).await;
}

const ERASE: [(&str, &str); 1] = [("OORT_LOGIC__ACCOUNTS__ON_DELETE", "erase")];

async fn a_deleted_account_takes_its_files_along(system: &System) {
    let (ann, bob) = (system.account("ann").await, system.account("bob").await);
    let room = system.api(0).direct(&ann, &bob).await;
    let id = upload(&system.api(0), &ann, "a", bytes(9)).await;
    send_file(system, &ann, &room, &id, "1").await.ok();
    assert_eq!(system.api(1).get(&format!("/api/files/{id}"), &bob.token).await.status, 200);
    let body = Some(json!({ "password": "correct horse" }));
    assert_eq!(system.api(0).call(Method::DELETE, "/api/me", &ann.token, body).await.status, 204);
    eventually("its bytes are deleted", async || (objects(system, &id) == 0).then_some(())).await;
    assert_eq!(system.api(1).get(&format!("/api/files/{id}"), &bob.token).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_erased_in_one_process() {
    a_deleted_account_takes_its_files_along(&System::standalone(&ERASE)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_erased_in_a_cluster() {
    a_deleted_account_takes_its_files_along(&System::cluster(&Backends::shared(), &ERASE).await).await;
}
