//! Further servers of the store.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::store::mysql::Settings;
use crate::store::shards::SERVERS_MAX;

/// Further servers of the store.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShardsConfig {
    /// Servers 1, 2, …, `mysql://user:password@host:port/database` each; `logic.store.url` is server 0.
    pub urls: Vec<SecretString>,
    /// Their replicas, `NUMBER=mysql://…` each.
    pub replicas: Vec<SecretString>,
}

impl ShardsConfig {
    /// All servers, this one first: what else is set for it holds for each.
    #[must_use]
    pub(super) fn servers(&self, home: Settings) -> Vec<Settings> {
        let further = self.urls.iter().zip(1..).map(|(url, number)| {
            let mut settings = Settings { url: url.clone(), ..home.clone() };
            let replicas = self.replicas.iter().filter_map(replica);
            settings.replicas.urls = replicas.filter(|&(of, _)| of == number).map(|(_, url)| url).collect();
            settings
        });
        let further: Vec<Settings> = further.collect();
        std::iter::once(home).chain(further).collect()
    }

    /// Everything wrong with them, one sentence each.
    pub(super) fn faults(&self, home: &Settings) -> Vec<String> {
        let mut faults = Vec::new();
        if self.urls.len() >= SERVERS_MAX {
            faults.push(format!("shards.urls: at most {}", SERVERS_MAX - 1));
        }
        for replica_of in &self.replicas {
            let of = replica(replica_of).map(|(of, _)| of);
            if !of.is_some_and(|of| (1..=self.urls.len()).contains(&of)) {
                faults.push(
                    "shards.replicas: each must be NUMBER=mysql://…, of a server in shards.urls".to_owned(),
                );
            }
        }
        for (settings, number) in self.servers(home.clone()).iter().zip(0..).skip(1) {
            faults.extend(
                settings.faults().into_iter().map(|fault| format!("shards, server {number}: {fault}")),
            );
        }
        faults
    }
}

/// The number and the URL of `NUMBER=URL`.
fn replica(text: &SecretString) -> Option<(usize, SecretString)> {
    let (number, url) = text.expose_secret().split_once('=')?;
    Some((number.trim().parse().ok()?, url.trim().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(urls: &[&str], replicas: &[&str]) -> ShardsConfig {
        let secret = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect();
        ShardsConfig { urls: secret(urls), replicas: secret(replicas) }
    }

    #[test]
    fn replicas_are_of_the_server_whose_number_they_say() {
        let home = Settings::at("mysql://root@a/oort");
        let config = config(&["mysql://root@b/oort", "mysql://root@c/oort"], &["2=mysql://root@d/oort"]);
        assert_eq!(config.faults(&home), Vec::<String>::new());
        let servers = config.servers(home);
        assert_eq!(servers.iter().map(|one| one.replicas.urls.len()).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(servers[2].replicas.urls[0].expose_secret(), "mysql://root@d/oort");
        assert_eq!(servers[1].url.expose_secret(), "mysql://root@b/oort");
    }

    #[test]
    fn every_fault_is_told() {
        let config = config(&["mysql://root@b"], &["2=mysql://root@d/oort", "mysql://root@d/oort"]);
        let faults = config.faults(&Settings::at("mysql://root@a/oort"));
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
