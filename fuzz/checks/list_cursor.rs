//! What must hold for any cursor of the list of conversations. Called by the fuzz target and by the test that
//! replays its seeds.

use oort_logic::fuzzing::list_cursor;

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    assert!(list_cursor(text).is_none_or(|written| written == text), "one reading has one cursor");
}
