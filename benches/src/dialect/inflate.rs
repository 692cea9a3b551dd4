//! Messages that were compressed each by itself (RFC 7692, §7.2.2).

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::Broken;

/// What a sender takes off the end of each message.
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];
/// Longest message taken.
const BYTES_MAX: usize = 1 << 20;

thread_local! {
    static INFLATER: RefCell<(Decompress, Vec<u8>)> = RefCell::new((Decompress::new(false), Vec::new()));
}

/// Has the message read that `small` was made of.
pub(super) fn whole(small: &[u8], read: impl FnOnce(&[u8])) -> Result<(), Broken> {
    INFLATER.with_borrow_mut(|(inflater, out)| {
        inflater.reset(false);
        out.clear();
        for mut input in [small, TAIL] {
            while !input.is_empty() {
                out.reserve(4096);
                let before = inflater.total_in();
                let status = inflater.decompress_vec(input, out, FlushDecompress::Sync);
                let taken = usize::try_from(inflater.total_in() - before).unwrap_or(usize::MAX);
                input = input.get(taken..).unwrap_or_default();
                let is_stuck = matches!(status, Ok(Status::BufError)) && taken == 0;
                if status.is_err() || is_stuck || out.len() > BYTES_MAX {
                    return Err(Broken::Unreadable("a compressed message"));
                }
                if matches!(status, Ok(Status::StreamEnd)) {
                    break;
                }
            }
        }
        read(out);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    #[test]
    fn what_was_compressed_comes_out_again() {
        for text in ["", "Hello", &"long and always the same ".repeat(2_000)] {
            let mut compressor = Compress::new(Compression::fast(), false);
            let mut small = Vec::with_capacity(text.len() + 64);
            compressor.compress_vec(text.as_bytes(), &mut small, FlushCompress::Sync).unwrap();
            let small = small.strip_suffix(TAIL).unwrap();
            let mut seen = None;
            whole(small, |out| seen = Some(out.to_vec())).unwrap();
            assert_eq!(seen.unwrap(), text.as_bytes());
        }
        assert!(whole(&[0xff; 9], |_| ()).is_err());
    }
}
