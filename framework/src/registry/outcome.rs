//! What resolving a name gives besides code: the log of what was decided, and why it gave none.

use thiserror::Error;

use super::GateError;
use crate::catalogue::Kind;

/// One thing that was decided on the way, for the start-up banner and the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A provider was chosen.
    Chosen {
        /// The algorithm.
        algorithm: String,
        /// The provider.
        provider: String,
    },
    /// A provider failed the admission gate and the next one was tried.
    Quarantined {
        /// The algorithm.
        algorithm: String,
        /// The provider.
        provider: String,
        /// Why.
        reason: GateError,
    },
    /// A policy has something to say about an algorithm that it allows.
    Warned {
        /// The algorithm.
        algorithm: String,
        /// What it says.
        warning: String,
    },
    /// A name means another than its first look says: an alias that a policy gives, or a hybrid
    /// whose parts stand in another order.
    Renamed {
        /// The name as given.
        given: String,
        /// The canonical one.
        algorithm: String,
        /// Why.
        reason: String,
    },
    /// A preferred name was passed over for the next of an ordered list.
    PassedOver {
        /// The name in the list.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Why a name gave no code.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResolveError {
    /// The operator's fault: no such algorithm.
    #[error("no algorithm `{name}`{}", hint(.nearest))]
    UnknownAlgorithm {
        /// The name as given.
        name: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// The operator's fault: a group of TLS where a KEM must stand.
    #[error("{group} is a group of TLS and safe only inside its key schedule; name {fix}")]
    TlsGroup {
        /// The group.
        group: &'static str,
        /// What to name instead.
        fix: &'static str,
    },
    /// The operator's fault: a provider that has a curve as a KEM and not as TLS takes it.
    #[error(
        "{id}@{provider} does not give the bare Diffie-Hellman value that TLS needs; name another provider"
    )]
    NoBareDiffieHellman {
        /// The algorithm.
        id: String,
        /// The provider.
        provider: String,
    },
    /// The operator's or a plugin's fault: parts that make no hybrid.
    #[error("`{name}` is no hybrid: {reason}")]
    Hybrid {
        /// The name as given.
        name: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The operator's fault: a name of another kind.
    #[error("{id} is a {got}; a {expected} is needed here")]
    WrongKind {
        /// The algorithm.
        id: String,
        /// Its kind.
        got: Kind,
        /// The kind that was needed.
        expected: Kind,
    },
    /// The operator's fault: no such provider of the algorithm.
    #[error("{id} has no provider `{provider}`; there are: {known}")]
    UnknownProvider {
        /// The algorithm.
        id: String,
        /// The provider as given.
        provider: String,
        /// Those that there are.
        known: String,
    },
    /// The operator's fault: a build without code for the algorithm.
    #[error("{id} is known but this build has no code for it; add a plugin that offers it")]
    NoProvider {
        /// The algorithm.
        id: String,
    },
    /// The policy's decision.
    #[error("{id} is refused: {reason}")]
    Refused {
        /// The algorithm.
        id: String,
        /// The policy, the rule and its source.
        reason: String,
    },
    /// A fault of ours or of the machine: no provider may take the failed one's place.
    #[error(
        "{id}@{provider} failed its admission ({reason}) and no other provider may replace it: {why}"
    )]
    NoSuccessor {
        /// The algorithm.
        id: String,
        /// The first provider that failed.
        provider: String,
        /// How it failed.
        reason: GateError,
        /// Why there is no replacement.
        why: String,
    },
    /// The operator's fault: an ordered list of alternatives of which none can be used.
    #[error("none of the alternatives can be used: {0}")]
    NoAlternative(String),
    /// The operator's fault: no such transport.
    #[error("no transport `{name}`; there are: {known}")]
    UnknownTransport {
        /// The name as given.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The operator's fault: no such system.
    #[error("no system `{name}`; there are: {known}")]
    UnknownSystem {
        /// The name as given.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The build's fault: a profile requires what is not linked.
    #[error("this profile requires `{name}`, which this build does not have; if its crate is in Cargo.toml, reference it with `use {crate_name} as _;` so that the linker keeps it", crate_name = name.replace('-', "_"))]
    Required {
        /// The name in `require`.
        name: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(
        || "; `pqfw list-algorithms` prints the names".into(),
        |name| format!("; did you mean `{name}`?"),
    )
}
