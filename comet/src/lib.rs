//! comet
