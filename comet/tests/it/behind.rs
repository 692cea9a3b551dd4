//! Clients that do not read: bounded, told, and nobody else's trouble.

use std::time::Duration;

use oort_comet::Config;
use serde_json::json;

use crate::cursors::cursor_of;
use crate::logic::Scripted;
use crate::world::{World, config, eventually, id_of, start_with, to_room};

/// Little room in the budget and in the kernel.
async fn tight() -> World {
    let config = Config { send_budget_bytes: 8 * 1024, socket_send_buffer_bytes: 4096, ..config() };
    start_with(config, Scripted::new()).await
}

/// Messages enough to fill a client that does not read, until `is_full`; the last seq.
pub(crate) async fn flood(world: &World, is_full: impl Fn() -> bool) -> i64 {
    let mut job = world.job("flood");
    let mut seq = 0;
    while !is_full() {
        assert!(seq < 200_000, "the client never got full");
        job.push((1..=50).map(|n| to_room(1, seq + n)).collect()).await;
        seq += 50;
    }
    seq
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_behind_is_told_what_it_missed_and_goes_on() {
    let world = tight().await;
    let mut slow = world.v1(1).await;
    let mut quick = world.v1(2).await;
    let reader = tokio::spawn(async move {
        let mut last = 0;
        loop {
            let frame = quick.next().await;
            if frame["type"] == "behind" {
                last = frame["payload"]["rooms"][0]["head"].as_i64().unwrap();
                continue;
            }
            for message in frame["payload"]["messages"].as_array().unwrap() {
                let (_, seq) = id_of(message);
                assert!(seq == last + 1, "{seq} after {last}");
                last = seq;
            }
        }
    });
    let metrics = world.handle.metrics().clone();
    let sent = flood(&world, || metrics.behind_frames.get() >= 100).await;
    // It wakes up: frames in order, the report, and then live frames from exactly there on.
    let mut last = 0;
    let head = loop {
        let frame = slow.next().await;
        match frame["type"].as_str().unwrap() {
            "serverMessages" => {
                for message in frame["payload"]["messages"].as_array().unwrap() {
                    assert_eq!(id_of(message), (1, last + 1), "no hole before the report");
                    last += 1;
                }
            }
            "behind" => {
                assert_eq!(frame["payload"]["rooms"][0]["roomId"], "1");
                let head = frame["payload"]["rooms"][0]["head"].as_i64().unwrap();
                if head == sent {
                    break head;
                }
                // The kernel took a little more before it was full for good.
                last = head;
            }
            other => panic!("{other}"),
        }
    };
    assert_eq!(head, sent);
    assert!(last < head);
    let mut job = world.job("after");
    job.push(vec![to_room(1, sent + 1)]).await;
    assert_eq!(slow.seqs(1).await, [(1, sent + 1)]);
    world.logic.state.lock().heads.insert(1, sent + 1);
    let ask =
        json!({"type": "requestRoomHistory", "payload": {"roomId": "1", "afterSeq": last, "count": 100}});
    slow.send(ask).await;
    let page = slow.next().await;
    assert_eq!(id_of(&page["payload"]["messages"][0]), (1, last + 1));
    assert!(!reader.is_finished(), "the quick one had no hole and no trouble");
    reader.abort();
    world.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_client_that_does_not_read_is_closed() {
    let world = tight().await;
    let mut slow = world.classic(1).await;
    let mut quick = world.v1(2).await;
    let metrics = world.handle.metrics().clone();
    let reader = tokio::spawn(async move {
        let mut seen = 0;
        while let Ok(frame) = tokio::time::timeout(Duration::from_secs(2), quick.next()).await {
            seen += usize::from(frame["type"] == "serverMessages");
        }
        (quick, seen)
    });
    flood(&world, || metrics.closed_for("too_slow") >= 1).await;
    assert_eq!(slow.closed().await.0, 1013);
    eventually("it is forgotten", || world.handle.connections() == 1).await;
    let (mut quick, seen) = reader.await.unwrap();
    assert!(seen > 0);
    quick.sync().await;
    world.stop().await.unwrap();
}

/// Cursors have no history to be pulled from: their conversation is named, and where they stand is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_is_withheld_is_not_shown_later_but_its_conversation_is_named() {
    let world = tight().await;
    let mut slow = world.v1(1).await;
    let metrics = world.handle.metrics().clone();
    let sent = flood(&world, || metrics.behind_frames.get() >= 100).await;
    let mut job = world.job("cursors");
    job.push(vec![cursor_of(1, 99, 4)]).await;
    loop {
        let frame = slow.next().await;
        match frame["type"].as_str().unwrap() {
            "serverMessages" => {}
            "behind" => {
                let rooms = frame["payload"]["rooms"].as_array().unwrap();
                let head =
                    |room: &str| rooms.iter().find(|found| found["roomId"] == room).map(|it| &it["head"]);
                if head("1") == Some(&json!(sent)) {
                    assert_eq!(head("99"), Some(&json!(0)), "{frame}");
                    break;
                }
            }
            other => panic!("{other}"),
        }
    }
    // The next one of that conversation is the first it is shown.
    job.push(vec![cursor_of(1, 99, 5)]).await;
    let next = slow.next().await;
    assert_eq!((&next["type"], &next["payload"]["readSeq"]), (&json!("cursor"), &json!(5)), "{next}");
    world.stop().await.unwrap();
}
