//! Questions and answers: a short list, and a hash for each question.

use ::redis::Value;

use super::link::Op;
use super::{RedisDirectory, entries};
use crate::directory::questions::{KEPT, QUESTIONS_MAX};
use crate::directory::{Answer, Error, Question};

impl RedisDirectory {
    pub(super) async fn record_question(&self, question: &Question) -> Result<(), Error> {
        let key = self.keys.questions();
        let (mut push, mut trim) = (::redis::cmd("LPUSH"), ::redis::cmd("LTRIM"));
        push.arg(&key).arg(question.to_json()?);
        trim.arg(&key).arg(0).arg(QUESTIONS_MAX - 1);
        self.link.run(vec![Op::plain(push), Op::plain(trim), kept(&key)]).await.map(drop)
    }

    pub(super) async fn read_questions(&self) -> Result<Vec<Question>, Error> {
        let mut range = ::redis::cmd("LRANGE");
        range.arg(self.keys.questions()).arg(0).arg(QUESTIONS_MAX - 1);
        let texts: Vec<String> = self.ask_one(range).await?;
        Ok(texts.iter().filter_map(|json| Question::from_json(json)).collect())
    }

    pub(super) async fn record_answer(&self, answer: &Answer) -> Result<(), Error> {
        let key = self.keys.answers(&answer.question);
        let mut set = ::redis::cmd("HSET");
        set.arg(&key).arg(&answer.node).arg(answer.to_json()?);
        self.link.run(vec![Op::plain(set), kept(&key)]).await.map(drop)
    }

    pub(super) async fn read_answers(&self, question: &str) -> Result<Vec<Answer>, Error> {
        let mut values = ::redis::cmd("HVALS");
        values.arg(self.keys.answers(question));
        let texts: Vec<String> = self.ask_one(values).await?;
        Ok(texts.iter().filter_map(|json| Answer::from_json(json)).collect())
    }

    async fn ask_one(&self, command: ::redis::Cmd) -> Result<Vec<String>, Error> {
        let value = self.link.run(vec![Op::plain(command)]).await?.into_iter().next();
        entries::read(value.unwrap_or(Value::Nil))
    }
}

fn kept(key: &str) -> Op {
    let mut expire = ::redis::cmd("PEXPIRE");
    expire.arg(key).arg(u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX));
    Op::plain(expire)
}
