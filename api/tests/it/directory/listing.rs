//! What operators look at: sessions of a user, processes.

use std::time::Duration;

use oort_api::directory::{Answer, Error, NodeEntry, NodeMetrics, Question, UserSession};
use oort_api::trail::{Hop, Step};

use super::{Fresh, LONG, PATIENCE, key, live, session, user};

pub(super) async fn sessions_of_a_user_are_listed_where_they_live(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let (a, b) = (live(&*directory, "a", 1).await, live(&*directory, "b", 1).await);
    directory.add_sessions(&a, &[session(1, "k1", 1), session(2, "k2", 2)]).await.expect("added");
    let mobile = oort_api::directory::SessionEntry { platform: "ios".to_owned(), ..session(1, "k3", 1) };
    directory.add_sessions(&b, std::slice::from_ref(&mobile)).await.expect("added");
    let listed = async || {
        let mut sessions = fresh.elsewhere().sessions(user(1)).await.expect("answers");
        sessions.sort_by_key(|session| session.key.clone());
        sessions
    };
    let one = UserSession { key: key("k1"), comet: a.clone(), platform: "web".to_owned(), login: None };
    let other = UserSession { key: key("k3"), comet: b.clone(), platform: "ios".to_owned(), login: None };
    assert_eq!(listed().await, [one.clone(), other]);
    directory.remove_sessions(&b, &[mobile]).await.expect("removed");
    assert_eq!(listed().await, [one]);
    assert_eq!(directory.sessions(user(9)).await, Ok(Vec::new()));
    directory.retire(&a).await.expect("retired");
    let gone = async || tokio::time::timeout(PATIENCE, async { while !listed().await.is_empty() {} }).await;
    gone().await.expect("what a dead comet held is not listed");
}

fn node(id: &str) -> NodeEntry {
    NodeEntry {
        id: id.to_owned(),
        name: "host".to_owned(),
        role: "job".to_owned(),
        version: "1.2.3".to_owned(),
        started_at_ms: 7,
        address: "127.0.0.1:1".to_owned(),
        draining: false,
        seen_ms: 8,
        connections: 0,
        metrics: NodeMetrics { p99_ms: Some(1.5), rss_bytes: Some(1 << 30), ..NodeMetrics::default() },
    }
}

pub(super) async fn a_process_is_listed_until_its_lease_ends(fresh: &impl Fresh) {
    let directory = fresh.directory();
    let listed = async || {
        let mut nodes = fresh.elsewhere().nodes().await.expect("answers");
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        nodes
    };
    assert_eq!(listed().await, []);
    directory.announce_node(&node("one"), LONG).await.expect("recorded");
    directory.announce_node(&node("two|:é"), Duration::from_millis(300)).await.expect("recorded");
    let draining = NodeEntry { draining: true, ..node("one") };
    directory.announce_node(&draining, LONG).await.expect("recorded");
    tokio::time::timeout(PATIENCE, async {
        // The short one may have ended already.
        while listed().await != [draining.clone()] {
            assert_eq!(listed().await.first(), Some(&draining));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("its lease ends");
    directory.announce_node(&draining, Duration::ZERO).await.expect("taken away");
    tokio::time::timeout(PATIENCE, async {
        while !listed().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("gone");
    for bad in [node(""), node(&"x".repeat(200)), NodeEntry { address: "x".repeat(9000), ..node("large") }] {
        let refused = directory.announce_node(&bad, LONG).await;
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    }
    directory.announce_node(&node("one"), LONG).await.expect("recorded");
    fresh.wipe().await;
    assert_eq!(listed().await, [], "wiped");
}

pub(super) async fn a_question_reaches_all_and_every_answer_comes_back(fresh: &impl Fresh) {
    let (directory, elsewhere) = (fresh.directory(), fresh.elsewhere());
    let question = |id: &str| Question { id: id.to_owned(), conversation: 7, seq: 9 };
    assert_eq!(elsewhere.questions().await, Ok(Vec::new()));
    directory.ask(&question("q1")).await.expect("put");
    directory.ask(&question("q2")).await.expect("put");
    assert_eq!(elsewhere.questions().await, Ok(vec![question("q2"), question("q1")]));
    let answer = |node: &str, at_us| Answer {
        question: "q1".to_owned(),
        node: node.to_owned(),
        name: "host".to_owned(),
        role: "job".to_owned(),
        since_us: 5,
        hops: vec![Hop { at_us, step: Step::Taken { partition: 3, offset: 8 } }],
    };
    assert_eq!(directory.answers("q1").await, Ok(Vec::new()));
    for (node, at_us) in [("a", 1), ("b", 2), ("a", 3)] {
        elsewhere.answer(&answer(node, at_us)).await.expect("recorded");
    }
    let mut answers = directory.answers("q1").await.expect("answers");
    answers.sort_by(|one, other| one.node.cmp(&other.node));
    assert_eq!(answers, [answer("a", 3), answer("b", 2)], "the later one of a process counts");
    assert_eq!(directory.answers("q2").await, Ok(Vec::new()));

    let hops = (0..3000).map(|at_us| Hop { at_us, step: Step::Published }).collect();
    let large = Answer { hops, ..answer("a", 1) };
    for refused in [
        directory.ask(&question("")).await,
        directory.ask(&question(&"x".repeat(65))).await,
        elsewhere.answer(&large).await,
    ] {
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    }
    for number in 0..40 {
        directory.ask(&question(&format!("more{number}"))).await.expect("put");
    }
    assert_eq!(elsewhere.questions().await.expect("answers").len(), 16, "the oldest make room");
    fresh.wipe().await;
    assert_eq!(elsewhere.questions().await, Ok(Vec::new()), "wiped");
}
