//! Who called which tool, what became of it, and when: a chained log of the server's end.

use std::sync::Arc;

use pqfw_framework::audit::{AuditError, AuditLog};
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::system::{Event, Failure, Host, Report, RunError};
use pqfw_framework::world::World;
use serde_json::{Value, json};

use super::message::Message;
use super::serve::Guest;

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome<'a> {
    Forwarded,
    Refused(&'a str),
}

/// A log, if the profile asks for one.
#[derive(Default)]
pub struct Audit(Option<(AuditLog, Arc<dyn Report>)>);

impl Audit {
    /// Opens the log of that name; an empty name: none is kept.
    ///
    /// # Errors
    /// [`RunError`] for a log that cannot be written, or was changed.
    pub fn open(name: &str, host: &Host) -> Result<Self, RunError> {
        if name.is_empty() {
            return Ok(Self(None));
        }
        let opened = || {
            let journal = host.outside.journals.open(name)?;
            AuditLog::open(journal, host.suite.digest.clone())
        };
        let log = opened().map_err(|error: AuditError| RunError::new(Failure::Operation, error))?;
        Ok(Self(Some((log, host.report.clone()))))
    }

    /// A session began or ended.
    pub(super) fn session(&self, world: &dyn World, guest: &Guest, what: &str) {
        let entry = json!({ "operation": "session", "outcome": what });
        self.append_of(world, guest, entry);
    }

    /// A peer that proved who it is, and got no session; one that is not accepted has no number.
    pub(super) fn no_session(
        &self,
        world: &dyn World,
        (session, peer): (Option<u64>, &Fingerprint),
        reason: &str,
    ) {
        let entry = json!({
            "operation": "session",
            "outcome": "refused",
            "reason": short(reason),
        });
        self.append(world, session, peer, entry);
    }

    /// A message of the peer's: tool calls, and whatever is refused.
    pub(super) fn message(
        &self,
        world: &dyn World,
        guest: &Guest,
        message: &Message<'_>,
        outcome: Outcome<'_>,
    ) {
        let method = message.method.as_deref();
        let call = method == Some("tools/call");
        let (outcome, reason) = match outcome {
            Outcome::Forwarded if !call => return,
            Outcome::Forwarded => ("forwarded", None),
            Outcome::Refused(reason) => ("refused", Some(reason)),
        };
        if self.0.is_none() {
            return;
        }
        let params = message.params().filter(|_| call);
        let tool = params.as_ref().and_then(|params| params.name.as_deref());
        let entry = json!({
            "operation": if call { "tool_call" } else { "message" },
            "method": method.map(short),
            "tool": tool.map(short),
            "id": message.id.map(short),
            "outcome": outcome,
            "reason": reason,
        });
        self.append_of(world, guest, entry);
    }

    /// A line of the peer's that is no message.
    pub(super) fn bad(&self, world: &dyn World, guest: &Guest, reason: &str) {
        let entry = json!({ "operation": "message", "outcome": "refused", "reason": reason });
        self.append_of(world, guest, entry);
    }

    fn append_of(&self, world: &dyn World, guest: &Guest, entry: Value) {
        self.append(world, Some(guest.session), &guest.peer, entry);
    }

    fn append(
        &self,
        world: &dyn World,
        session: Option<u64>,
        peer: &Fingerprint,
        mut entry: Value,
    ) {
        let Some((log, report)) = &self.0 else { return };
        entry["timestamp"] = json!(world.now().iso8601());
        entry["session"] = json!(session);
        entry["peer"] = json!(peer.to_string());
        if let Err(error) = log.append(&entry.to_string()) {
            report.event(&Event::Warning(error.to_string()));
        }
    }
}

/// As much of a peer's words as a log has room for.
fn short(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

const MOST_CHARS: usize = 256;
