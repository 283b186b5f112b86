//! What the server's end counts, for operators.

use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::metrics::{Family, MetricsSource};
use pqfw_framework::world::Now;

/// The numbers of one server's end.
#[derive(Debug, Default)]
pub struct Metrics {
    sessions: AtomicU64,
    refused_sessions: AtomicU64,
    open: AtomicU64,
    messages: AtomicU64,
    calls: AtomicU64,
    refused: AtomicU64,
}

/// A session that is open, until it is dropped.
pub(super) struct Open<'a>(&'a Metrics);

impl Metrics {
    /// Counts a session from now on.
    pub(super) fn session(&self) -> Open<'_> {
        count(&self.sessions);
        count(&self.open);
        Open(self)
    }

    /// A connection that became no session.
    pub(super) fn refused_session(&self) {
        count(&self.refused_sessions);
    }

    /// A message of a peer's that went on.
    pub(super) fn forwarded(&self, tool_call: bool) {
        count(&self.messages);
        if tool_call {
            count(&self.calls);
        }
    }

    /// A message of a peer's that did not.
    pub(super) fn refused(&self) {
        count(&self.refused);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn count(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}

impl MetricsSource for Metrics {
    fn families(&self, _: Now) -> Vec<Family> {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let open = u32::try_from(of(&self.open)).unwrap_or(u32::MAX);
        vec![
            Family::counter(
                "pqfw_mcp_sessions_total",
                "Sessions that began.",
                of(&self.sessions),
            ),
            Family::gauge("pqfw_mcp_sessions", "Sessions that are open.", open.into()),
            Family::counter(
                "pqfw_mcp_refused_sessions_total",
                "Connections that became no session.",
                of(&self.refused_sessions),
            ),
            Family::counter(
                "pqfw_mcp_messages_total",
                "Messages of peers that were looked at and passed on.",
                of(&self.messages),
            ),
            Family::counter(
                "pqfw_mcp_tool_calls_total",
                "Tool calls among them.",
                of(&self.calls),
            ),
            Family::counter(
                "pqfw_mcp_refused_messages_total",
                "Messages of peers that were not passed on.",
                of(&self.refused),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pqfw_framework::metrics::text;

    use super::*;

    #[test]
    fn what_happened_is_counted() {
        let metrics = Metrics::default();
        let first = metrics.session();
        drop(metrics.session());
        metrics.forwarded(true);
        metrics.forwarded(false);
        metrics.refused();
        metrics.refused_session();
        let now = Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        };
        let told = text(&metrics.families(now));
        for line in [
            "pqfw_mcp_sessions_total 2",
            "pqfw_mcp_sessions 1",
            "pqfw_mcp_refused_sessions_total 1",
            "pqfw_mcp_messages_total 2",
            "pqfw_mcp_tool_calls_total 1",
            "pqfw_mcp_refused_messages_total 1",
        ] {
            assert!(
                told.lines().any(|told| told == line),
                "{line} is not in {told}"
            );
        }
        drop(first);
    }
}
