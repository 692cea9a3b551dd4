//! A connection to MySQL that is lost around the commit.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oort_logic::store::mysql::MysqlStore;
use oort_logic::store::{
    Admission, Appended, Begun, DevicePolicy, Error, Login, NewDevice, OutboxRow, Range, Rotation, Store,
    mysql,
};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::fixture::{Fixture, NOW, conversation, message, records, unique, user};

/// The server has said all it has to say.
const SILENCE: std::time::Duration = std::time::Duration::from_millis(300);

/// A way to the server that, once armed, forwards the next commit and cuts the
/// connection instead of answering it.
#[derive(Debug)]
struct Cutter {
    port: u16,
    armed: Arc<AtomicBool>,
    refuse: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Cutter {
    async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let armed = Arc::new(AtomicBool::new(false));
        let refuse = Arc::new(AtomicBool::new(false));
        let mut task = JoinSet::new();
        let (arm, no) = (Arc::clone(&armed), Arc::clone(&refuse));
        task.spawn(async move {
            let mut links = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("accepts");
                if no.load(Ordering::SeqCst) {
                    continue;
                }
                let upstream = TcpStream::connect(&server).await.expect("connects");
                links.spawn(link(client, upstream, Arc::clone(&arm)));
            }
        });
        Self { port, armed, refuse, _task: task }
    }
}

/// Forwards both ways.
async fn link(mut client: TcpStream, mut server: TcpStream, armed: Arc<AtomicBool>) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut tail = Vec::new();
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                tail.extend_from_slice(&up[..count]);
                // A session that begins says READ COMMITTED.
                let commits = (0..tail.len()).any(|at| {
                    tail[at..].starts_with(b"COMMIT") && !tail[at..].starts_with(b"COMMITTED")
                });
                tail.drain(..tail.len().saturating_sub(5));
                if commits && armed.swap(false, Ordering::SeqCst) {
                    server.write_all(&up[..count]).await.expect("forwards");
                    // Swallows the answer, until the server has nothing more to say.
                    while let Ok(Ok(1..)) = tokio::time::timeout(SILENCE, server.read(&mut down)).await {}
                    return;
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Opens a store whose connections go through a cutter.
async fn through(fixture: &Fixture) -> (Cutter, Arc<dyn Store>) {
    let direct = fixture.mysql_settings();
    let url = direct.url.expose_secret();
    let (rest, database) = url.rsplit_once('/').expect("a database");
    let (account, server) = rest.rsplit_once('@').expect("an account");
    let cutter = Cutter::start(server.to_owned()).await;
    let mut settings = mysql::Settings::at(format!("{account}@127.0.0.1:{}/{database}", cutter.port));
    settings.pool_min = 1;
    let store = MysqlStore::open(&settings, &fixture.metrics).await.expect("opens");
    (cutter, store)
}

/// Whoever was told, and whoever adopts: each message is published once or more.
async fn published(told: Vec<OutboxRow>, relay: &Arc<dyn Store>) -> HashSet<i64> {
    relay.outbox_adopt("relay", 100).await.expect("adopts");
    let adopted = relay.outbox("relay", 0, 100).await.expect("answers");
    told.iter().chain(&adopted).flat_map(records).map(|(_, push)| push.seq).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_stored_once_and_published() {
    let fixture = Fixture::mysql().await;
    let (cutter, store) = through(&fixture).await;
    let direct = fixture.open().await;
    let ada = user(&direct, "ada").await;
    direct.outbox_renew("node", 60_000).await.expect("renews");
    let room = conversation(1);
    let mut told = Vec::new();
    for round in 1..=4 {
        cutter.armed.store(round % 2 == 0, Ordering::SeqCst);
        let batch = [message(room, &ada, &unique(), "x")];
        let (outcomes, row) = store.append("node", &batch, &[], NOW).await.expect("a second attempt is made");
        let seq = match outcomes[0] {
            Appended::Stored { seq, .. } | Appended::Duplicate { seq, .. } => seq.get(),
            ref other => panic!("{other:?}"),
        };
        assert_eq!(seq, round, "nothing twice, nothing lost");
        told.extend(row);
    }
    assert_eq!(fixture.metrics.outcomes_unknown.get(), 2);
    assert_eq!(published(told, &direct).await, HashSet::from([1, 2, 3, 4]));
}

/// Each call is asked once, and run again by the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_run_again_after_a_lost_answer_finds_itself_done() {
    let fixture = Fixture::mysql().await;
    let (cutter, store) = through(&fixture).await;
    let direct = fixture.open().await;
    let ada = user(&direct, "ada").await;
    let lose = || cutter.armed.store(true, Ordering::SeqCst);
    let is_lost = || assert!(!cutter.armed.load(Ordering::SeqCst), "an answer was lost");
    let login = |id: &str, refresh| Login {
        id: id.to_owned(),
        user_id: super::fixture::id(&ada),
        refresh_hash: [refresh; 32],
        cookie_hash: None,
        created_at_ms: NOW,
        expires_at_ms: NOW + 1_000_000,
    };
    let newest = Admission { policy: DevicePolicy::NewestWins, logins_max: 10, ..Admission::default() };
    let begin = async |login: Login| {
        store.create_login(&login, &NewDevice::default(), &newest).await.expect("begins")
    };
    begin(login("old", 1)).await;
    lose();
    assert_eq!(begin(login("new", 2)).await, Begun::Found, "it is not in its own way");
    is_lost();
    let ids = ["old", "new"].map(Arc::from);
    let live = direct.live_logins(&ids, NOW).await.expect("answers");
    assert_eq!(live, [None, Some(super::fixture::id(&ada))]);

    lose();
    let rotated = store.rotate_refresh(&[2; 32], &[3; 32], NOW, NOW + 2_000_000).await.expect("rotates");
    assert!(matches!(rotated, Rotation::Rotated(login) if login.refresh_hash == [3; 32]), "it is its own");
    is_lost();
    let reused = store.rotate_refresh(&[2; 32], &[4; 32], NOW, NOW + 2_000_000).await.expect("answers");
    assert!(matches!(reused, Rotation::Reused { .. }), "somebody else's is not: {reused:?}");

    let id = super::fixture::id(&ada);
    let hash = direct.credentials_by_id(id).await.expect("answers").expect("there").password_hash;
    begin(login("kept", 5)).await;
    lose();
    assert!(store.set_password(id, &hash, "another", "kept").await.expect("sets").is_some());
    is_lost();
    assert_eq!(store.set_password(id, &hash, "a third", "kept").await.expect("answers"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_around_a_commit_leaves_no_row_behind() {
    let fixture = Fixture::mysql().await;
    let (cutter, store) = through(&fixture).await;
    let direct = fixture.open().await;
    let ada = user(&direct, "ada").await;
    direct.outbox_renew("node", 60_000).await.expect("renews");
    let room = conversation(1);
    let first = [message(room, &ada, &unique(), "first")];
    let (_, row) = store.append("node", &first, &[], NOW).await.expect("appends");
    let mut told: Vec<OutboxRow> = row.into_iter().collect();

    cutter.armed.store(true, Ordering::SeqCst);
    cutter.refuse.store(true, Ordering::SeqCst);
    let second = [message(room, &ada, &unique(), "second")];
    let refused = store.append("node", &second, &[], NOW).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");

    cutter.refuse.store(false, Ordering::SeqCst);
    let third = [message(room, &ada, &unique(), "third")];
    let (_, row) = store.append("node", &third, &[], NOW).await.expect("it is back");
    told.extend(row);
    let (again, row) = store.append("node", &second, &[], NOW).await.expect("the client tries again");
    told.extend(row);
    assert!(matches!(again[0], Appended::Stored { .. } | Appended::Duplicate { .. }), "{again:?}");
    let page = direct.history(room, Range::After(0), 10).await.expect("answers");
    assert_eq!(page.messages.len(), 3);
    assert_eq!(published(told, &direct).await, HashSet::from([1, 2, 3]));
}
