//! Files over a folder and over a bucket: what arrives is there, what is away is told, and nothing is half done.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oort_api::Code;
use oort_api::error::Refusal;
use oort_api::ids::UserId;
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::User;
use oort_logic::files::{Announced, Config, Files, Metrics, S3};
use oort_logic::store::{FileState, Store, StoredFile};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::support::s3::{self, Bucket};
use crate::support::store::TestStore;
use crate::support::{sqlite, until, user};

/// Files of one user in a store of its own.
struct Place {
    files: Arc<Files>,
    registry: Registry,
    store: Arc<dyn Store>,
    owner: UserId,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn with(config: Config) -> Self {
        let (folder, store) = sqlite();
        Self::over(config, folder, store).await
    }

    async fn over(config: Config, folder: tempfile::TempDir, store: Arc<dyn Store>) -> Self {
        assert_eq!(config.faults(), Vec::<String>::new());
        let User { id, .. } = user(&*store, "ada").await;
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let files = Files::new(config, Arc::clone(&store), 60_000, metrics).expect("a place");
        let owner = UserId::new(id).expect("positive");
        Self { files: Arc::new(files), registry, store, owner, _folder: folder }
    }

    async fn begin(&self, size: u64) -> StoredFile {
        let announced = Announced { name: "a".to_owned(), size, digest: None };
        self.files.create(self.owner, announced, None).await.expect("begins")
    }

    async fn append(&self, file: &StoredFile, offset: u64, bytes: Bytes) -> Result<StoredFile, Refusal> {
        let body = stream::iter([Ok::<_, Infallible>(bytes)]);
        self.files.append(self.owner, file.id, offset, body).await
    }

    async fn read(&self, file: &StoredFile) -> Result<Bytes, Refusal> {
        let content = self.files.content(self.owner, file.id).await?;
        let range = 0..content.file.size;
        let pieces: Vec<Bytes> = self.files.read(content.file, range).await?.try_collect().await?;
        Ok(pieces.concat().into())
    }

    fn counted(&self, name: &str) -> f64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("encodes");
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

fn folder(folder: &std::path::Path) -> Config {
    Config {
        url: format!("file:{}", folder.display()),
        part_bytes: 4096,
        sweep_interval_ms: 10,
        ..Config::default()
    }
}

fn bucket(bucket: &Bucket) -> Config {
    Config {
        url: format!("s3:{}", s3::NAME),
        s3: S3 {
            endpoint: bucket.endpoint(),
            access_key_id: s3::ACCESS_KEY.to_owned(),
            access_key_secret: SecretString::from(s3::SECRET),
            ..S3::default()
        },
        part_bytes: 4096,
        sweep_interval_ms: 10,
        store_timeout_ms: 2_000,
        ..Config::default()
    }
}

fn bytes(count: usize) -> Bytes {
    (0..count).map(|place| u8::try_from(place % 251).unwrap_or(0)).collect()
}

fn code<T>(outcome: Result<T, Refusal>) -> Option<Code> {
    outcome.err().map(|refusal| refusal.code)
}

/// What a place does with files, whatever it is.
async fn files_come_and_go(place: Place) {
    let all = bytes(10_000);
    let file = place.begin(10_000).await;
    let half = place.append(&file, 0, all.slice(..9_000)).await.expect("is stored");
    assert_eq!((half.received, half.state), (8_192, FileState::Uploading));
    let whole = place.append(&file, 8_192, all.slice(8_192..)).await.expect("is stored");
    assert_eq!((whole.received, whole.state), (10_000, FileState::Ready));
    assert_eq!(place.read(&whole).await.expect("is read"), all);
    let content = place.files.content(place.owner, file.id).await.expect("is read");
    let some: Vec<Bytes> = place
        .files
        .read(content.file, 4_000..8_200)
        .await
        .expect("is read")
        .try_collect()
        .await
        .expect("is read");
    assert_eq!(some.concat(), all.slice(4_000..8_200));
    place.files.delete(place.owner, file.id).await.expect("goes");
    assert_eq!(code(place.read(&whole).await), Some(Code::NotFound));
    let (files, stop) = (Arc::clone(&place.files), CancellationToken::new());
    let sweeping = tokio::spawn({
        let stop = stop.clone();
        async move { files.run(stop).await }
    });
    until("its bytes are gone", || ready(place.counted("files_discarded_total") >= 1.0)).await;
    stop.cancel();
    sweeping.await.expect("stops");
    assert_eq!(place.store.due_files(i64::MAX - 1, 10).await.expect("answers"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_keeps_files() {
    let scratch = tempfile::tempdir().expect("a folder");
    files_come_and_go(Place::with(folder(scratch.path())).await).await;
    let left: Vec<_> = walk(scratch.path());
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_keeps_files() {
    let server = Bucket::start().await;
    files_come_and_go(Place::with(bucket(&server)).await).await;
    let left: Vec<_> = walk(server.folder());
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_knows_another_secret_is_told() {
    let server = Bucket::start().await;
    let mut config = bucket(&server);
    config.s3.access_key_secret = SecretString::from("another");
    let place = Place::with(config).await;
    let file = place.begin(5).await;
    assert_eq!(code(place.append(&file, 0, bytes(5)).await), Some(Code::Unavailable));
    assert!(place.counted("file_store_failures_total") >= 1.0);
}

/// Files below a folder, whatever their depth.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // What the server itself keeps.
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        match is_folder {
            _ if is_hidden => {}
            true => found.extend(walk(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_away_is_told_and_nothing_is_half_done() {
    let scratch = tempfile::tempdir().expect("a folder");
    let at = scratch.path().join("files");
    let place = Place::with(folder(&at)).await;
    let all = bytes(10_000);
    let file = place.begin(10_000).await;
    place.append(&file, 0, all.slice(..4_096)).await.expect("is stored");
    // A file where the folder was: nothing can be written or read, as on a full or broken disk.
    let aside = scratch.path().join("aside");
    std::fs::rename(&at, &aside).expect("moves");
    std::fs::write(&at, "").expect("writes");
    let refused = place.append(&file, 4_096, all.slice(4_096..)).await.expect_err("cannot be stored");
    assert_eq!(refused.code, Code::Unavailable);
    assert!(refused.retry_after_ms.is_some());
    assert_eq!(place.counted("file_store_failures_total"), 1.0);
    let state = place.files.of_reader(place.owner, file.id).await.expect("is told");
    assert_eq!((state.received, state.state), (4_096, FileState::Uploading), "as it was");
    std::fs::remove_file(&at).expect("goes");
    std::fs::rename(&aside, &at).expect("moves");
    let whole = place.append(&file, 4_096, all.slice(4_096..)).await.expect("goes on");
    assert_eq!(place.read(&whole).await.expect("is read"), all);
    std::fs::rename(&at, &aside).expect("moves");
    assert_eq!(code(place.read(&whole).await), Some(Code::Unavailable));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_is_away_is_told() {
    let mut server = Bucket::start().await;
    let place = Place::with(bucket(&server)).await;
    let file = place.begin(5).await;
    server.stop().await;
    assert_eq!(code(place.append(&file, 0, bytes(5)).await), Some(Code::Unavailable));
    let state = place.files.of_reader(place.owner, file.id).await.expect("is told");
    assert_eq!(state.received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_and_downloads_are_bounded() {
    let scratch = tempfile::tempdir().expect("a folder");
    let config =
        Config { uploads_max: 1, downloads_max: 1, stall_timeout_ms: 300_000, ..folder(scratch.path()) };
    let place = Place::with(config).await;
    let (slow, other) = (place.begin(5_000).await, place.begin(10_000).await);
    let (files, owner, id) = (Arc::clone(&place.files), place.owner, slow.id);
    let stalled = tokio::spawn(async move {
        let body = stream::iter([Ok::<_, Infallible>(bytes(4_096))]).chain(stream::pending());
        files.append(owner, id, 0, body).await
    });
    until("its first part is stored", || ready(place.counted("file_bytes_received_total") >= 4_096.0)).await;
    assert_eq!(code(place.append(&other, 0, bytes(10)).await), Some(Code::Overloaded));
    stalled.abort();
    stalled.await.expect_err("is ended");
    let whole = place.append(&other, 0, bytes(10_000)).await.expect("has room now");
    let content = place.files.content(place.owner, whole.id).await.expect("is read");
    let reading = place.files.read(content.file.clone(), 0..10_000).await.expect("begins");
    assert_eq!(code(place.files.read(content.file, 0..1).await), Some(Code::Overloaded));
    assert_eq!(place.counted("files_refused_total"), 2.0);
    drop(reading);
    let content = place.files.content(place.owner, whole.id).await.expect("is read");
    until("the place of a reader that went is free", || async {
        place.files.read(content.file.clone(), 0..1).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stalls_is_ended() {
    let scratch = tempfile::tempdir().expect("a folder");
    let place = Place::with(Config { stall_timeout_ms: 50, ..folder(scratch.path()) }).await;
    let file = place.begin(20_000).await;
    let body = stream::iter([Ok::<_, Infallible>(bytes(5_000))]).chain(stream::pending());
    let refused = place.files.append(place.owner, file.id, 0, body).await;
    assert_eq!(code(refused), Some(Code::InvalidRequest));
    let all = bytes(20_000);
    let whole = place.append(&file, 4_096, all.slice(4_096..)).await.expect("goes on");
    let content = place.files.content(place.owner, whole.id).await.expect("is read");
    let mut reading = Box::pin(place.files.read(content.file, 0..20_000).await.expect("begins"));
    let is_ended = || ready(place.counted("file_downloads_stalled_total") >= 1.0);
    until("a reader that takes nothing is given up", is_ended).await;
    let mut got = 0;
    while let Some(piece) = reading.next().await {
        got += piece.expect("bytes").len();
    }
    assert!(got < 20_000, "it broke off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_keeps_whole_parts() {
    let scratch = tempfile::tempdir().expect("a folder");
    let place = Place::with(folder(scratch.path())).await;
    let file = place.begin(20_000).await;
    let body = stream::iter([Ok(bytes(9_000)), Err("gone")]);
    let refused = place.files.append(place.owner, file.id, 0, body).await;
    assert_eq!(code(refused), Some(Code::InvalidRequest));
    let state = place.files.of_reader(place.owner, file.id).await.expect("is told");
    assert_eq!(state.received, 8_192);
    assert_eq!(walk(scratch.path()).len(), 2);
    // One that goes away without a word, too.
    let body = stream::iter([Ok::<_, Infallible>(bytes(5_000))]).chain(stream::pending());
    let waited = tokio::time::timeout(
        Duration::from_millis(200),
        place.files.append(place.owner, file.id, 8_192, body),
    );
    waited.await.expect_err("it waits for more");
    let state = place.files.of_reader(place.owner, file.id).await.expect("is told");
    assert_eq!(state.received, 12_288);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_the_store_added_before_its_answer_was_lost_is_kept() {
    let scratch = tempfile::tempdir().expect("a folder");
    let (own, store) = sqlite();
    let store = TestStore::open(store);
    let place = Place::over(folder(scratch.path()), own, store.clone()).await;
    let file = place.begin(10_000).await;
    store.loses_an_answer.store(true, Ordering::Relaxed);
    let whole = place.append(&file, 0, bytes(10_000)).await.expect("is stored");
    assert!(!store.loses_an_answer.load(Ordering::Relaxed));
    assert_eq!((whole.received, whole.state), (10_000, FileState::Ready));
    assert_eq!(place.read(&whole).await.expect("is read"), bytes(10_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_goes_with_objects_that_nobody_knows() {
    let scratch = tempfile::tempdir().expect("a folder");
    let place = Place::with(Config { unfinished_ms: 1, ..folder(scratch.path()) }).await;
    let file = place.begin(10_000).await;
    place.append(&file, 0, bytes(5_000)).await.expect("is stored");
    // As a node leaves it that dies between the object and the row.
    let stray = scratch.path().join(file.id.to_string()).join("1-0000000000000000");
    std::fs::write(&stray, "stray").expect("writes");
    let (files, stop) = (Arc::clone(&place.files), CancellationToken::new());
    let sweeping = tokio::spawn({
        let stop = stop.clone();
        async move { files.run(stop).await }
    });
    until("all of it is gone", || ready(walk(scratch.path()).is_empty())).await;
    until("it is counted", || ready(place.counted("files_discarded_total") >= 1.0)).await;
    stop.cancel();
    sweeping.await.expect("stops");
    assert_eq!(code(place.files.of_reader(place.owner, file.id).await), Some(Code::NotFound));
}

/// It died between the object and its row, while another deleted the file: known and documented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_leaves_in_a_file_that_was_just_deleted_stays() {
    let scratch = tempfile::tempdir().expect("a folder");
    let place = Place::with(Config { unfinished_ms: 1, ..folder(scratch.path()) }).await;
    let file = place.begin(10_000).await;
    place.append(&file, 0, bytes(5_000)).await.expect("is stored");
    let (files, stop) = (Arc::clone(&place.files), CancellationToken::new());
    let sweeping = tokio::spawn({
        let stop = stop.clone();
        async move { files.run(stop).await }
    });
    until("it is counted", || ready(place.counted("files_discarded_total") >= 1.0)).await;
    let stray = scratch.path().join(file.id.to_string()).join("1-0000000000000000");
    std::fs::create_dir_all(stray.parent().expect("a folder")).expect("is made");
    std::fs::write(&stray, "stray").expect("writes");
    // Others come and go.
    place.begin(10).await;
    until("the next one is gone", || ready(place.counted("files_discarded_total") >= 2.0)).await;
    stop.cancel();
    sweeping.await.expect("stops");
    assert_eq!(walk(scratch.path()), [stray]);
}
