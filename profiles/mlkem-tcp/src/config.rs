//! The `[mlkem-tcp]` table of a profile.

use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::TransportLimits;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::trust::Trust;

/// The system's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A server signs its KEM key; a client refuses a server that does not.
    pub signed: bool,
    /// Role client: fingerprints of the servers that it talks to; empty: whoever answers.
    pub pins: Vec<String>,
    /// Role server: end when the first client's session is over.
    pub once: bool,
    /// Bytes of one frame, in either direction; more ends the connection.
    pub max_frame_bytes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            signed: false,
            pins: Vec::new(),
            once: false,
            max_frame_bytes: 1 << 20,
        }
    }
}

impl Config {
    /// Whom a client believes.
    ///
    /// # Errors
    /// The first pin that is no fingerprint: it would never match, in silence.
    pub fn trust(&self) -> Result<Trust, RunError> {
        let parse = |text: &String| {
            Fingerprint::parse(text).ok_or_else(|| {
                let what =
                    "is no fingerprint; write `sha256:` and 64 lower-case hexadecimal digits";
                RunError::new(Failure::Usage, format!("mlkem-tcp.pins: `{text}` {what}"))
            })
        };
        Ok(Trust {
            signed: self.signed,
            pins: self.pins.iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// What one connection may take.
    #[must_use]
    pub fn bounds(&self, limits: &TransportLimits) -> Bounds {
        Bounds {
            frame_bytes: usize::try_from(self.max_frame_bytes).unwrap_or(usize::MAX),
            idle: Duration::from_secs(limits.idle_secs),
            greeting: Duration::from_secs(limits.request_secs),
        }
    }
}

/// What one connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one frame.
    pub frame_bytes: usize,
    /// How long a client may be silent.
    pub idle: Duration,
    /// How long a client waits for the server's key, and a server for the end of a stream.
    pub greeting: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_fingerprint_or_refused() {
        let config = |text: &str| Config {
            pins: vec![text.into()],
            ..Config::default()
        };
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(config(&good).trust().unwrap().pins.len(), 1);
        for bad in ["alice", &good[7..], &good.to_uppercase(), &good[..70]] {
            let error = config(bad).trust().unwrap_err();
            assert_eq!(error.failure, Failure::Usage, "{bad}");
        }
    }
}
