//! Attempts, which end by themselves in Redis.

use std::time::Duration;

use ::redis::Value;

use super::RedisDirectory;
use super::link::Op;
use super::{entries, scripts};
use crate::directory::{Attempt, AttemptKey, AttemptRules, Error, Settled};

impl RedisDirectory {
    fn attempt_key(&self, AttemptKey(digest): &AttemptKey) -> String {
        use std::fmt::Write;
        let mut key = format!("{}attempt:", self.keys.prefix);
        for byte in digest {
            // A text takes whatever is written to it.
            let _ = write!(key, "{byte:02x}");
        }
        key
    }

    pub(super) async fn count_attempt(
        &self,
        key: &AttemptKey,
        rules: &AttemptRules,
    ) -> Result<Attempt, Error> {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let args = vec![
            rules.free.max(1).to_string(),
            ms(rules.wait_min),
            ms(rules.wait_max),
            ms(rules.forget_after.max(Duration::from_millis(1))),
        ];
        let op = Op::script(&scripts::ATTEMPT, self.attempt_key(key), args);
        let answer = self.link.run(vec![op]).await?.into_iter().next().unwrap_or(Value::Nil);
        let answer: i64 = entries::read(answer)?;
        Ok(match u32::try_from(answer) {
            Ok(made) => Attempt::Admitted(made),
            Err(_) => Attempt::Wait(Duration::from_millis(answer.unsigned_abs())),
        })
    }

    pub(super) async fn settle_attempt(&self, key: &AttemptKey, settled: Settled) -> Result<(), Error> {
        let key = self.attempt_key(key);
        let op = match settled {
            Settled::Right => Op::on_key("DEL", &key),
            Settled::NotMade => Op::script(&scripts::ATTEMPT_NOT_MADE, key, Vec::new()),
        };
        self.link.run(vec![op]).await.map(drop)
    }
}
