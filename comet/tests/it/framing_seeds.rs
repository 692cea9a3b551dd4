//! The fuzz target `ws_reader` on its seeds, so that they are checked without a fuzzer too.

use std::panic::catch_unwind;
use std::path::Path;

use crate::framing_oracle::check;

#[test]
fn the_seeds_of_the_fuzz_target_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/ws_reader");
    let mut count = 0;
    for entry in std::fs::read_dir(&seeds).expect("fuzz/seeds/ws_reader") {
        let path = entry.expect("a seed").path();
        let seed = std::fs::read(&path).expect("a seed");
        assert!(catch_unwind(|| check(&seed)).is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 10, "{count} seeds in {}", seeds.display());
}
