//! The fuzz targets of this crate on their seeds, so that they are checked without a fuzzer too.

use std::panic::catch_unwind;
use std::path::Path;

#[path = "../../../fuzz/checks/access_token.rs"]
mod access_token;
#[path = "../../../fuzz/checks/list_cursor.rs"]
mod list_cursor;
#[path = "../../../fuzz/checks/login_cookie.rs"]
mod login_cookie;

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
fn the_seeds_of_access_token_hold() {
    replay("access_token", access_token::check);
}

#[test]
fn the_seeds_of_login_cookie_hold() {
    replay("login_cookie", login_cookie::check);
}

#[test]
fn the_seeds_of_list_cursor_hold() {
    replay("list_cursor", list_cursor::check);
}
