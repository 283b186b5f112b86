//! What one line of a profile can say: a KEM, a signature, an AEAD, a transport.

use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::registry::Registry;

use crate::args::matrix::Line;

/// A line of a profile, and what it can say.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) line: Line,
    /// What people call it.
    pub(super) title: &'static str,
    /// Its key in the profile.
    pub(super) key: &'static str,
    pub(super) values: Vec<Value>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) name: String,
    /// It is tried alone, and not with everything: its signatures take long.
    pub(super) slow: bool,
}

/// How many lines there are.
pub(super) const AXES: usize = 4;

impl Axis {
    /// As a profile has it: with what it says itself, or with that alone.
    pub(super) fn of_profile(mut self, given: &str, varies: bool) -> Self {
        if !varies {
            self.values.retain(|value| value.name == given);
        }
        if self.values.iter().all(|value| value.name != given) {
            let name = given.to_owned();
            self.values.insert(0, Value { name, slow: false });
        }
        self
    }
}

/// What this binary has, whoever brought it.
pub(super) fn axes(registry: &Registry) -> [Axis; AXES] {
    let algorithms = |line, title, key, kind| Axis {
        line,
        title,
        key,
        values: algorithms(registry, kind),
    };
    let transports = registry.transports().map(|transport| Value {
        name: transport.info().name.into(),
        slow: false,
    });
    [
        algorithms(Line::Kem, "KEM", "suite.kem", Kind::Kem),
        algorithms(
            Line::Signature,
            "signature",
            "suite.signature",
            Kind::Signature,
        ),
        algorithms(Line::Aead, "AEAD", "suite.aead", Kind::Aead),
        Axis {
            line: Line::Transport,
            title: "transport",
            key: "transport.kind",
            values: transports.collect(),
        },
    ]
}

/// Every algorithm alone; and as a part of a hybrid, the post-quantum ones with X25519 or Ed25519, the
/// classical ones with the post-quantum algorithm that is preferred.
fn algorithms(registry: &Registry, kind: Kind) -> Vec<Value> {
    let (classical, post_quantum) = match kind {
        Kind::Kem => ("X25519", "ML-KEM-768"),
        Kind::Signature => ("Ed25519", "ML-DSA-65"),
        _ => ("", ""),
    };
    let rows: Vec<_> = registry
        .rows()
        .filter(|row| row.kind() == kind && !registry.entries_of(&row.id).is_empty())
        .collect();
    let value = |name: String, row: &AlgorithmInfo| Value {
        name,
        slow: row.slow,
    };
    let alone = rows.iter().map(|row| value(row.id.clone(), row));
    let joined = rows.iter().filter(|_| !classical.is_empty()).map(|row| {
        let name = match row.category {
            0 => format!("{}+{post_quantum}", row.id),
            _ => format!("{classical}+{}", row.id),
        };
        value(name, row)
    });
    let mut values: Vec<Value> = Vec::new();
    for value in alone.chain(joined) {
        if values.iter().all(|known| known.name != value.name) {
            values.push(value);
        }
    }
    values
}
