//! Redis away, restarted, stalled or read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oort_api::directory::redis::{RedisDirectory, Settings};
use oort_api::directory::{Error, Renewal};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::implementations::{Redis, redis_url};
use super::{Fresh, LONG, PATIENCE, comet, info, live, nowhere, presence, route};

/// A way to Redis that can be cut.
struct Gate {
    port: u16,
    open: Arc<AtomicBool>,
    cut: Arc<tokio::sync::Notify>,
    _tasks: JoinSet<()>,
}

impl Gate {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let (open, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(tokio::sync::Notify::new()));
        let target = redis_url().trim_start_matches("redis://").to_owned();
        let mut tasks = JoinSet::new();
        let (is_open, is_cut) = (open.clone(), cut.clone());
        tasks.spawn(async move {
            let mut streams = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                if !is_open.load(Ordering::SeqCst) {
                    continue;
                }
                let (target, is_cut) = (target.clone(), is_cut.clone());
                streams.spawn(async move {
                    let mut server = TcpStream::connect(target).await.expect("Redis is up");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        () = is_cut.notified() => {}
                    }
                });
            }
        });
        Self { port, open, cut, _tasks: tasks }
    }

    fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut.notify_waiters();
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

fn settings(port: u16) -> Settings {
    Settings {
        urls: vec![format!("redis://127.0.0.1:{port}").into()],
        key_prefix: format!("it-{}:", uuid::Uuid::new_v4()),
        timeout_ms: 500,
        ..Settings::default()
    }
}

#[tokio::test]
async fn it_connects_again_after_an_outage() {
    let gate = Gate::new().await;
    let directory = RedisDirectory::connect(&settings(gate.port)).expect("made");
    let home = live(&*directory, "c", 1).await;
    gate.close();
    for _ in 0..3 {
        let refused = directory.renew(&info(&home), LONG).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        assert!(directory.check().await.is_err());
    }
    gate.open();
    let back_at = Instant::now();
    tokio::time::timeout(PATIENCE, async {
        while directory.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("connects");
    assert!(back_at.elapsed() < Duration::from_secs(2), "took {:?}", back_at.elapsed());
    let renewal = directory.renew(&info(&home), LONG).await;
    assert_eq!(renewal, Ok(Renewal::Unknown), "one that failed may have been recorded after a wipe");
    assert!(directory.comets().await.expect("answers")[0].announcing, "and so it is recorded");
    assert_eq!(directory.renew(&info(&home), LONG).await, Ok(Renewal::Known));
    assert!(!directory.comets().await.expect("answers")[0].announcing);
}

#[tokio::test]
async fn a_stalled_redis_is_bounded_by_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    let directory = RedisDirectory::connect(&settings(port)).expect("needs no Redis");
    let started = Instant::now();
    assert!(matches!(directory.check().await, Err(Error::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(3), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn scripts_are_sent_again_when_redis_forgot_them() {
    let redis = Redis::at(&[redis_url()]);
    let directory = redis.directory();
    let home = live(&*directory, "c", 1).await;
    let client = redis::Client::open(redis_url()).expect("URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut connection).await.expect("flushed");
    directory.enter_rooms(&home, &[presence("r", 1)]).await.expect("entered all the same");
    assert_ne!(route(&*directory).await, nowhere());
    // Known scripts beside unknown ones are not run twice: a first renewal
    // would then be told that it is known.
    for epoch in 2..20 {
        redis::cmd("SCRIPT").arg("FLUSH").exec_async(&mut connection).await.expect("flushed");
        let other = info(&comet("other", epoch));
        directory.retire(&other.comet).await.expect("answers");
        assert_eq!(directory.renew(&other, LONG).await, Ok(Renewal::Unknown));
        assert_eq!(directory.renew(&other, LONG).await, Ok(Renewal::Known));
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let bad = Settings { urls: Vec::new(), timeout_ms: 0, ..Settings::default() };
    let Err(Error::Config(text)) = RedisDirectory::connect(&bad).map(|_| ()) else { panic!("taken") };
    assert!(text.contains("urls") && text.contains("timeout_ms"), "{text}");
}

#[tokio::test]
async fn a_room_that_was_left_by_all_expires() {
    let redis = Redis::at(&[redis_url()]);
    let directory = redis.directory();
    let (a, b) = (comet("a", 1), comet("b", 1));
    let client = redis::Client::open(redis_url()).expect("URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
    let mut ttl_ms = redis::cmd("PTTL");
    ttl_ms.arg(format!("{}room:r", redis.settings.key_prefix));
    let mut expires = async || ttl_ms.query_async::<i64>(&mut connection).await.expect("answers") > 0;
    directory.enter_rooms(&a, &[presence("r", 1)]).await.expect("entered");
    directory.enter_rooms(&b, &[presence("r", 1)]).await.expect("entered");
    directory.leave_rooms(&a, &[presence("r", 2)]).await.expect("left");
    assert!(!expires().await, "b is there");
    directory.leave_rooms(&b, &[presence("r", 2)]).await.expect("left");
    assert!(expires().await);
    directory.enter_rooms(&b, &[presence("r", 3)]).await.expect("entered");
    assert!(!expires().await);
}
