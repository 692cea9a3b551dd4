//! Settings of searching.

use serde::Deserialize;

/// Settings of [`super::Searches`] and [`super::Indexer`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Longest question, characters.
    pub query_chars_max: usize,
    /// Different words in a question; of a script without blanks each pair of characters is one.
    pub query_words_max: usize,
    /// Messages in one page.
    pub page_max: u32,
    /// Conversations of a user that are searched: those with the newest messages.
    pub conversations_max: usize,
    /// Entries of the index that one request reads; then it answers with what it has, and where to go on.
    pub entries_max: usize,
    /// Conversations asked about together.
    pub conversations_per_read: usize,
    /// Longest time of one request, ms; then it is refused with `overloaded`.
    pub time_max_ms: u64,
    /// Requests at the same time on one node; more are refused with `overloaded`.
    pub running_max: usize,
    /// How long what was sent waits to be taken into the index with what follows, ms.
    pub delay_ms: u64,
    /// Messages taken into the index in one transaction.
    pub batch_messages_max: u32,
    /// Conversations of which messages are taken in together.
    pub batch_conversations_max: usize,
    /// Share of the time in which a node writes the index at most, percent.
    pub duty_percent: u32,
    /// The same while more is sent than `busy_sends_per_second`.
    pub busy_duty_percent: u32,
    /// From so many messages stored by the node per second on, the index gives way to them.
    pub busy_sends_per_second: u64,
    /// Conversations that wait to be taken in; what is more is found by the comparison.
    pub waiting_max: usize,
    /// Wait before what failed is tried again, ms.
    pub retry_ms: u64,
    /// Conversations compared with the index at a time, by one node of all.
    pub compare_page: u32,
    /// Pause between two of these, ms.
    pub compare_pause_ms: u64,
    /// Pause when all were compared, ms.
    pub compare_rest_ms: u64,
    /// How long a node that compares is waited for before another does, ms.
    pub compare_lease_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            query_chars_max: 100,
            query_words_max: 32,
            page_max: 100,
            conversations_max: 10_000,
            entries_max: 50_000,
            conversations_per_read: 100,
            time_max_ms: 2_000,
            running_max: 16,
            delay_ms: 200,
            batch_messages_max: 256,
            batch_conversations_max: 64,
            duty_percent: 20,
            busy_duty_percent: 4,
            busy_sends_per_second: 1_000,
            waiting_max: 100_000,
            retry_ms: 1_000,
            compare_page: 1_000,
            compare_pause_ms: 200,
            compare_rest_ms: 60_000,
            compare_lease_ms: 30_000,
        }
    }
}

impl Config {
    /// Everything that cannot work, one sentence each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let bounds = [
            ("query_chars_max", self.query_chars_max as u64, 1, 1_000),
            ("query_words_max", self.query_words_max as u64, 1, 100),
            ("page_max", self.page_max.into(), 1, 1_000),
            ("conversations_max", self.conversations_max as u64, 1, 1_000_000),
            ("entries_max", self.entries_max as u64, 2, 10_000_000),
            ("conversations_per_read", self.conversations_per_read as u64, 1, 1_000),
            ("time_max_ms", self.time_max_ms, 1, 60_000),
            ("running_max", self.running_max as u64, 1, 10_000),
            ("delay_ms", self.delay_ms, 0, 60_000),
            ("batch_messages_max", self.batch_messages_max.into(), 1, 10_000),
            ("batch_conversations_max", self.batch_conversations_max as u64, 1, 1_000),
            ("duty_percent", self.duty_percent.into(), 1, 100),
            ("busy_duty_percent", self.busy_duty_percent.into(), 1, 100),
            ("busy_sends_per_second", self.busy_sends_per_second, 1, 1_000_000_000),
            ("waiting_max", self.waiting_max as u64, 1, 10_000_000),
            ("retry_ms", self.retry_ms, 1, 60_000),
            ("compare_page", self.compare_page.into(), 1, 100_000),
            ("compare_pause_ms", self.compare_pause_ms, 1, 60_000),
            ("compare_rest_ms", self.compare_rest_ms, 1, 86_400_000),
            ("compare_lease_ms", self.compare_lease_ms, 1_000, 3_600_000),
        ];
        let mut faults = crate::bounds::faults(bounds);
        // Each conversation is read at least once in a request, so that every request gets further.
        if self.entries_max / 2 < self.conversations_max {
            faults.push("entries_max is less than twice conversations_max".to_owned());
        }
        if self.compare_lease_ms < 3 * self.compare_pause_ms {
            faults.push("compare_lease_ms is less than three times compare_pause_ms".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_fault_and_every_fault_is_told() {
        assert_eq!(Config::default().faults(), Vec::<String>::new());
        let bad = Config { duty_percent: 0, entries_max: 10, compare_pause_ms: 20_000, ..Config::default() };
        assert_eq!(bad.faults().len(), 3, "{:?}", bad.faults());
    }
}
