//! `oort config`: the effective settings with the origin of each value.

use std::fmt::Write as _;

use toml::Value;

use super::Config;
use super::layers::{Origin, collect_leaves};

/// Renders all settings as TOML, secrets masked, with where each value that is
/// not a default comes from.
pub(crate) fn print(config: &Config) -> String {
    let mut leaves = Vec::new();
    collect_leaves(String::new(), config.layers.values.clone(), &mut leaves);
    let mut text = String::new();
    let mut section = String::new();
    for (path, value) in leaves {
        let (table, key) = path.rsplit_once('.').unwrap_or(("", &path));
        if table != section {
            section = table.to_owned();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n[{section}]");
        }
        let shown = mask(key, &value);
        let _ = match config.layers.origin(&path) {
            Origin::Default => writeln!(text, "{key} = {shown}"),
            origin => writeln!(text, "{key} = {shown}  # {origin}"),
        };
    }
    text.trim_start().to_owned()
}

/// Hides what is secret: values whose key says so, and passwords in URLs.
fn mask(key: &str, value: &Value) -> String {
    let is_secret = ["token", "secret", "password", "private_key"]
        .iter()
        .any(|word| key == *word || key.ends_with(&format!("_{word}")));
    match value {
        Value::String(text) if is_secret && !text.is_empty() => "\"***\"".to_owned(),
        Value::String(text) => Value::String(mask_url(text)).to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| mask(key, item)).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let Some((user_info, host)) = rest.rsplit_once('@') else { return text.to_owned() };
    let user = user_info.split_once(':').map_or(user_info, |(user, _)| user);
    let password = if user_info.contains(':') { ":***" } else { "" };
    format!("{scheme}://{user}{password}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        assert_eq!(mask("token", &Value::from("hush")), "\"***\"");
        assert_eq!(mask("cluster_token", &Value::from("hush")), "\"***\"");
        assert_eq!(mask("token", &Value::from("")), "\"\"");
        assert_eq!(mask("store", &Value::from("mysql://u:p@ss@h/db")), "\"mysql://u:***@h/db\"");
        assert_eq!(mask("urls", &Value::from(vec!["redis://:p@h"])), "[\"redis://:***@h\"]");
        assert_eq!(mask("topic", &Value::from("oort-push")), "\"oort-push\"");
    }
}
