//! How frames become the bytes of a dialect, compressed if that is wanted: each at most once, for all receivers.

use std::cell::RefCell;

use bytes::Bytes;
use oort_api::metrics::Counter;
use serde::Deserialize;

use crate::framing::{Deflater, deflate_frames};

/// Compression of WebSocket messages (RFC 7692), for clients that offer it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeflateConfig {
    /// Whether it is agreed to.
    pub enabled: bool,
    /// 1 (quick) to 9 (small).
    pub level: u32,
    /// Messages to clients with fewer bytes are sent as they are.
    pub bytes_min: usize,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        Self { enabled: false, level: 2, bytes_min: 128 }
    }
}

impl DeflateConfig {
    /// Everything that is wrong with these settings.
    pub(crate) fn faults(&self) -> Vec<String> {
        let is_level = (1..=9).contains(&self.level);
        if is_level { Vec::new() } else { vec!["level: 1 to 9".to_owned()] }
    }
}

/// What encoding a frame needs and counts.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    pub(crate) deflate: DeflateConfig,
    /// Encodings that failed.
    pub(crate) unreadable: Counter,
    /// Bytes given to the compressor.
    pub(crate) deflate_bytes_in: Counter,
    /// Bytes it made of them.
    pub(crate) deflate_bytes_out: Counter,
}

thread_local! {
    /// One for all connections of a thread, made when the first frame is to be compressed.
    static DEFLATER: RefCell<Option<Deflater>> = const { RefCell::new(None) };
}

impl Encoder {
    /// The same frames, compressed.
    pub(crate) fn deflate(&self, frames: &Bytes) -> Bytes {
        let DeflateConfig { level, bytes_min, .. } = self.deflate;
        if frames.len() < bytes_min {
            return frames.clone();
        }
        let small = DEFLATER.with_borrow_mut(|kept| {
            let deflater = match kept {
                Some(deflater) if deflater.level() == level => deflater,
                kept => kept.insert(Deflater::new(level)),
            };
            deflate_frames(frames, bytes_min, deflater)
        });
        self.deflate_bytes_in.inc_by(frames.len() as u64);
        self.deflate_bytes_out.inc_by(small.len() as u64);
        small
    }
}
