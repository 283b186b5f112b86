//! What one line of a profile can say: a KEM, a signature, an AEAD, a transport.

use pqfw_framework::catalogue::{Kind, Status};
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
    /// It is tried alone, and not with others: it is there for a part that is no standard.
    pub(super) alone: bool,
    /// Its signatures take long.
    pub(super) slow: bool,
}

impl Value {
    fn plain(name: &str) -> Self {
        Self {
            name: name.into(),
            alone: false,
            slow: false,
        }
    }
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
            self.values.insert(0, Value::plain(given));
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
    let transports = registry
        .transports()
        .map(|transport| Value::plain(transport.info().name));
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

/// Every algorithm alone, and as a part of a hybrid that carries it past a policy: a standard one beside
/// a classical one, a classical one beside the post-quantum one that is preferred, any other beside both.
fn algorithms(registry: &Registry, kind: Kind) -> Vec<Value> {
    let rows = registry
        .rows()
        .filter(|row| row.kind() == kind && !registry.entries_of(&row.id).is_empty());
    let mut values: Vec<Value> = Vec::new();
    for row in rows {
        let id = &row.id;
        let is_standard = row.status == Status::Standard;
        let joined = match kind {
            Kind::Kem => Some(("X25519", "ML-KEM-768")),
            Kind::Signature => Some(("Ed25519", "ML-DSA-65")),
            _ => None,
        };
        let joined = joined.map(|(classical, preferred)| match row.category {
            0 => format!("{id}+{preferred}"),
            _ if is_standard => format!("{classical}+{id}"),
            _ => format!("{classical}+{preferred}+{id}"),
        });
        for name in [Some(id.clone()), joined].into_iter().flatten() {
            if values.iter().all(|known| known.name != name) {
                values.push(Value {
                    name,
                    alone: !is_standard,
                    slow: row.slow,
                });
            }
        }
    }
    values
}
