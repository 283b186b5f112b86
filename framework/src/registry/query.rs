//! Property queries: `kind=kem, category>=3, status=standard`.

use std::str::FromStr;

use thiserror::Error;

use crate::catalogue::{AlgorithmInfo, Kind, Status};

/// A conjunction of conditions on a row.
#[derive(Clone, Debug, Default)]
pub struct Query {
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
enum Condition {
    Kind(Kind),
    Category(Comparison, u8),
    Status(Comparison, Status),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    AtLeast,
    AtMost,
}

/// A query that cannot be read: the caller's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QueryError {
    /// No operator.
    #[error("query `{0}`: expected `property=value`, `property>=value` or `property<=value`")]
    Operator(String),
    /// A property that rows do not have.
    #[error("query: no property `{0}`; there are kind, category and status")]
    Property(String),
    /// A value that the property cannot have.
    #[error("query `{0}`: {1}")]
    Value(String, String),
}

impl Query {
    /// Whether a row satisfies every condition.
    #[must_use]
    pub fn matches(&self, row: &AlgorithmInfo) -> bool {
        self.conditions.iter().all(|condition| match condition {
            Condition::Kind(kind) => row.kind() == *kind,
            Condition::Category(comparison, value) => comparison.holds(row.category, *value),
            Condition::Status(comparison, value) => comparison.holds(row.status, *value),
        })
    }
}

impl Comparison {
    fn holds<T: Ord>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::AtLeast => left >= right,
            Self::AtMost => left <= right,
        }
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        Ok(Self {
            conditions: parts.map(condition).collect::<Result<_, _>>()?,
        })
    }
}

fn condition(text: &str) -> Result<Condition, QueryError> {
    let operators = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        ("=", Comparison::Equal),
    ];
    let (property, comparison, value) = operators
        .into_iter()
        .find_map(|(sign, comparison)| {
            text.split_once(sign)
                .map(|(left, right)| (left.trim(), comparison, right.trim()))
        })
        .ok_or_else(|| QueryError::Operator(text.into()))?;
    let bad = |reason: String| QueryError::Value(text.into(), reason);
    match property {
        "kind" => match comparison {
            Comparison::Equal => Ok(Condition::Kind(value.parse().map_err(bad)?)),
            Comparison::AtLeast | Comparison::AtMost => Err(bad("kinds have no order".into())),
        },
        "category" => {
            let number = value
                .parse()
                .map_err(|_| bad("expected a number 0 to 5".into()))?;
            Ok(Condition::Category(comparison, number))
        }
        "status" => Ok(Condition::Status(comparison, value.parse().map_err(bad)?)),
        other => Err(QueryError::Property(other.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::builtin;

    fn ids(query: &str) -> Vec<String> {
        let query: Query = query.parse().unwrap();
        builtin()
            .into_iter()
            .filter(|row| query.matches(row))
            .map(|row| row.id)
            .collect()
    }

    #[test]
    fn conditions_are_joined_by_and() {
        assert_eq!(
            ids("kind=kem, category>=3, status=standard"),
            ["ML-KEM-768", "ML-KEM-1024"]
        );
        assert_eq!(
            ids("kind=signature,category<=0"),
            ["Ed25519", "ECDSA-P256", "ECDSA-P384"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let error = |text: &str| text.parse::<Query>().unwrap_err();
        assert!(matches!(error("kind"), QueryError::Operator(_)));
        assert!(matches!(error("colour=red"), QueryError::Property(_)));
        assert!(matches!(error("kind>=kem"), QueryError::Value(..)));
        assert!(matches!(error("category=many"), QueryError::Value(..)));
        assert!(matches!(error("status=good"), QueryError::Value(..)));
    }
}
