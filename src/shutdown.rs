//! When to stop: SIGTERM, SIGINT, a critical part that ended, or (asked for by
//! settings) the end of standard input. A second signal exits at once.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that a second signal ended.
const EXIT_SECOND_SIGNAL: i32 = 130;

/// Cancels `stop` at the first reason to stop. Returns only on a fault of the
/// signal set-up; the second signal ends the process.
pub(crate) async fn watch(stop: CancellationToken, stdin_too: bool) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be watched")?;
    let reason = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = stdin_closed(), if stdin_too => "standard input closed",
        () = stop.cancelled() => "a part ended",
    };
    tracing::info!(reason, "stopping; a second signal exits at once");
    stop.cancel();
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    exit_now()
}

#[expect(clippy::exit, reason = "the second signal asks for exactly this")]
fn exit_now() -> ! {
    std::process::exit(EXIT_SECOND_SIGNAL)
}

/// Waits for the end of standard input, which a parent that dies causes.
async fn stdin_closed() {
    // A plain thread: tokio's own stdin would keep the runtime from ending.
    let (tx, rx) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut scratch = [0_u8; 256];
        while matches!(std::io::Read::read(&mut stdin, &mut scratch), Ok(1..)) {}
        let _ = tx.send(());
    });
    let _ = rx.await;
}
