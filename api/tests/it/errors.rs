//! `docs/errors.md` is what the code says.

use std::fmt::Write as _;

use oort_api::Code;

const HEAD: &str = "# Error codes

What a refusal's `code` may be, over HTTP (`{\"code\", \"message\", \"details\"?}`) and in `error` frames. Codes never change; the message is for people and may.
Written by a test (`api/tests/it/errors.rs`) from `api/src/error.rs`.

| code | HTTP | again later? | what it means |
|---|---|---|---|
";

/// Writes the page anew and fails when that changed anything.
#[test]
fn the_page_of_error_codes_matches_the_code() {
    let mut page = HEAD.to_owned();
    for code in Code::ALL {
        let again = if code.is_retryable() { "yes, after `Retry-After`" } else { "" };
        let meaning = code.meaning().trim();
        writeln!(page, "| `{code}` | {} | {again} | {meaning} |", code.http_status()).expect("a String");
    }
    let target = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    if std::fs::read_to_string(&target).unwrap_or_default() != page {
        std::fs::write(&target, page).expect("writable");
        panic!("docs/errors.md was written anew: look at it and commit it");
    }
}
