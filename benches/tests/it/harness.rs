//! Starts the tool and reads what it wrote.

use std::process::Command;

use serde_json::Value;

/// Runs it to its end, which must be a success; the results that it kept.
pub(crate) fn run(arguments: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_oort-bench"))
        .args(arguments)
        .args(["--quiet", "--out"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let results = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    results.map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

/// Something came, and all of it once and in order.
pub(crate) fn assert_pass(result: &Value) {
    let verdict = &result["verdict"];
    assert!(verdict["delivered"].as_u64().unwrap() > 0, "{result}");
    for fault in ["lost", "duplicated", "reordered"] {
        assert_eq!(verdict[fault], 0, "{result}");
    }
}
