//! Group commit for reads: what is asked while a query runs goes together in
//! the next one. Nothing waits when nothing is under way, and there is no timer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use oort_api::Code;
use oort_api::error::Refusal;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tonic::async_trait;

use super::Config;
use crate::metrics::Metrics;
use crate::store;

/// A query that answers many questions at once.
#[async_trait]
pub(super) trait Query: Send + Sync + 'static {
    /// What one asker asks.
    type Question: Send + Sync + 'static;
    /// What it is answered.
    type Answer: Send + 'static;

    /// What a question adds to a query, in questions of the smallest kind.
    fn weight(&self, _question: &Self::Question) -> usize {
        1
    }

    /// An answer for each question, in their order.
    async fn ask(&self, questions: &[Self::Question]) -> Result<Vec<Self::Answer>, store::Error>;
}

struct Asked<Q: Query> {
    question: Q::Question,
    weight: usize,
    since: Instant,
    answer: oneshot::Sender<Result<Q::Answer, Refusal>>,
}

struct State<Q: Query> {
    waiting: VecDeque<Asked<Q>>,
    /// Tasks that ask.
    under_way: usize,
}

/// Gathers the questions of one kind.
pub(super) struct Group<Q: Query> {
    config: Config,
    query: Q,
    state: Mutex<State<Q>>,
    tasks: TaskTracker,
    metrics: Metrics,
}

impl<Q: Query> Group<Q> {
    /// Asks `query`. `tasks` are waited for by whoever runs the tier.
    pub(super) fn new(config: Config, query: Q, tasks: TaskTracker, metrics: Metrics) -> Arc<Self> {
        let state = Mutex::new(State { waiting: VecDeque::new(), under_way: 0 });
        Arc::new(Self { config, query, state, tasks, metrics })
    }

    /// The answer of a query that began after this was called.
    ///
    /// # Errors
    /// `overloaded` when too much waits, or for too long; what the store says.
    pub(super) async fn ask(self: &Arc<Self>, question: Q::Question) -> Result<Q::Answer, Refusal> {
        let weight = self.query.weight(&question).max(1);
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.waiting.len() >= self.config.waiting_max {
                drop(state);
                return Err(self.overloaded());
            }
            self.metrics.reads_asked.inc();
            state.waiting.push_back(Asked { question, weight, since: Instant::now(), answer });
            if state.under_way < self.config.under_way_max {
                state.under_way += 1;
                let turn = Turn { group: Arc::clone(self), is_over: false };
                self.tasks.spawn(turn.run());
            }
        }
        answered.await.unwrap_or_else(|_| Err(Refusal::new(Code::Internal, "internal error")))
    }

    /// What goes together next, in the order of asking. `None` = nothing waits, and the task is to end.
    fn take(&self) -> Option<Vec<Asked<Q>>> {
        let mut state = self.state.lock();
        let mut group = Vec::new();
        let mut weight = 0;
        while let Some(first) = state.waiting.front() {
            let is_full = group.len() >= self.config.group_max
                || (!group.is_empty() && weight + first.weight > self.config.conversations_max);
            if is_full {
                break;
            }
            let Some(asked) = state.waiting.pop_front() else { break };
            // Nobody waits for it any more.
            if asked.answer.is_closed() {
                continue;
            }
            if asked.since.elapsed() > Duration::from_millis(self.config.wait_max_ms) {
                asked.answer.send(Err(self.overloaded())).ok();
                continue;
            }
            weight += asked.weight;
            group.push(asked);
        }
        if group.is_empty() {
            // Under the same lock: whoever asks from now on begins a task.
            state.under_way -= 1;
            return None;
        }
        Some(group)
    }

    async fn answer(&self, group: Vec<Asked<Q>>) {
        self.metrics.reads_made.inc();
        let (questions, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|asked| (asked.question, asked.answer)).unzip();
        match self.query.ask(&questions).await {
            Ok(found) => {
                // One that no longer waits has gone.
                answers.into_iter().zip(found).for_each(|(answer, found)| drop(answer.send(Ok(found))));
            }
            Err(error) => {
                let refusal = Refusal::from(error);
                for answer in answers {
                    answer.send(Err(refusal.clone())).ok();
                }
            }
        }
    }

    fn overloaded(&self) -> Refusal {
        self.metrics.reads_refused.inc();
        Refusal::new(Code::Overloaded, "too many reads wait for the store; try again")
    }
}

/// A task's right to ask.
struct Turn<Q: Query> {
    group: Arc<Group<Q>>,
    is_over: bool,
}

impl<Q: Query> Turn<Q> {
    async fn run(mut self) {
        while let Some(questions) = self.group.take() {
            self.group.answer(questions).await;
        }
        self.is_over = true;
    }
}

impl<Q: Query> Drop for Turn<Q> {
    fn drop(&mut self) {
        // A query that panicked.
        if !self.is_over {
            self.group.state.lock().under_way -= 1;
        }
    }
}

impl<Q: Query> std::fmt::Debug for Group<Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Group").field("waiting", &state.waiting.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    /// Doubles numbers; remembers what went together.
    struct Double {
        turns: Arc<Semaphore>,
        asked: Arc<Mutex<Vec<Vec<usize>>>>,
        is_down: Arc<AtomicBool>,
    }

    #[async_trait]
    impl Query for Double {
        type Question = usize;
        type Answer = usize;

        fn weight(&self, question: &usize) -> usize {
            *question
        }

        async fn ask(&self, questions: &[usize]) -> Result<Vec<usize>, store::Error> {
            self.asked.lock().push(questions.to_vec());
            self.turns.acquire().await.expect("open").forget();
            assert!(questions != [666], "a query that panics");
            match self.is_down.load(Ordering::Relaxed) {
                true => Err(store::Error::Unavailable("down".to_owned())),
                false => Ok(questions.iter().map(|question| question * 2).collect()),
            }
        }
    }

    struct Bench {
        group: Arc<Group<Double>>,
        turns: Arc<Semaphore>,
        asked: Arc<Mutex<Vec<Vec<usize>>>>,
        is_down: Arc<AtomicBool>,
    }

    type Answer = tokio::task::JoinHandle<Result<usize, Refusal>>;

    impl Bench {
        fn new(config: Config) -> Self {
            let (turns, asked, is_down) = (Arc::new(Semaphore::new(0)), Arc::default(), Arc::default());
            let query = Double {
                turns: Arc::clone(&turns),
                asked: Arc::clone(&asked),
                is_down: Arc::clone(&is_down),
            };
            let group = Group::new(config, query, TaskTracker::new(), Metrics::default());
            Self { group, turns, asked, is_down }
        }

        /// Asks, and lets everything run as far as it goes.
        async fn ask(&self, question: usize) -> Answer {
            let group = Arc::clone(&self.group);
            let answer = tokio::spawn(async move { group.ask(question).await });
            settle().await;
            answer
        }
    }

    /// With one thread each yield lets every other task that can do something do it.
    async fn settle() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    fn config() -> Config {
        Config { group_max: 3, conversations_max: 100, under_way_max: 1, ..Config::default() }
    }

    #[tokio::test]
    async fn what_is_asked_while_a_query_runs_goes_together_in_the_next() {
        let bench = Bench::new(config());
        let mut answers = Vec::new();
        for question in 1..=6 {
            answers.push(bench.ask(question).await);
        }
        assert_eq!(*bench.asked.lock(), [[1]], "the first waits for nobody");
        bench.turns.add_permits(3);
        for (answer, question) in answers.into_iter().zip(1..) {
            assert_eq!(answer.await.expect("no panic"), Ok(question * 2));
        }
        assert_eq!(*bench.asked.lock(), [vec![1], vec![2, 3, 4], vec![5, 6]]);
        bench.turns.add_permits(1);
        assert_eq!(bench.ask(7).await.await.expect("no panic"), Ok(14), "it begins again");
        assert_eq!((bench.group.metrics.reads_asked.get(), bench.group.metrics.reads_made.get()), (7, 4));
    }

    #[tokio::test]
    async fn a_group_is_no_heavier_than_allowed_unless_it_is_one() {
        let bench = Bench::new(config());
        let mut answers = Vec::new();
        for question in [1, 60, 50, 200, 3] {
            answers.push(bench.ask(question).await);
        }
        bench.turns.add_permits(10);
        for answer in answers {
            answer.await.expect("no panic").expect("answered");
        }
        assert_eq!(*bench.asked.lock(), [vec![1], vec![60], vec![50], vec![200], vec![3]]);
    }

    #[tokio::test]
    async fn who_went_away_is_not_asked_for_and_too_many_are_refused() {
        let bench = Bench::new(Config { waiting_max: 2, ..config() });
        let first = bench.ask(1).await;
        let gone = bench.ask(2).await;
        let stays = bench.ask(3).await;
        let refused = bench.ask(4).await.await.expect("no panic").expect_err("refused");
        assert_eq!((refused.code, bench.group.metrics.reads_refused.get()), (Code::Overloaded, 1));
        gone.abort();
        settle().await;
        bench.turns.add_permits(2);
        first.await.expect("no panic").expect("answered");
        stays.await.expect("no panic").expect("answered");
        assert_eq!(*bench.asked.lock(), [[1], [3]]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_too_long_is_refused() {
        let bench = Bench::new(Config { wait_max_ms: 50, ..config() });
        let first = bench.ask(1).await;
        let late = bench.ask(2).await;
        tokio::time::advance(Duration::from_millis(51)).await;
        bench.turns.add_permits(1);
        first.await.expect("no panic").expect("answered");
        assert_eq!(late.await.expect("no panic").expect_err("refused").code, Code::Overloaded);
    }

    #[tokio::test]
    async fn a_failure_is_everyones_and_a_panic_stops_nothing() {
        let bench = Bench::new(config());
        bench.is_down.store(true, Ordering::Relaxed);
        let all = [bench.ask(1).await, bench.ask(2).await, bench.ask(3).await];
        bench.turns.add_permits(2);
        for answer in all {
            assert_eq!(answer.await.expect("no panic").expect_err("refused").code, Code::Unavailable);
        }
        bench.is_down.store(false, Ordering::Relaxed);
        bench.turns.add_permits(2);
        assert_eq!(bench.ask(666).await.await.expect("no panic").expect_err("refused").code, Code::Internal);
        assert_eq!(bench.ask(4).await.await.expect("no panic"), Ok(8));
    }
}
