//! The system's random bytes, from the seed. The order of a `HashMap`, of branches of `select!`, ids and the jitter of
//! waits come from there; without this the same seed gives another run each time.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// From now on this thread's random bytes follow from `seed`. What a thread drew before stays with it: so each run has a
/// thread of its own.
pub(crate) fn sow(seed: u64) {
    STATE.set(seed);
}

/// splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn next(state: &Cell<u64>) -> u64 {
    state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
    let mut mixed = state.get();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Stands in for the C library's function of this name, which the standard library and the crate `getrandom` call.
#[expect(unsafe_code, reason = "the one place where random bytes come from; nothing of it is in a server")]
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    if length > 0 {
        // SAFETY: whoever calls it hands over a buffer of this length to be written.
        let bytes = unsafe { std::slice::from_raw_parts_mut(buffer, length) };
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&STATE.with(next).to_le_bytes()[..part.len()]);
        }
    }
    length.cast_signed()
}
