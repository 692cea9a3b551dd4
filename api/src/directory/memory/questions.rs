//! Questions and answers.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::directory::questions::{KEPT, QUESTIONS_MAX};
use crate::directory::{Answer, Question};

#[derive(Debug, Default)]
pub(super) struct Questions(VecDeque<Asked>);

#[derive(Debug)]
struct Asked {
    question: Question,
    ends: Instant,
    answers: Vec<Answer>,
}

impl Questions {
    pub(super) fn ask(&mut self, question: Question) {
        self.0.push_front(Asked { question, ends: Instant::now() + KEPT, answers: Vec::new() });
        self.0.truncate(QUESTIONS_MAX);
    }

    pub(super) fn live(&self) -> Vec<Question> {
        let now = Instant::now();
        self.0.iter().filter(|asked| asked.ends > now).map(|asked| asked.question.clone()).collect()
    }

    pub(super) fn answer(&mut self, answer: &Answer) {
        if let Some(asked) = self.0.iter_mut().find(|asked| asked.question.id == answer.question) {
            asked.answers.retain(|known| known.node != answer.node);
            asked.answers.push(answer.clone());
        }
    }

    pub(super) fn answers(&self, question: &str) -> Vec<Answer> {
        let asked = self.0.iter().find(|asked| asked.question.id == question);
        asked.map_or_else(Vec::new, |asked| asked.answers.clone())
    }
}
