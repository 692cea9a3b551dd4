//! What must hold for any compressed message of a client. Called by the fuzz target and by the test that replays its
//! seeds.

use oort_comet::framing::{Deflater, Inflater, Violation};

/// Small, so that messages around the limit are found.
const BYTES_MAX: usize = 500;

/// Fails by a panic.
pub(crate) fn check(data: &[u8]) {
    let mut used = Inflater::default();
    let small = used.inflate(data, BYTES_MAX).map(<[u8]>::to_vec);
    let mut fresh = Inflater::default();
    let large = fresh.inflate(data, 1 << 20).map(<[u8]>::to_vec);
    match (&small, &large) {
        (Ok(small), large) => {
            assert!(small.len() <= BYTES_MAX);
            assert_eq!(Ok(small), large.as_ref(), "the limit changes nothing of what fits");
        }
        (Err(Violation::MessageTooLong), Ok(large)) => assert!(large.len() > BYTES_MAX),
        (Err(Violation::MessageTooLong), Err(_)) => {}
        (Err(Violation::Deflate), large) => assert_eq!(large, &Err(Violation::Deflate)),
        (Err(other), _) => panic!("an inflater does not know {other:?}"),
    }
    // What came before leaves nothing behind.
    assert_eq!(used.inflate(data, BYTES_MAX).map(<[u8]>::to_vec), small);
    let mut deflater = Deflater::new(1);
    if let Some(packed) = deflater.deflate(data) {
        let unpacked = used.inflate(packed, data.len());
        assert_eq!(unpacked, Ok(data), "there and back");
    }
}
