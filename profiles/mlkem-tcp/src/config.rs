//! The `[mlkem-tcp]` table of a profile.

use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::TransportLimits;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::channel::purpose::is_target;
use crate::console;
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
    /// Bytes of one frame, in dialect channel of one line; more ends the connection.
    pub max_frame_bytes: u32,
    /// Dialect channel, role server: write what `pqfw chat send` sends to the standard output.
    pub accept_pipe: bool,
    /// Dialect channel, role server: what clients may have connections forwarded to.
    pub forward: Forward,
}

/// The `[mlkem-tcp.forward]` table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Forward {
    /// Targets, exactly as clients name them, such as `tcp://127.0.0.1:5432`; none by default.
    pub allow: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            signed: false,
            pins: Vec::new(),
            once: false,
            max_frame_bytes: 1 << 20,
            accept_pipe: false,
            forward: Forward::default(),
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

    /// The targets of `forward.allow`.
    ///
    /// # Errors
    /// The first that is no target: nobody could ask for it.
    pub fn targets(&self) -> Result<Vec<String>, RunError> {
        match self.forward.allow.iter().find(|target| !is_target(target)) {
            None => Ok(self.forward.allow.clone()),
            Some(bad) => {
                let what = "is no target; write its transport first, such as tcp://127.0.0.1:5432";
                let text = format!("mlkem-tcp.forward.allow: `{}` {what}", console::escape(bad));
                Err(RunError::new(Failure::Usage, text))
            }
        }
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
    fn a_target_names_its_transport_or_is_refused() {
        let config = |target: &str| Config {
            forward: Forward {
                allow: vec![target.into()],
            },
            ..Config::default()
        };
        assert!(config("tcp://127.0.0.1:5432").targets().is_ok());
        let error = config("localhost").targets().unwrap_err();
        assert_eq!(error.failure, Failure::Usage);
    }

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
