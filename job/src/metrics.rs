//! What the tier counts.

use std::sync::atomic::AtomicU64;

use oort_api::metrics::{Counter, Gauge, Histogram, Registry, SECONDS_BUCKETS};

macro_rules! metrics {
    (
        counters { $( $(#[doc = $counter_doc:literal])* $counter:ident, )* }
        gauges { $( $(#[doc = $gauge_doc:literal])* $gauge:ident, )* }
        ages { $( $(#[doc = $age_doc:literal])* $age:ident, )* }
        seconds { $( $(#[doc = $histogram_doc:literal])* $histogram:ident, )* }
    ) => {
        /// Counters of the tier. Cheap to clone.
        #[derive(Debug, Clone)]
        pub struct Metrics {
            $( $(#[doc = $counter_doc])* pub $counter: Counter, )*
            $( $(#[doc = $gauge_doc])* pub $gauge: Gauge, )*
            $( $(#[doc = $age_doc])* pub $age: Gauge<f64, AtomicU64>, )*
            $( $(#[doc = $histogram_doc])* pub $histogram: Histogram, )*
        }

        impl Metrics {
            /// Registers everything the tier counts.
            pub fn register(registry: &mut Registry) -> Self {
                let metrics = Self {
                    $( $counter: Counter::default(), )*
                    $( $gauge: Gauge::default(), )*
                    $( $age: Gauge::default(), )*
                    $( $histogram: Histogram::new(SECONDS_BUCKETS), )*
                };
                $( registry.register(stringify!($counter), help(concat!($( $counter_doc ),*)), metrics.$counter.clone()); )*
                $( registry.register(stringify!($gauge), help(concat!($( $gauge_doc ),*)), metrics.$gauge.clone()); )*
                $( registry.register(stringify!($age), help(concat!($( $age_doc ),*)), metrics.$age.clone()); )*
                $( registry.register(stringify!($histogram), help(concat!($( $histogram_doc ),*)), metrics.$histogram.clone()); )*
                metrics
            }
        }
    };
}

metrics! {
    counters {
        /// Records read from the bus.
        records_consumed,
        /// Records that could not be read or make no sense, written to the dead-letter log.
        dead_letters,
        /// Dead letters that were too large for the dead-letter log, dropped.
        dead_letters_dropped,
        /// Messages dropped because their seq had been pushed before.
        duplicates,
        /// Records that the partition's reader before had pushed already.
        passed_over,
        /// Messages that waited for one with a lower seq.
        reordered,
        /// Conversations whose missing seq did not come in time, or that were forced out by the bound.
        held_give_ups,
        /// Users, sessions and rooms that were connected nowhere.
        not_online,
        /// Deliveries acknowledged by comets.
        delivered,
        /// Deliveries sent after the first one missed, by a newer route.
        rerouted,
        /// Deliveries to comets of which the directory did not say what they hold.
        unsettled_shares,
        /// Shares of records that ended with the comet they were for.
        shares_abandoned,
        /// Deliveries dropped for a comet that was unreachable or too slow; a resync follows.
        shares_overflowed,
        /// Times a comet was told to let its sessions sync from the store.
        resyncs,
        /// Times a membership change was not waited for any longer.
        fence_give_ups,
        /// Times a comet was given up until it answers again.
        comet_give_ups,
        /// Streams opened to comets.
        streams_opened,
        /// Streams to comets that broke or could not be opened.
        stream_failures,
        /// Batches sent again on a new stream.
        batches_resent,
        /// Batches emptied because the comet could not read them.
        batches_refused,
        /// Streams given up because a batch was not acknowledged in time.
        ack_timeouts,
        /// Acks out of order, a fault of the comet.
        ack_faults,
        /// Look-ups that the directory did not answer, repeated.
        directory_failures,
        /// Partitions taken over.
        partitions_assigned,
        /// Partitions taken away.
        partitions_revoked,
    }
    gauges {
        /// Records read and not yet done, over all partitions.
        records_in_flight,
        /// Messages waiting for one with a lower seq.
        records_held,
        /// Deliveries waiting to be sent, over all comets.
        deliveries_waiting,
        /// Bytes waiting to be sent, over all comets.
        bytes_waiting,
        /// Batches sent and not acknowledged, over all comets.
        batches_unacked,
        /// Comets with an open stream.
        comets_connected,
        /// Partitions held.
        partitions,
    }
    ages {
        /// Seconds since the oldest record that comets have not acknowledged was read; 0 = there is none.
        in_flight_oldest_seconds,
    }
    seconds {
        /// Seconds from the bus taking a record to a job reading it, as far as the two clocks agree.
        bus_seconds,
        /// Seconds one look-up in the directory took.
        route_seconds,
        /// Seconds from sending a batch to its ack.
        push_seconds,
        /// Seconds from reading a record to its last ack.
        record_seconds,
    }
}

/// Doc comments as HELP: without the leading space and the full stop, which
/// the encoder adds.
fn help(doc: &str) -> &str {
    doc.trim().trim_end_matches('.')
}

/// A gauge that rises by `amount` while this lives.
#[derive(Debug)]
pub(crate) struct Raised {
    gauge: Gauge,
    amount: i64,
}

impl Raised {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        Self { gauge: gauge.clone(), amount: 0 }
    }

    /// Sets this holder's part of the gauge.
    pub(crate) fn set(&mut self, amount: usize) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        self.gauge.inc_by(amount - self.amount);
        self.amount = amount;
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.gauge.inc_by(-self.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_takes_its_part_along() {
        let gauge = Gauge::default();
        let (mut one, mut two) = (Raised::new(&gauge), Raised::new(&gauge));
        one.set(5);
        two.set(3);
        one.set(2);
        assert_eq!(gauge.get(), 5);
        drop(one);
        assert_eq!(gauge.get(), 3);
    }
}
