//! `oort doctor`: what stands in the way of a start, a line each, with the
//! cause and the fix.

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use oort_api::metrics::Registry;
use oort_logic::store::ReplicaState;

use crate::config::{Config, Role};
use crate::roles::backends;
use crate::say;

/// Fewer open files than this bound a server to a toy.
const OPEN_FILES_LEAST: u64 = 4096;
/// Times before this one show a clock that was never set: 2025-01-01.
const CLOCK_LEAST: Duration = Duration::from_secs(1_735_689_600);

/// One line of the report.
struct Finding {
    what: String,
    /// `Err` holds cause and fix.
    state: Result<String, String>,
}

/// Checks everything and prints a line for each; fails when any is bad.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut findings = vec![open_files(), clock()];
    findings.extend(ports(config));
    findings.extend(certificate(config));
    findings.extend(backends_of(config).await);
    let mut is_well = true;
    for Finding { what, state } in findings {
        match state {
            Ok(detail) => say(&format!("ok    {what}: {detail}")),
            Err(fault) => {
                is_well = false;
                say(&format!("FAIL  {what}: {fault}"));
            }
        }
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn open_files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).and_then(|soft| soft.parse::<u64>().ok());
    let state = match soft {
        Some(soft) if soft < OPEN_FILES_LEAST => Err(format!(
            "{soft} files may be open, so fewer connections fit; raise it: ulimit -n 1048576, or LimitNOFILE in the unit"
        )),
        Some(soft) => {
            Ok(format!("{soft} may be open, so about {} connections fit", soft.saturating_sub(100)))
        }
        None => Ok("not known on this system".to_owned()),
    };
    Finding { what: "open files".to_owned(), state }
}

fn clock() -> Finding {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let state = if now < CLOCK_LEAST {
        Err("the clock is in the past: tokens and times would be wrong; set it (timedatectl set-ntp true)"
            .to_owned())
    } else {
        Ok("set".to_owned())
    };
    Finding { what: "clock".to_owned(), state }
}

fn ports(config: &Config) -> Vec<Finding> {
    let mut wanted = vec![
        ("admin.listen", Some(config.admin.listen)),
        ("comet.http_listen", Some(config.comet.http_listen)),
    ];
    wanted.push(("comet.tcp_listen", config.comet.tcp_listen));
    wanted.push(("comet.grpc_listen", config.comet.grpc_listen));
    if config.is_store_shared() {
        wanted.push(("logic.http_listen", config.logic.http_listen));
        wanted.push(("logic.grpc_listen", config.logic.grpc_listen));
    }
    let finding = |(name, address): (&str, Option<std::net::SocketAddr>)| {
        let address = address?;
        let state = match TcpListener::bind(address) {
            Ok(_) => Ok("free".to_owned()),
            Err(error) => Err(format!("{error}; stop what listens there (ss -ltnp), or set {name}")),
        };
        Some(Finding { what: format!("port {address} ({name})"), state })
    };
    wanted.into_iter().filter_map(finding).collect()
}

fn certificate(config: &Config) -> Option<Finding> {
    let tls = &config.comet.tls;
    let state = match oort_comet::tls::inspect(tls) {
        _ if !tls.is_enabled() => return None,
        Ok(Some(left_s)) if left_s < 0 => {
            Err("it is over, so clients refuse it; renew it (comet.tls.cert_file)".to_owned())
        }
        Ok(Some(left_s)) => Ok(format!("fits its key, good for {} more days", left_s / 86_400)),
        Ok(None) => Ok("fits its key".to_owned()),
        Err(error) => Err(format!("{error}; see comet.tls")),
    };
    Some(Finding { what: format!("certificate {}", tls.cert_file.display()), state })
}

async fn backends_of(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding { what: "store".to_owned(), state: store(config).await }];
    findings.extend(replicas(config).await);
    if config.is_store_shared() {
        findings.push(Finding {
            what: format!("Kafka {} (bus.brokers)", config.bus.brokers),
            state: bus(config).await,
        });
        findings.push(Finding { what: "Redis (directory.urls)".to_owned(), state: directory(config).await });
    } else if let Err(error) = config.check_role(Role::Standalone) {
        findings.push(Finding { what: "standalone".to_owned(), state: Err(format!("{error:#}")) });
    }
    findings
}

async fn store(config: &Config) -> Result<String, String> {
    let settings = backends::store_settings(config).map_err(|error| format!("{error:#}"))?;
    let plan = settings.migration_plan().await.map_err(|error| format!("{error}; see logic.store.url"))?;
    if !plan.pending.is_empty() {
        // A standalone process and a new file bring themselves up to date.
        let count = plan.pending.len();
        return if config.is_store_shared() {
            Err(format!("{count} migration(s) are missing; run oort migrate"))
        } else {
            Ok(format!("{count} migration(s) will be applied at the start"))
        };
    }
    let store =
        backends::open_store(config, &mut Registry::default()).await.map_err(|error| format!("{error:#}"))?;
    store.check().await.map_err(|error| error.to_string())?;
    let placement = settings.placement().await.map_err(|error| error.to_string())?;
    let version = format!("answers and takes writes, schema version {}", plan.version);
    Ok(std::iter::once(version).chain(placement).collect::<Vec<_>>().join("; "))
}

/// None where the store itself does not open: that is told already.
async fn replicas(config: &Config) -> Vec<Finding> {
    let Ok(store) = backends::open_store(config, &mut Registry::default()).await else { return Vec::new() };
    let finding = |ReplicaState { name, fault }| Finding {
        what: format!("replica {name} (logic.store.mysql.replicas.urls)"),
        state: fault.map_or_else(|| Ok("has everything the primary has".to_owned()), Err),
    };
    store.replicas().await.into_iter().map(finding).collect()
}

async fn bus(config: &Config) -> Result<String, String> {
    let producer = backends::producer(config).map_err(|error| format!("{error:#}"))?;
    producer
        .check()
        .await
        .map_err(|error| format!("{error}; is it running, and are the topics there (oort migrate)?"))?;
    Ok(format!("answers, topic {} is there", config.bus.topic))
}

async fn directory(config: &Config) -> Result<String, String> {
    let directory = backends::directory(config).map_err(|error| format!("{error:#}"))?;
    directory.check().await.map_err(|error| format!("{error}; is it running?"))?;
    Ok("answers and takes writes".to_owned())
}
