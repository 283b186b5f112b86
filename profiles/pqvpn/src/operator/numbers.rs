//! The metrics, by the names that operators already graph, and more.

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::metrics::{Family, MetricsSource};
use pqfw_framework::world::Now;

use super::Board;
use crate::driver::Handle;

/// The metrics of a node.
pub struct Numbers {
    node: Handle,
    board: Arc<Board>,
    /// What else was dropped, by reason.
    more_drops: Drops,
}

type Drops = Box<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>;

impl Numbers {
    /// Those of a node and its board; `more_drops` tells what was dropped beside the node.
    pub fn new(
        node: Handle,
        board: Arc<Board>,
        more_drops: impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + 'static,
    ) -> Self {
        let more_drops = Box::new(more_drops);
        Self {
            node,
            board,
            more_drops,
        }
    }
}

impl MetricsSource for Numbers {
    fn families(&self, now: Now) -> Vec<Family> {
        let counts = self.node.counts();
        let mut drops: BTreeMap<_, _> = (self.more_drops)().into_iter().collect();
        drops.extend([
            ("jobs", counts.jobs_dropped),
            ("panic", counts.jobs_panicked),
            ("too_large", counts.too_large),
            ("untaken", counts.untaken),
        ]);
        let refused = counts.refused.iter();
        drops.extend(refused.map(|(kind, refused)| (*kind, refused.count)));
        let drops = drops
            .into_iter()
            .map(|(reason, count)| (reason.to_owned(), count));
        let peers = self.board.peers();
        let handshakes = peers
            .iter()
            .map(|(id, row)| (id.to_string(), row.handshakes));
        #[expect(
            clippy::cast_precision_loss,
            reason = "the format's numbers are doubles"
        )]
        let sessions = self.board.sessions() as f64;
        vec![
            Family::counter(
                "pqvpn_packets_sent_total",
                "Datagrams sent.",
                counts.packets_sent,
            ),
            Family::counter(
                "pqvpn_packets_recv_total",
                "Datagrams received.",
                counts.packets_received,
            ),
            Family::counter(
                "pqvpn_bytes_sent_total",
                "Bytes of datagrams sent.",
                counts.bytes_sent,
            ),
            Family::counter(
                "pqvpn_bytes_recv_total",
                "Bytes of datagrams received.",
                counts.bytes_received,
            ),
            Family::gauge("pqvpn_sessions_active", "Peers with a session.", sessions),
            Family::counter(
                "pqvpn_rekeys_performed",
                "Sessions that have followed another.",
                self.board.rekeys(),
            ),
            Family::counter(
                "pqvpn_handshake_retries_total",
                "Calls that came to nothing and are made again.",
                self.board.retries(),
            ),
            Family::counters(
                "pqvpn_handshakes_per_peer",
                "Handshakes that have ended in a session.",
                "peer",
                handshakes,
            ),
            Family::counters(
                "pqvpn_drops_total",
                "What was not done, by reason.",
                "reason",
                drops,
            ),
            Family::histogram(
                "pqvpn_handshake_latency_seconds",
                "From the wish for a session with a peer that is called to the session.",
                &self.board.latency(),
            ),
            Family::gauge(
                "pqvpn_uptime_seconds",
                "Since the process began.",
                now.since_start.as_secs_f64(),
            ),
        ]
    }
}
