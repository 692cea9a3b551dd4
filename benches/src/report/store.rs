//! Results on disk: `<scenario>-<target>-<params>.json`, one file per result.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{RunResult, group};

/// Longest name of a file without its suffix, in bytes; file systems allow 255.
const NAME_BYTES_MAX: usize = 120;

/// Writes a file per result; a run that is repeated with the same parameters takes the place of the former one.
///
/// # Errors
/// When the folder cannot be made or written.
pub(super) fn write(folder: &Path, results: &[RunResult]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for result in results {
        let path = folder.join(file_name(result));
        let mut text = serde_json::to_string_pretty(result)?;
        text.push('\n');
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Every result in `folder`, in the order of their beginning.
///
/// # Errors
/// When the folder cannot be read, or a JSON file in it is no result.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<RunResult>> {
    let mut results = read_files(folder)?;
    results.sort_by(|(a_path, a), (b_path, b)| (a.started_at_ms, a_path).cmp(&(b.started_at_ms, b_path)));
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Every result in `folder` with its file.
pub(super) fn read_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, RunResult)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut results = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let result =
                serde_json::from_slice(&text).with_context(|| format!("{} is no result", path.display()))?;
            results.push((path, result));
        }
    }
    Ok(results)
}

/// Made of letters, digits, dots and dashes; a long one is cut and told apart by a hash.
pub(super) fn file_name(result: &RunResult) -> String {
    let mut name = format!("{}-{}", result.scenario, result.target);
    for (key, value) in &result.params {
        name.push_str(&format!("-{key}-{}", group::plain(value)));
    }
    let mut clean: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
        .collect();
    if clean.len() > NAME_BYTES_MAX {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&name);
        clean.truncate(NAME_BYTES_MAX - 17);
        clean.push_str(&format!("-{hash:016x}"));
    }
    format!("{clean}.json")
}
