//! Mail to users: handed to an SMTP server, or written to the log by a developer's machine.
//!
//! Who asks for a mail waits until the server has it: what was not sent is told, and counted. Nothing is kept here, so
//! nothing is lost silently.

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use oort_api::error::{Code, Refusal};
use oort_api::metrics::{Counter, Registry};
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

mod config;

pub use config::{Config, Mode};

/// A mail to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Their address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text holds codes.
        f.debug_struct("Mail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Counters of [`Mailer`].
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    sent: Counter,
    failures: Counter,
    refusals: Counter,
}

impl Metrics {
    /// Makes them known to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let mut counter =
            |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
        counter("mails_sent", "Mails that the server took, or that were printed", &metrics.sent);
        counter("mail_failures", "Mails that the server did not take in time", &metrics.failures);
        counter("mail_refusals", "Mails not tried: mail is off, or too many were waiting", &metrics.refusals);
        metrics
    }
}

/// Where mails go.
#[derive(Debug)]
enum Way {
    Nowhere,
    Log,
    Server { transport: AsyncSmtpTransport<Tokio1Executor>, from: Box<Mailbox> },
}

/// Sends mails.
#[derive(Debug)]
pub struct Mailer {
    config: Config,
    way: Way,
    /// One permit per mail being sent.
    sending: Semaphore,
    /// One permit per mail that is sent or waits.
    admitted: Semaphore,
    metrics: Metrics,
}

impl Mailer {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(config: &Config, metrics: Metrics) -> Result<Self, String> {
        let way = match config.mode {
            Mode::Off => Way::Nowhere,
            Mode::Print => Way::Log,
            Mode::Smtp => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.url.expose_secret())
                    .map_err(|_| "mail.url cannot be read".to_owned())?;
                let from = config.from.parse().map_err(|_| "mail.from cannot be read".to_owned())?;
                let transport = builder.timeout(Some(config.timeout())).build();
                Way::Server { transport, from: Box::new(from) }
            }
        };
        Ok(Self {
            way,
            sending: Semaphore::new(config.sending_max),
            admitted: Semaphore::new(config.sending_max.saturating_add(config.waiting_max)),
            config: config.clone(),
            metrics,
        })
    }

    /// Whether mails go anywhere, and so whether a code may be asked for.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when mail is off.
    pub fn check(&self) -> Result<(), Refusal> {
        if matches!(self.way, Way::Nowhere) {
            self.metrics.refusals.inc();
            return Err(Refusal::new(Code::Unavailable, "this server sends no mail; ask who runs it"));
        }
        Ok(())
    }

    /// Whether a mail can be addressed so.
    ///
    /// # Errors
    /// [`Code::InvalidField`].
    pub fn check_address(to: &str) -> Result<(), Refusal> {
        let address = to.parse::<Address>();
        address.map(drop).map_err(|_| Refusal::new(Code::InvalidField, "email: no mail can be sent there"))
    }

    /// Sends it, and waits until the server has it.
    ///
    /// # Errors
    /// [`Code::InvalidField`] when the address is none; [`Code::Overloaded`] when too many are waiting;
    /// [`Code::Unavailable`] when the server did not take it.
    pub async fn send(&self, mail: Mail) -> Result<(), Refusal> {
        self.check()?;
        let Way::Server { transport, from } = &self.way else {
            tracing::info!(to = mail.to, subject = mail.subject, text = mail.text, "mail");
            self.metrics.sent.inc();
            return Ok(());
        };
        Self::check_address(&mail.to)?;
        let Ok(_admitted) = self.admitted.try_acquire() else {
            self.metrics.refusals.inc();
            return Err(Refusal::new(Code::Overloaded, "too many mails wait at the moment; try again"));
        };
        let message = written((**from).clone(), mail)?;
        let deadline = Instant::now() + self.config.timeout();
        let sent = timeout_at(deadline, async {
            let _sending = self.sending.acquire().await;
            transport.send(message).await
        });
        let cause = match sent.await {
            Ok(Ok(_)) => {
                self.metrics.sent.inc();
                return Ok(());
            }
            Ok(Err(cause)) => cause.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.metrics.failures.inc();
        tracing::warn!(%cause, "a mail was not sent");
        Err(Refusal::new(Code::Unavailable, "the mail could not be sent; try again"))
    }
}

fn written(from: Mailbox, mail: Mail) -> Result<Message, Refusal> {
    let internal = |cause: String| {
        tracing::error!(%cause, "a mail could not be written");
        Refusal::new(Code::Internal, "internal error")
    };
    let to = mail.to.parse::<Address>().map_err(|cause| internal(cause.to_string()))?;
    Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text)
        .map_err(|cause| internal(cause.to_string()))
}
