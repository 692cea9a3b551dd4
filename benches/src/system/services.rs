//! MariaDB, Redis and Kafka, as `deploy/local/services.sh` runs them.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::options::SystemOptions;

/// Where the three are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Services {
    pub(crate) mysql: String,
    pub(crate) redis: String,
    pub(crate) kafka: String,
    /// A replica of MariaDB, where there is one.
    pub(crate) replica: Option<String>,
}

impl Services {
    /// From the folder of the script, else from the addresses given.
    pub(crate) fn of(options: &SystemOptions) -> anyhow::Result<Self> {
        if let Some(proxied) = &options.proxied {
            return Ok(proxied.clone());
        }
        if let Some(folder) = &options.services {
            let env = fs::read_to_string(folder.join("env"));
            let env = env.with_context(|| format!("no services run in {}", folder.display()))?;
            return Self::parse(&env).context("the services' env file lacks an address");
        }
        let need = |value: &Option<String>, name: &str| {
            value.clone().with_context(|| format!("a cluster needs --{name}, or --services with all three"))
        };
        Ok(Self {
            mysql: need(&options.mysql, "mysql")?,
            redis: need(&options.redis, "redis")?,
            kafka: need(&options.kafka, "kafka")?,
            replica: None,
        })
    }

    fn parse(env: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = env
                .lines()
                .find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='));
            line.map(str::to_owned)
        };
        Some(Self {
            mysql: value("OORT_TEST_MYSQL_URL")?,
            redis: value("OORT_TEST_REDIS_URL")?,
            kafka: value("OORT_TEST_KAFKA_BROKERS")?,
            replica: value("OORT_TEST_REPLICA_URL"),
        })
    }
}

/// Names and process ids of what the script runs in `folder`.
pub(crate) fn processes(folder: &Path) -> Vec<(String, u32)> {
    let pid = |file: &str| -> Option<u32> {
        fs::read_to_string(folder.join(file)).ok()?.split_whitespace().next()?.parse().ok()
    };
    let names = [
        ("mariadb", "mysql.pid"),
        ("replica", "replica.pid"),
        ("redis", "redis.pid"),
        ("kafka", "kafka.pid"),
    ];
    names.into_iter().filter_map(|(name, file)| Some((name.to_owned(), pid(file)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_env_file_is_read() {
        let env = "export OORT_TEST_MYSQL_URL=mysql://root@127.0.0.1:1\nexport OORT_TEST_REDIS_URL=redis://127.0.0.1:2\n\
                   export OORT_TEST_KAFKA_BROKERS=127.0.0.1:3\n";
        let services = Services::parse(env).unwrap();
        assert_eq!(
            (services.mysql.as_str(), services.kafka.as_str()),
            ("mysql://root@127.0.0.1:1", "127.0.0.1:3")
        );
        assert_eq!(services.replica, None);
        let replicated = format!("{env}export OORT_TEST_REPLICA_URL=mysql://root@127.0.0.1:4\n");
        assert_eq!(Services::parse(&replicated).unwrap().replica.unwrap(), "mysql://root@127.0.0.1:4");
        assert_eq!(Services::parse("export OORT_TEST_REDIS_URL=redis://127.0.0.1:2"), None);
    }
}
