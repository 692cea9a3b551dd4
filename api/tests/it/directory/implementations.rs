//! The implementations, fresh for each test.

use std::sync::Arc;

use oort_api::directory::Directory;
use oort_api::directory::memory::MemoryDirectory;
use oort_api::directory::redis::{RedisDirectory, Settings};
use tonic::async_trait;

use super::Fresh;

pub(super) fn redis_url() -> String {
    std::env::var("OORT_TEST_REDIS_URL").expect("start the services first: make test does it")
}

/// A prefix of a Redis.
pub(super) struct Redis {
    pub(super) settings: Settings,
    directory: Arc<dyn Directory>,
}

impl Redis {
    pub(super) fn at(urls: &[String]) -> Self {
        let settings = Settings {
            urls: urls.iter().map(|url| url.as_str().into()).collect(),
            key_prefix: format!("it-{}:", uuid::Uuid::new_v4()),
            // Calls of some tests take several pipelines.
            pipeline_max: 100,
            // Whether a comet is taken for live too long is seen.
            comets_cached_ms: 500,
            timeout_ms: 10_000,
            ..Settings::default()
        };
        let directory = RedisDirectory::connect(&settings).expect("made");
        Self { settings, directory }
    }

    /// Deletes what the prefix holds, on every node.
    async fn delete_all(&self) {
        use secrecy::ExposeSecret;
        for url in &self.settings.urls {
            let client = redis::Client::open(url.expose_secret()).expect("URL");
            let mut connection = client.get_multiplexed_async_connection().await.expect("connects");
            let mut keys = redis::cmd("KEYS");
            keys.arg(format!("{}*", self.settings.key_prefix));
            let keys: Vec<String> = keys.query_async(&mut connection).await.expect("lists");
            for key in keys {
                redis::cmd("DEL").arg(key).exec_async(&mut connection).await.expect("deletes");
            }
        }
    }
}

#[async_trait]
impl Fresh for Redis {
    fn directory(&self) -> Arc<dyn Directory> {
        self.directory.clone()
    }

    fn elsewhere(&self) -> Arc<dyn Directory> {
        RedisDirectory::connect(&self.settings).expect("made")
    }

    async fn wipe(&self) {
        self.delete_all().await;
    }
}

struct Memory(Arc<MemoryDirectory>);

#[async_trait]
impl Fresh for Memory {
    fn directory(&self) -> Arc<dyn Directory> {
        self.0.clone()
    }

    fn elsewhere(&self) -> Arc<dyn Directory> {
        self.0.clone()
    }

    async fn wipe(&self) {
        self.0.wipe();
    }
}

mod memory {
    fn fresh() -> super::Memory {
        super::Memory(std::sync::Arc::default())
    }

    use crate::directory::{each_as_test, for_every_contract};
    for_every_contract!(each_as_test);
}

mod redis_server {
    fn fresh() -> super::Redis {
        super::Redis::at(&[super::redis_url()])
    }

    use crate::directory::{each_as_test, for_every_contract};
    for_every_contract!(each_as_test);
}
