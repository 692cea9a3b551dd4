//! Layers of configuration: the embedded defaults, a file, the environment.
//! Each value remembers where it came from, and every fault is told at once.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `config.default.toml`.
    Default,
    /// The file named on the command line.
    File(String),
    /// An environment variable.
    Env(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Env(name) => f.write_str(name),
        }
    }
}

/// The prefix of our environment variables; `OORT_COMET__SHARDS` is `comet.shards`.
const ENV_PREFIX: &str = "OORT_";
/// Variables of the test suite, which start alike but are no settings.
const ENV_NOT_OURS: &[&str] = &["OORT_TEST_", "OORT_CACHE"];

/// The merged layers.
#[derive(Debug)]
pub(crate) struct Layers {
    /// The effective values.
    pub(crate) values: Table,
    /// Origin of each leaf that is not a default, by dotted path.
    origins: BTreeMap<String, Origin>,
    /// Everything that is wrong, each with its cause and fix.
    pub(crate) faults: Vec<String>,
}

impl Layers {
    /// Starts from the defaults.
    pub(crate) fn new(defaults: Table) -> Self {
        Self { values: defaults, origins: BTreeMap::new(), faults: Vec::new() }
    }

    /// Lays a file's content over what is there.
    pub(crate) fn file(&mut self, path: &str, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => {
                let origin = Origin::File(path.to_owned());
                let mut leaves = Vec::new();
                collect_leaves(String::new(), table, &mut leaves);
                for (path, value) in leaves {
                    self.set(&path, value, &origin);
                }
            }
            Err(error) => self.faults.push(format!("{path}: not valid TOML: {error}")),
        }
    }

    /// Lays the environment over what is there.
    pub(crate) fn env(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let mut ours: Vec<_> = variables
            .filter(|(name, _)| {
                name.starts_with(ENV_PREFIX) && !ENV_NOT_OURS.iter().any(|not| name.starts_with(not))
            })
            .collect();
        ours.sort();
        for (name, text) in ours {
            let path = name[ENV_PREFIX.len()..].to_lowercase().replace("__", ".");
            let origin = Origin::Env(name);
            match self.leaf(&path).map(|default| parse_like(default, &text)) {
                Some(Ok(value)) => self.set(&path, value, &origin),
                Some(Err(expected)) => {
                    self.faults.push(format!("{origin}: {expected} is expected for {path}"))
                }
                None => self.faults.push(self.unknown(&path, &origin)),
            }
        }
    }

    /// Where the value at a dotted path came from.
    pub(crate) fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// The text at a dotted path; `None` when it is none.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.leaf(path).and_then(Value::as_str)
    }

    fn set(&mut self, path: &str, value: Value, origin: &Origin) {
        let Some(current) = self.leaf(path) else {
            self.faults.push(self.unknown(path, origin));
            return;
        };
        let Some(value) = coerce(current, value) else {
            let expected = current.type_str();
            self.faults.push(format!("{origin}: {path} takes a value of type {expected}"));
            return;
        };
        if let Some(slot) = slot(&mut self.values, path) {
            *slot = value;
            self.origins.insert(path.to_owned(), origin.clone());
        }
    }

    fn leaf(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let mut value = self.values.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        (!value.is_table()).then_some(value)
    }

    fn unknown(&self, path: &str, origin: &Origin) -> String {
        let last = path.rsplit('.').next().unwrap_or(path);
        let mut leaves = Vec::new();
        collect_leaves(String::new(), self.values.clone(), &mut leaves);
        let similar: Vec<_> = leaves
            .into_iter()
            .map(|(known, _)| known)
            .filter(|known| {
                known.rsplit('.').next().is_some_and(|key| key.contains(last) || last.contains(key))
            })
            .take(3)
            .collect();
        let hint = if similar.is_empty() {
            "see config.default.toml for all settings".to_owned()
        } else {
            format!("did you mean {}?", similar.join(" or "))
        };
        format!("{origin}: there is no setting {path}; {hint}")
    }
}

/// Every leaf of a table with its dotted path.
pub(crate) fn collect_leaves(prefix: String, table: Table, leaves: &mut Vec<(String, Value)>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => collect_leaves(path, inner, leaves),
            leaf => leaves.push((path, leaf)),
        }
    }
}

fn slot<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Value> {
    let mut parts = path.split('.');
    let mut value = table.get_mut(parts.next()?)?;
    for part in parts {
        value = value.get_mut(part)?;
    }
    Some(value)
}

/// A whole number is welcome where a fraction is expected; nothing else bends.
fn coerce(current: &Value, value: Value) -> Option<Value> {
    match (current, value) {
        #[expect(clippy::cast_precision_loss, reason = "settings are small numbers")]
        (Value::Float(_), Value::Integer(whole)) => Some(Value::Float(whole as f64)),
        (current, value) if current.same_type(&value) => Some(value),
        _ => None,
    }
}

/// Reads a text as the type that the default has.
fn parse_like(default: &Value, text: &str) -> Result<Value, &'static str> {
    match default {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| "a whole number"),
        Value::Float(_) => text.trim().parse().map(Value::Float).map_err(|_| "a number"),
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).map_err(|_| "true or false"),
        Value::Array(_) => Ok(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| part.to_owned().into())
                .collect(),
        )),
        Value::Datetime(_) | Value::Table(_) => Err("a value that the environment cannot give"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Layers {
        Layers::new(
            "[a]\nport = 1\nname = \"x\"\nratio = 0.5\non = false\nlist = []\n".parse().expect("valid"),
        )
    }

    #[test]
    fn later_layers_win_and_are_remembered() {
        let mut layers = layers();
        layers.file("f.toml", "[a]\nport = 2\nname = \"file\"\nratio = 2");
        layers.env(
            [("OORT_A__NAME".to_owned(), "env".to_owned()), ("OORT_A__LIST".to_owned(), "p, q".to_owned())]
                .into_iter(),
        );
        assert_eq!(layers.faults, Vec::<String>::new());
        assert_eq!(layers.values["a"]["port"].as_integer(), Some(2));
        assert_eq!(layers.values["a"]["name"].as_str(), Some("env"));
        assert_eq!(layers.values["a"]["ratio"].as_float(), Some(2.0));
        assert_eq!(layers.values["a"]["list"].as_array().map(Vec::len), Some(2));
        assert_eq!(layers.origin("a.port"), &Origin::File("f.toml".to_owned()));
        assert_eq!(layers.origin("a.name"), &Origin::Env("OORT_A__NAME".to_owned()));
        assert_eq!(layers.origin("a.on"), &Origin::Default);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let mut layers = layers();
        layers.file("f.toml", "[a]\nport = \"no\"\nprot = 2\n[b]\nx = 1");
        layers.env(
            [("OORT_A__ON".to_owned(), "maybe".to_owned()), ("OORT_A__PORT".to_owned(), "1.5".to_owned())]
                .into_iter(),
        );
        assert_eq!(layers.faults.len(), 5, "{:#?}", layers.faults);
        assert!(layers.faults.iter().any(|fault| fault.contains("a.prot")));
    }

    #[test]
    fn variables_of_the_tests_are_no_settings() {
        let mut layers = layers();
        layers.env(
            [("OORT_TEST_REDIS_URL".to_owned(), "x".to_owned()), ("PATH".to_owned(), "y".to_owned())]
                .into_iter(),
        );
        assert!(layers.faults.is_empty());
    }
}
