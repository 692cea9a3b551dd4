//! The house keeps its walls: which package may depend on which, which
//! licences and duplicate versions are in it. Read from `cargo metadata`.

#![allow(clippy::expect_used, reason = "a test that cannot go on says why")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Which of our packages may use which, development dependencies included.
const EDGES: &[(&str, &[&str])] = &[
    ("oort-api", &[]),
    ("oort-comet", &["oort-api"]),
    ("oort-logic", &["oort-api"]),
    ("oort-job", &["oort-api"]),
    ("oort-ledger", &[]),
    ("oort-bench", &["oort-api", "oort-ledger"]),
    ("oort-simulation", &["oort-api", "oort-comet", "oort-logic", "oort-job", "oort-ledger"]),
    ("oort", &["oort-api", "oort-comet", "oort-logic", "oort-job"]),
];

/// Licences we may ship. A package passes when one of its alternatives is made of these.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "BSL-1.0",
    "MIT-0",
    "OpenSSL",
];

/// One job, one library: none of these may come in.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is the one crypto provider"),
    ("openssl-sys", "rustls is the one TLS library"),
    ("native-tls", "rustls is the one TLS library"),
    ("bindgen", "the build needs no libclang"),
    ("fred", "redis is the one Redis client"),
    ("reqwest", "hyper is the one HTTP client"),
];

fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn tiers_never_depend_on_each_other() {
    let metadata = metadata(&["--no-deps"]);
    let packages = array(&metadata["packages"]);
    let names: BTreeSet<_> = packages.iter().map(|package| text(package, "name")).collect();
    let expected: BTreeSet<_> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "a package came or went: say in EDGES what it may use");
    for package in packages {
        let name = text(package, "name");
        let allowed = EDGES.iter().find(|(known, _)| *known == name).expect("checked above").1;
        for dependency in array(&package["dependencies"]) {
            let used = text(dependency, "name");
            if names.contains(used) {
                assert!(allowed.contains(&used), "{name} must not depend on {used}");
            }
        }
    }
}

#[test]
fn every_licence_is_allowed() {
    let metadata = metadata(&[]);
    let mut bad = Vec::new();
    for package in array(&metadata["packages"]) {
        let licence = text(package, "license");
        if !is_allowed(licence) {
            bad.push(format!("{} {}: {licence:?}", text(package, "name"), text(package, "version")));
        }
    }
    assert!(bad.is_empty(), "licences to decide on: {bad:#?}");
}

/// `OR` separates alternatives, `AND` parts; `/` is an old way to write `OR`.
fn is_allowed(expression: &str) -> bool {
    let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
    flat.split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(|part| LICENCES.contains(&part.trim())))
}

#[test]
fn the_licence_reader_can_fail() {
    assert!(is_allowed("MIT OR GPL-3.0"));
    assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!is_allowed("GPL-3.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
    assert!(!is_allowed(""));
}

/// Packages that are really built, without tests: name and version.
fn built() -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--all-features", "--locked"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

#[test]
fn no_second_library_for_one_job() {
    for (name, _) in built() {
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            panic!("{name} is in the tree: {reason}");
        }
    }
}

#[test]
fn duplicate_versions_are_known() {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in built() {
        *versions.entry(name).or_default() += 1;
    }
    let duplicates: Vec<_> =
        versions.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
    let known: Vec<_> = include_str!("duplicates.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(duplicates, known, "tests/duplicates.txt names them, sorted, with who causes each");
}
