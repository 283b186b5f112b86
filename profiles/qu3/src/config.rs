//! The `[qu3]` table of a profile.

use std::collections::BTreeMap;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::error::ClientError;
use crate::models::ModelTable;
use crate::session::SessionLimits;

/// The system's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Qu3Config {
    /// Seconds a session lives after its handshake.
    pub session_secs: u64,
    /// Confirmed sessions at a time; the oldest gives way.
    pub max_sessions: u32,
    /// Clients whose KEM key is pinned to a sign key; at the bound newcomers
    /// are served without a pin, and the server warns.
    pub max_pins: u64,
    /// Clients that may have policies of their own; administrators are not counted.
    pub max_policy_clients: u64,
    /// Whether a server without key files makes them; otherwise it answers 503 on /keys.
    pub generate_keys: bool,
    /// Fingerprints of clients whose policies bind everybody.
    pub policy_administrators: Vec<String>,
    /// What a server does with a policy in which no line is a rule.
    pub policy_notes: PolicyNotes,
    /// Models beside the built-in ones, by name.
    pub models: BTreeMap<String, ModelTable>,
    /// Role client: the models to run, `a->b->c`.
    pub workflow: String,
    /// Role client: the text given to the first model.
    pub input: String,
}

/// What a server does with a policy in which no line is a rule.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PolicyNotes {
    /// Keep it as a note and warn, for deployed clients that send prose.
    Keep,
    /// Answer 400.
    Refuse,
}

impl Default for Qu3Config {
    fn default() -> Self {
        Self {
            session_secs: 3600,
            max_sessions: 10_000,
            max_pins: 100_000,
            max_policy_clients: 10_000,
            generate_keys: true,
            policy_administrators: Vec::new(),
            policy_notes: PolicyNotes::Keep,
            models: BTreeMap::new(),
            workflow: "model_caps->model_reverse".into(),
            input: "change one line".into(),
        }
    }
}

impl Qu3Config {
    /// The clients whose policies bind everybody.
    ///
    /// # Errors
    /// The first entry that is no fingerprint: it would never match, in silence.
    pub fn administrators(&self) -> Result<Vec<Fingerprint>, ClientError> {
        let parse = |text: &String| {
            Fingerprint::parse(text).ok_or_else(|| {
                let what =
                    "is no fingerprint; write `sha256:` and 64 lower-case hexadecimal digits";
                ClientError::Config(format!("qu3.policy_administrators: `{text}` {what}"))
            })
        };
        self.policy_administrators.iter().map(parse).collect()
    }

    /// The bounds of the server's memory.
    #[must_use]
    pub fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            lifetime: Duration::from_secs(self.session_secs),
            sessions: usize::try_from(self.max_sessions).unwrap_or(usize::MAX),
            ..SessionLimits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_administrator_is_named_by_a_fingerprint_or_not_at_all() {
        let config = |text: &str| Qu3Config {
            policy_administrators: vec![text.into()],
            ..Qu3Config::default()
        };
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(config(&good).administrators().unwrap().len(), 1);
        for bad in ["alice", &good[7..], &good.to_uppercase(), &good[..70]] {
            let error = config(bad).administrators().unwrap_err();
            assert!(matches!(error, ClientError::Config(_)), "{bad}: {error}");
        }
    }
}
