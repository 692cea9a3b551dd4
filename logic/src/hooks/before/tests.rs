use std::net::SocketAddr;

use oort_api::pb::oort::v1::Details;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::config::Before as Config;
use super::super::question::tests::message;
use super::*;
use crate::store::NewMessage;
use crate::webhook::client::tls;

fn said(body: &str, questions: &[Question<'_>]) -> Option<Vec<(bool, Option<String>)>> {
    let limits = Limits { content_bytes_max: 4, ..Limits::default() };
    let said = read(body.as_bytes(), questions, &limits)?;
    Some(said.into_iter().map(|said| (said.allow, said.content)).collect())
}

#[test]
fn only_answers_that_make_sense_are_believed() {
    let (one, two) = (message("a", "x"), message("b", "y"));
    let of = |message| Question::of(message, ConversationKind::Room);
    let (single, both) = ([of(&one)], [of(&one), of(&two)]);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(said(r#"{"allow":true}"#, &both), Some(vec![(true, None); 2]));
    assert_eq!(said(r#"{"allow":true,"content":"z"}"#, &single), Some(vec![(true, text("z"))]));
    let each = r#"[{"allow":false,"reason":"no"},{"allow":true,"content":"zz","other":1}]"#;
    assert_eq!(said(each, &both), Some(vec![(false, None), (true, text("zz"))]));
    for bad in [
        "",
        "OK",
        "{}",
        r#"{"allow":"yes"}"#,
        r#"[{"allow":true}]"#,
        r#"{"allow":true,"content":"z"}"#,
        r#"[{"allow":true},{"allow":true,"content":""}]"#,
        r#"[{"allow":true},{"allow":true,"content":"12345"}]"#,
    ] {
        assert!(said(bad, &both).is_none(), "{bad}");
    }
    let details = Details { attachment: "{}".to_owned(), ..Details::default() };
    let picture = NewMessage { details: Some(Box::new(details)), ..one };
    let of_picture = [Question::of(&picture, ConversationKind::Room)];
    assert_eq!(said(r#"{"allow":true,"content":""}"#, &of_picture), Some(vec![(true, text(""))]));
}

#[test]
fn a_reason_is_shown_as_far_as_it_goes() {
    assert_eq!(shown("too\u{7} loud\r\n", 200), "too loud");
    assert_eq!(shown("ééé", 2), "éé");
    for none in ["", " \n"] {
        assert_eq!(shown(none, 200), NO_REASON);
    }
    assert_eq!(shown("why", 0), NO_REASON);
}

/// Answers every call with these bytes; counts them.
async fn server(answer: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("accepts");
            let noted = Arc::clone(&noted);
            tokio::spawn(async move { serve(stream, answer, &noted).await });
        }
    });
    (address, calls)
}

async fn serve(mut stream: TcpStream, answer: &str, noted: &Mutex<Vec<String>>) {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    while !read.ends_with(b"}") {
        match stream.read(&mut buffer).await {
            Ok(bytes) if bytes > 0 => read.extend_from_slice(&buffer[..bytes]),
            _ => return,
        }
    }
    noted.lock().push(String::from_utf8(read).expect("text"));
    if answer.is_empty() {
        // For ever, as far as the caller knows.
        std::future::pending::<()>().await;
    }
    stream.write_all(answer.as_bytes()).await.ok();
}

fn before(address: SocketAddr, change: impl FnOnce(&mut Config)) -> Before {
    let mut config = Config { url: format!("http://{address}/before"), timeout_ms: 300, ..Config::default() };
    change(&mut config);
    let secret = Secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    Before::new(&config, &Limits::default(), (&secret, &tls("").expect("roots")), &Metrics::default())
        .expect("a hook")
}

async fn ask(before: &Before) -> Verdict {
    let message = message("a", "x");
    before.ask(&[Question::of(&message, ConversationKind::Room)]).await.remove(0)
}

const ALLOWED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"allow\":true}";

#[tokio::test]
async fn failures_are_what_the_setting_makes_of_them_and_counted_by_cause() {
    let redirection = "HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";
    let error = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 14\r\n\r\n{\"allow\":true}";
    let long = concat!(
        "HTTP/1.1 200 OK\r\ncontent-length: 94\r\n\r\n{\"allow\":true}",
        "                                        ",
        "                                        "
    );
    for (answer, cause) in
        [("", "timeout"), (redirection, "redirection"), (error, "status"), (long, "answer")]
    {
        let (address, calls) = server(answer).await;
        for on_failure in [OnFailure::Open, OnFailure::Closed] {
            let before = before(address, |config| {
                (config.on_failure, config.answer_bytes_max) = (on_failure, 64);
            });
            let verdict = ask(&before).await;
            let counted = before.counted();
            match on_failure {
                OnFailure::Open => {
                    assert_eq!(verdict, Ok(None), "{cause}");
                    assert_eq!(counted, Counted { passed_unasked: 1, ..Counted::default() });
                }
                OnFailure::Closed => {
                    let refusal = verdict.expect_err("refused");
                    assert_eq!((refusal.code, refusal.retry_after_ms), (Code::Unavailable, Some(1000)));
                    assert_eq!(counted, Counted { refused_unasked: 1, ..Counted::default() });
                }
            }
            let failures = before.metrics.before_failures.get_or_create(&[("cause", cause)]).get();
            assert_eq!(failures, 1, "{cause}");
        }
        assert_eq!(calls.lock().len(), 2, "{cause}: it is not asked again, nor elsewhere");
    }
}

#[test]
fn what_is_too_much_for_a_call_is_parted_in_order() {
    let messages: Vec<NewMessage> = ["a", "b", "c", "d"].iter().map(|id| message(id, "1234567890")).collect();
    let questions: Vec<Question<'_>> =
        messages.iter().map(|message| Question::of(message, ConversationKind::Room)).collect();
    let one = questions[0].bytes();
    for (bytes_max, expected) in
        [(0, vec![1, 1, 1, 1]), (2 * one, vec![2, 2]), (3 * one, vec![3, 1]), (9 * one, vec![4])]
    {
        let parts: Vec<usize> = portions(&questions, bytes_max).iter().map(|part| part.len()).collect();
        assert_eq!(parts, expected);
    }
    assert!(portions(&[], 1).is_empty());
}

#[tokio::test]
async fn calls_are_bounded_and_each_repeat_has_the_same_id() {
    let (address, calls) = server("").await;
    let before = Arc::new(before(address, |config| {
        (config.calls_max, config.timeout_ms, config.on_failure) = (1, 4_000, OnFailure::Open);
    }));
    let asking = tokio::spawn({
        let before = Arc::clone(&before);
        async move { ask(&before).await }
    });
    while calls.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    assert_eq!(ask(&before).await, Ok(None), "at once");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(before.metrics.before_failures.get_or_create(&[("cause", "busy")]).get(), 1);
    // Whoever asked went away: its turn is over.
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));
    let again = tokio::spawn({
        let before = Arc::clone(&before);
        async move { ask(&before).await }
    });
    while calls.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    again.abort();
    let id = |call: &String| {
        let line = call.lines().find(|line| line.starts_with("webhook-id: ")).map(str::to_owned);
        line.expect("an id")
    };
    let calls = calls.lock();
    assert_eq!(id(&calls[0]), id(&calls[1]));
}

#[tokio::test]
async fn what_it_allows_is_stored_as_it_is() {
    let (address, calls) = server(ALLOWED).await;
    let before = before(address, |config| config.kinds = vec![super::super::config::Kind::Group]);
    assert_eq!(ask(&before).await, Ok(None));
    assert_eq!(before.counted(), Counted { allowed: 1, ..Counted::default() });
    let call = calls.lock()[0].to_lowercase();
    assert!(call.starts_with("post /before http/1.1"), "{call}");
    assert!(call.contains("webhook-signature: v1,") && call.contains("webhook-timestamp: "), "{call}");
    assert!(before.is_asked_about(ConversationKind::Group));
    assert!(!before.is_asked_about(ConversationKind::Room));
}
