//! The fuzz targets of this crate on their seeds, so that they are checked without a fuzzer too.

use std::io;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../../../fuzz/checks/goim_packet.rs"]
mod goim_packet;
#[path = "../../../fuzz/checks/json_envelope.rs"]
mod json_envelope;

fn replay(target: &str, check: fn(&[u8])) -> io::Result<()> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&seeds)? {
        let path = entry?.path();
        let seed = std::fs::read(&path)?;
        assert!(catch_unwind(|| check(&seed)).is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} seeds in {}", seeds.display());
    Ok(())
}

#[test]
fn the_seeds_of_goim_packet_hold() -> io::Result<()> {
    replay("goim_packet", goim_packet::check)
}

#[test]
fn the_seeds_of_json_envelope_hold() -> io::Result<()> {
    replay("json_envelope", json_envelope::check)
}
