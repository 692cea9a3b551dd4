//! `oort admin`: who may look after the server.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use oort_api::clock::now_ms;
use oort_api::ids::UserId;
use oort_api::metrics::Registry;
use oort_api::pb::oort::v1::User;
use oort_logic::accounts::{self, Registration, names};
use oort_logic::config::StoreSettings;
use oort_logic::policy::operators::OperatorRole;
use oort_logic::store::{self, NewAudit, Store};

use crate::cli::AdminCommand;
use crate::config::Config;
use crate::roles::backends;
use crate::say;

/// Longest password read from standard input, and a line end.
const PASSWORD_BYTES_MAX: u64 = 1026;
/// Operators listed at most.
const LISTED_MAX: u32 = 10_000;
/// Whom the audit names for what is done here.
const COMMAND_LINE: i64 = 0;

/// Does it in the store that the settings name. A standalone server may be
/// running meanwhile.
pub(crate) async fn run(config: &Config, command: AdminCommand) -> anyhow::Result<ExitCode> {
    let store = open(config).await?;
    match command {
        AdminCommand::Create { name, role, password_stdin } => {
            create(config, &store, &name, role, password_stdin).await?
        }
        AdminCommand::Remove { name } => remove(&store, &name).await?,
        AdminCommand::List => list(&store).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let settings = backends::store_settings(config)?;
    if let StoreSettings::Sqlite(sqlite) = &settings {
        // As the first start of the server would.
        if let Some(folder) = sqlite.path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        settings.migrate().await.context("the store's schema")?;
    }
    let metrics = store::Metrics::register(&mut Registry::default());
    settings.open_beside(&metrics).await.context("the store cannot be opened")
}

async fn create(
    config: &Config,
    store: &Arc<dyn Store>,
    name: &str,
    role: OperatorRole,
    from_stdin: bool,
) -> anyhow::Result<()> {
    let (user, made_up) = match find(store, name).await? {
        Some(_) if from_stdin => {
            bail!("there is an account {name}: it keeps its password, so leave --password-stdin out")
        }
        Some(user) => (user, None),
        None => {
            let (password, is_made_up) =
                if from_stdin { (read_password()?, false) } else { (accounts::random_password()?, true) };
            let made_up = is_made_up.then(|| password.clone());
            (register(config, store, name, password).await?, made_up)
        }
    };
    let id = UserId::new(user.id).context("the store gave no user id")?;
    audit(store, "operator_granted", id, &serde_json::json!({ "role": role.as_str() })).await?;
    let is_new = store.grant_operator(id, role, now_ms()).await.context("the role")?;
    let (name, role) = (&user.username, role.as_str());
    say(&match (is_new, &made_up) {
        (false, _) => format!("{name} had the operator role already: {role}"),
        (true, None) => format!("{name} has the operator role: {role}"),
        (true, Some(password)) => {
            format!("{name} has the operator role: {role}. Password, shown this once: {password}")
        }
    });
    Ok(())
}

async fn register(
    config: &Config,
    store: &Arc<dyn Store>,
    name: &str,
    password: String,
) -> anyhow::Result<User> {
    let registration = Registration { username: name.to_owned(), email: None, password };
    let registered = accounts::register_alone(&**store, &config.logic.accounts, registration).await;
    registered.with_context(|| format!("the account {name}"))
}

async fn remove(store: &Arc<dyn Store>, name: &str) -> anyhow::Result<()> {
    let Some(user) = find(store, name).await? else { bail!("there is no account {name}") };
    let id = UserId::new(user.id).context("the store gave no user id")?;
    audit(store, "operator_revoked", id, &serde_json::json!({})).await?;
    match store.revoke_operator(id).await.context("the role")? {
        true => say(&format!("{} has the operator role no more", user.username)),
        false => say(&format!("{} did not have the operator role", user.username)),
    }
    Ok(())
}

async fn list(store: &Arc<dyn Store>) -> anyhow::Result<()> {
    for operator in store.operators(LISTED_MAX).await? {
        say(&format!("{}\t{}\t{}", operator.user.id, operator.user.username, operator.role.as_str()));
    }
    Ok(())
}

async fn find(store: &Arc<dyn Store>, name: &str) -> anyhow::Result<Option<User>> {
    let found = store.credentials_by_name(&names::fold_username(name)).await.context("the store")?;
    Ok(found.map(|credentials| credentials.user))
}

async fn audit(
    store: &Arc<dyn Store>,
    action: &'static str,
    subject: UserId,
    details: &serde_json::Value,
) -> anyhow::Result<()> {
    let audit = NewAudit {
        at_ms: now_ms(),
        actor_id: COMMAND_LINE,
        action,
        subject: subject.to_string(),
        details: details.to_string(),
    };
    store.add_audit(&audit).await.context("the audit; nothing was done")?;
    Ok(())
}

/// One line, without its end.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).context("standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
