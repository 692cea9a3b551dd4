//! goim's query strings, read as gin reads them.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use oort_api::Code;
use oort_api::error::Refusal;

use super::GoimRefused;
use crate::http::door::Door;
use crate::http::input::Query;

/// A query whose keys may repeat.
pub(in crate::http) struct Arguments(Vec<(String, String)>);

impl FromRequestParts<Arc<Door>> for Arguments {
    type Rejection = GoimRefused;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, GoimRefused> {
        let Query(pairs) = Query::from_request_parts(parts, door).await?;
        Ok(Self(pairs))
    }
}

impl Arguments {
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.first(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| invalid(format!("{name}: is required")))
    }

    /// gin takes a missing or empty number for 0.
    pub(super) fn number(&self, name: &str) -> Result<i32, Refusal> {
        match self.first(name) {
            None | Some("") => Ok(0),
            Some(text) => text.parse().map_err(|_| invalid(format!("{name}: is not a number"))),
        }
    }

    /// gin takes 0 for missing.
    pub(super) fn required_number(&self, name: &str) -> Result<i32, Refusal> {
        match self.number(name)? {
            0 => Err(invalid(format!("{name}: is required"))),
            number => Ok(number),
        }
    }

    /// Distinct targets, in order.
    pub(super) fn targets<T: Clone + Eq + Hash>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let mut seen = HashSet::new();
        let mut targets = Vec::new();
        for text in self.all(name) {
            let target = parse(text).ok_or_else(|| invalid(format!("{name}: {text:?} cannot be one")))?;
            if seen.insert(target.clone()) {
                targets.push(target);
            }
        }
        Ok(targets)
    }
}

pub(super) fn invalid(message: String) -> Refusal {
    Refusal::new(Code::InvalidField, message)
}
