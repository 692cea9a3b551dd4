//! Embeds the web client: what `web/out/manifest.json` lists, which `npm run build` in `web/` writes last.
//! Without that file the server is built all the same and serves the small page alone.

#![allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("web");
    let out = web.join("out");
    println!("cargo::rerun-if-changed=build.rs");
    let table = match fs::read_to_string(out.join("manifest.json")) {
        Ok(manifest) => {
            println!("cargo::rerun-if-changed=web/out/manifest.json");
            table(&out, &manifest)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The file itself cannot be watched while it is not there: cargo would build anew each time.
            println!("cargo::rerun-if-changed=web");
            "[]".to_owned()
        }
        Err(error) => return Err(error.into()),
    };
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("client.rs"), table)?;
    Ok(())
}

/// An array of `Asset`, sorted by path.
fn table(out: &Path, manifest: &str) -> Result<String, Box<dyn Error>> {
    let manifest: Vec<Value> = serde_json::from_str(manifest)?;
    let mut assets = manifest.iter().map(|entry| asset(out, entry)).collect::<Result<Vec<_>, _>>()?;
    assets.sort();
    let mut table = String::from("[\n");
    for (_, asset) in assets {
        writeln!(table, "{asset},")?;
    }
    table.push(']');
    Ok(table)
}

/// One entry: its path, and the code of its `Asset`.
fn asset(out: &Path, entry: &Value) -> Result<(String, String), Box<dyn Error>> {
    let text = |key: &str| {
        entry[key].as_str().ok_or_else(|| format!("web/out/manifest.json: {key} is missing in {entry}"))
    };
    let file = text("file")?;
    let embedded = |ending: &str| {
        let path = out.join(format!("{file}{ending}"));
        if !path.is_file() {
            return Err(format!(
                "web/out/manifest.json names {file}{ending}, which is not there: run make web"
            ));
        }
        Ok(format!("include_bytes!({path:?})"))
    };
    let packed = |encoding: &str, ending: &str| {
        let listed = entry["encodings"].as_array().is_some_and(|all| all.iter().any(|one| one == encoding));
        if listed { Ok(format!("Some({})", embedded(ending)?)) } else { Ok::<_, String>("None".to_owned()) }
    };
    let policy =
        entry["csp"].as_str().map_or_else(|| "None".to_owned(), |policy| format!("Some({policy:?})"));
    let path = text("path")?;
    let code = format!(
        "Asset {{ path: {path:?}, kind: {:?}, tag: Some({:?}), policy: {policy}, is_immutable: {}, identity: {}, \
         brotli: {}, gzip: {} }}",
        text("type")?,
        format!("W/\"{}\"", text("etag")?),
        entry["immutable"].as_bool().unwrap_or(false),
        embedded("")?,
        packed("br", ".br")?,
        packed("gz", ".gz")?,
    );
    Ok((path.to_owned(), code))
}
