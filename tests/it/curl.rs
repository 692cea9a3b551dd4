//! The examples in the pages of `docs/`: every `sh` block of a page, in order, against a system in which nothing was said.

use std::process::Command;

use crate::harness::http::Account;
use crate::harness::system::{System, shared_standalone};

/// Two people who have not met, as the examples name them.
async fn run(page: &str) {
    let path = format!("{}/docs/{}.md", env!("CARGO_MANIFEST_DIR"), page.replace('_', "-"));
    let text = std::fs::read_to_string(&path).expect("a page of the documentation");
    let mut blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let script = blocks.by_ref().collect::<Vec<_>>().join("\n");
    assert!(!script.is_empty(), "{page} has no example");
    let system: &System = shared_standalone().await;
    let (ann, bob): (Account, Account) = (system.account("ann").await, system.account("bob").await);
    // Only some pages need one.
    let operator = match script.contains("$OPERATOR") {
        true => system.operator().await.token,
        false => String::new(),
    };
    let base = format!("http://{}", system.door(0));
    let run = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env("OORT", base)
            .env("OPERATOR", operator)
            .envs([("ANN", ann.token), ("ANN_ID", ann.id), ("BOB", bob.token), ("BOB_ID", bob.id)])
            .output()
            .expect("bash starts")
    });
    let output = run.await.expect("runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{page}: {}\n{out}\n{err}", output.status);
}

macro_rules! pages {
    ($($page:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $page() {
            run(&stringify!($page).replace('_', "-")).await;
        })*
    };
}

pages! {
    accounts api_keys contacts devices events files groups hooks messages moderation presence push_notifications receipts
    search
}
