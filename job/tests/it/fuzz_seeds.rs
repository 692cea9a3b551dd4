//! The fuzz targets of this crate on their seeds, so that they are checked without a fuzzer too.

use std::panic::catch_unwind;
use std::path::Path;

#[path = "../../../fuzz/checks/bus_record.rs"]
mod bus_record;

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&seeds).expect("a folder of seeds") {
        let path = entry.expect("a seed").path();
        let seed = std::fs::read(&path).expect("a seed");
        assert!(catch_unwind(|| check(&seed)).is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} seeds in {}", seeds.display());
}

#[test]
fn the_seeds_of_bus_record_hold() {
    replay("bus_record", bus_record::check);
}
