//! The ledger of the run on this thread.

use std::cell::RefCell;

use oort_ledger::{Event, Line};
use tokio::time::Instant;

thread_local! {
    static BOOK: RefCell<Option<(Instant, Vec<Line>)>> = const { RefCell::new(None) };
}

/// Opens an empty one.
pub(crate) fn open() {
    BOOK.set(Some((Instant::now(), Vec::new())));
}

/// Writes a line.
pub(crate) fn note(device: Option<usize>, event: Event) {
    BOOK.with_borrow_mut(|book| {
        let (begun, lines) = book.as_mut().expect("a run is under way");
        let at_ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        lines.push(Line { at_ns, device, event });
    });
}

/// Takes all lines.
pub(crate) fn close() -> Vec<Line> {
    BOOK.take().map(|(_, lines)| lines).unwrap_or_default()
}
