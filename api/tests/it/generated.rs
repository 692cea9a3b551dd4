//! The checked-in code is what the `.proto` files say.

use std::path::Path;
use std::{fs, io};

const PROTOS: &[&str] = &[
    "goim/protocol.proto",
    "goim/comet.proto",
    "goim/logic.proto",
    "chatroom/comet.proto",
    "oort/v1/types.proto",
    "oort/v1/logic.proto",
    "oort/v1/comet.proto",
    "oort/v1/outbox.proto",
];

/// Writes the generated code anew and fails when that changed anything.
#[test]
fn checked_in_code_matches_the_protos() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().expect("a temporary folder");
    let files = protox::compile(PROTOS, [root.join("proto")]).expect("the protos compile");
    tonic_prost_build::configure()
        .build_transport(false)
        .bytes(".")
        .out_dir(out.path())
        .compile_fds(files)
        .expect("code generation");

    let mut changed = Vec::new();
    for entry in fs::read_dir(out.path()).expect("generated files") {
        let entry = entry.expect("a generated file");
        let fresh = fs::read_to_string(entry.path()).expect("utf-8");
        let target = root.join("src/pb/gen").join(entry.file_name());
        if read_or_empty(&target).expect("readable") != fresh {
            fs::write(&target, fresh).expect("writable");
            changed.push(target);
        }
    }
    assert!(changed.is_empty(), "regenerated, commit the result: {changed:?}");
}

fn read_or_empty(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}
