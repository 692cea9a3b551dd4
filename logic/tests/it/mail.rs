//! Mails reach a real SMTP server, or it is told that they do not.

use oort_api::Code;
use oort_logic::mail::{Config, Mail, Mailer, Metrics, Mode};
use secrecy::SecretString;

use crate::support::smtp::Smtp;

fn to(smtp: &Smtp) -> Config {
    Config {
        mode: Mode::Smtp,
        url: SecretString::from(smtp.url()),
        from: "Oort <oort@chat.example>".to_owned(),
        timeout_ms: 5_000,
        ..Config::default()
    }
}

fn mail(address: &str) -> Mail {
    let text = "Your code:\n\n012345\n\n.a line that begins with a dot\n".to_owned();
    Mail { to: address.to_owned(), subject: "Your code".to_owned(), text }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let smtp = Smtp::start();
    let mailer = Mailer::new(&to(&smtp), Metrics::default()).expect("settings");
    mailer.send(mail("ada@example.org")).await.expect("sent");
    let received = smtp.newest_to("ada@example.org");
    assert_eq!((&*received.from, &*received.subject), ("oort@chat.example", "Your code"));
    assert_eq!(received.text.trim_end(), "Your code:\n\n012345\n\n.a line that begins with a dot");
    assert_eq!(received.code(), "012345");
}

#[tokio::test]
async fn what_is_not_sent_is_told() {
    let smtp = Smtp::start();
    smtp.refuse(true);
    let config = Config { timeout_ms: 500, sending_max: 1, waiting_max: 0, ..to(&smtp) };
    let mailer = Mailer::new(&config, Metrics::default()).expect("settings");
    let code = async |mailer: &Mailer, to: &str| mailer.send(mail(to)).await.map_err(|refusal| refusal.code);
    assert_eq!(code(&mailer, "ada@example.org").await, Err(Code::Unavailable));
    assert_eq!(code(&mailer, "no address").await, Err(Code::InvalidField));
    smtp.refuse(false);
    assert_eq!(code(&mailer, "ada@example.org").await, Ok(()));
    smtp.stay_silent();
    let (one, two) = tokio::join!(code(&mailer, "ada@example.org"), code(&mailer, "bob@example.org"));
    assert_eq!(
        (one, two),
        (Err(Code::Unavailable), Err(Code::Overloaded)),
        "no answer in time; no place to wait"
    );

    let nowhere = Config { url: SecretString::from("smtp://127.0.0.1:1"), ..config };
    let mailer = Mailer::new(&nowhere, Metrics::default()).expect("settings");
    assert_eq!(code(&mailer, "ada@example.org").await, Err(Code::Unavailable));
    let off = Mailer::new(&Config::default(), Metrics::default()).expect("settings");
    assert_eq!(code(&off, "ada@example.org").await, Err(Code::Unavailable));
    let print = Config { mode: Mode::Print, ..Config::default() };
    let print = Mailer::new(&print, Metrics::default()).expect("settings");
    assert_eq!(code(&print, "ada@example.org").await, Ok(()));
}
