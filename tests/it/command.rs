//! The commands of the binary, and what its start says when it cannot be.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::PATIENCE;
use crate::harness::services::Backends;
use crate::harness::system::System;
use crate::harness::unique;

fn oort(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oort"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let give_up = Instant::now() + PATIENCE;
    while child.try_wait().expect("a child").is_none() {
        if Instant::now() > give_up {
            child.kill().expect("it can be killed");
            panic!(
                "oort {arguments:?} does not end: {}",
                said(&child.wait_with_output().expect("its output"))
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("its output")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn settings_are_printed_with_their_origin_and_without_secrets() {
    let output = oort(
        &["config"],
        &[
            ("OORT_CLUSTER__TOKEN", "a-token-that-is-secret"),
            ("OORT_LOGIC__STORE__URL", "mysql://oort:hush@127.0.0.1/oort"),
            ("OORT_DIRECTORY__URLS", "redis://:hush@127.0.0.1:6379"),
            ("OORT_COMET__SHARDS", "3"),
        ],
    );
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("shards = 3  # OORT_COMET__SHARDS"), "{said}");
    assert!(said.contains("mysql://oort:***@127.0.0.1/oort"), "{said}");
    assert!(!said.contains("hush") && !said.contains("a-token-that-is-secret"), "{said}");
}

#[test]
fn a_key_for_browsers_is_made_taken_and_not_shown() {
    let made = oort(&["push", "keys"], &[]);
    assert!(made.status.success(), "{}", said(&made));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), [&made.stdout[..], b"subject = \"mailto:ops@chat.example\"\n"].concat())
        .expect("written");
    let path = file.path().to_string_lossy().into_owned();
    let shown = oort(&["config", "--config", &path], &[]);
    assert!(shown.status.success(), "{}", said(&shown));
    assert!(said(&shown).contains("private_key = \"***\""), "{}", said(&shown));
    let again = oort(&["push", "keys"], &[]);
    assert_ne!(made.stdout, again.stdout, "each time another");
}

#[test]
fn every_fault_of_the_settings_is_told_with_its_fix() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "[comet]\nshard = 2\nshards = \"many\"\n").expect("written");
    let path = file.path().to_string_lossy();
    let output = oort(&["--config", &path], &[("OORT_ADMIN__LISTEN", "nowhere")]);
    let said = said(&output);
    assert!(!output.status.success());
    for part in ["comet.shard;", "did you mean comet.shards", "integer", "[admin]"] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
}

#[test]
fn a_role_without_what_it_needs_says_so() {
    let output = oort(&["comet"], &[("OORT_ADMIN__LISTEN", "127.0.0.1:0")]);
    assert!(!output.status.success());
    assert!(said(&output).contains("cluster.logic_grpc"), "{}", said(&output));
    let output = oort(&["logic"], &[("OORT_ADMIN__LISTEN", "127.0.0.1:0")]);
    assert!(!output.status.success());
    assert!(said(&output).contains("logic.store.url"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_or_port_says_so() {
    let system = System::standalone(&[]);
    let mut settings: Vec<(&str, &str)> =
        system.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    settings.push(("OORT_ADMIN__LISTEN", "127.0.0.1:0"));
    let output = oort(&[], &settings);
    assert!(!output.status.success());
    assert!(said(&output).contains("used by another process"), "{}", said(&output));

    let data = tempfile::tempdir().expect("a folder");
    let data = data.path().to_string_lossy();
    let door = system.door(0).to_string();
    settings.extend([("OORT_NODE__DATA_DIR", &*data), ("OORT_COMET__HTTP_LISTEN", &door)]);
    let output = oort(&[], &settings);
    assert!(!output.status.success());
    assert!(said(&output).contains(&door), "it names the address: {}", said(&output));
    let output = oort(&["doctor"], &settings);
    assert!(!output.status.success());
    let said = said(&output);
    assert!(said.lines().any(|line| line.starts_with("FAIL") && line.contains(&door)), "{said}");
    assert!(said.lines().any(|line| line.starts_with("ok") && line.contains("clock")), "{said}");
}

#[test]
fn migrate_tells_and_does_what_is_missing() {
    let backends = Backends::shared();
    let name = unique("oort_");
    let (url, dead) = (format!("{}/{name}", backends.mysql_url), format!("{name}-dead"));
    let settings = [
        ("OORT_LOGIC__STORE__URL", url.as_str()),
        ("OORT_BUS__BROKERS", &backends.kafka_brokers),
        ("OORT_BUS__TOPIC", &name),
        ("OORT_BUS__DEAD_LETTER_TOPIC", &dead),
        ("OORT_DIRECTORY__URLS", &backends.redis_url),
        ("OORT_ADMIN__LISTEN", "127.0.0.1:0"),
        ("OORT_COMET__HTTP_LISTEN", "127.0.0.1:0"),
        ("OORT_COMET__TCP_LISTEN", ""),
        ("OORT_COMET__GRPC_LISTEN", "127.0.0.1:0"),
        ("OORT_LOGIC__HTTP_LISTEN", "127.0.0.1:0"),
        ("OORT_LOGIC__GRPC_LISTEN", "127.0.0.1:0"),
    ];
    let check = oort(&["migrate", "--check"], &settings);
    assert!(!check.status.success(), "{}", said(&check));
    let refused = oort(&["logic"], &settings);
    assert!(!refused.status.success());
    assert!(said(&refused).contains("oort migrate"), "{}", said(&refused));
    let done = oort(&["migrate"], &settings);
    assert!(done.status.success(), "{}", said(&done));
    let check = oort(&["migrate", "--check"], &settings);
    assert!(check.status.success(), "{}", said(&check));
    let well = oort(&["doctor"], &settings);
    assert!(well.status.success(), "{}", said(&well));
}
