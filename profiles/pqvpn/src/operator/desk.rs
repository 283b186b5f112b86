//! The requests of the control socket.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /status` | who the node is, where, since when, and how many peers it talks to |
//! | `GET /sessions` | every session |
//! | `GET /peers` | every peer that is known, or was met |
//! | `GET /logs` | the last lines that it told |
//! | `POST /rekey {"peer": …}` | makes a new session |
//! | `POST /drop {"peer": …}` | ends the sessions, and calls the peer no more |
//!
//! A peer is named by its id, by the name it is called by, or by the first digits of its id, four at
//! least, that no other has. Errors are `{"detail": …}`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;
use serde_json::{Value, json};

use super::{Board, PeerRow};
use crate::driver::{DriverError, Handle};
use crate::known::KnownPeers;
use crate::node::Refusal;
use crate::peer_id::PeerId;
use crate::session::Role;
use crate::trust::Verdict;

/// What does not change while a node runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// What it is called.
    pub nickname: String,
    /// Its suites, by name.
    pub suites: Vec<String>,
    /// What its interface is.
    pub interface: &'static str,
    /// Whether its keys are gone with the process.
    pub temporary_keys: bool,
}

/// Where requests are answered.
pub struct Desk {
    node: Handle,
    board: Arc<Board>,
    known: Arc<KnownPeers>,
    facts: NodeFacts,
}

/// The fewest digits that name a peer.
const LEAST_DIGITS: usize = 4;

type Refused = (u16, String);

impl Desk {
    /// The desk of a node.
    #[must_use]
    pub fn new(node: Handle, board: Arc<Board>, known: Arc<KnownPeers>, facts: NodeFacts) -> Self {
        Self {
            node,
            board,
            known,
            facts,
        }
    }

    fn answer(&self, now: Now, request: &Request) -> Result<Value, Refused> {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/status") => Ok(self.status(now)),
            ("GET", "/sessions") => Ok(self.sessions(now)),
            ("GET", "/peers") => Ok(self.peers(now)),
            ("GET", "/logs") => Ok(self.logs()),
            ("POST", "/rekey") => self.act(request, Handle::rekey),
            ("POST", "/drop") => self.act(request, Handle::hang_up),
            (_, "/status" | "/sessions" | "/peers" | "/logs" | "/rekey" | "/drop") => {
                Err((405, "GET to ask, POST to do".into()))
            }
            _ => Err((404, "there is no such request; see /status".into())),
        }
    }

    fn status(&self, now: Now) -> Value {
        let counts = self.node.counts();
        json!({
            "system": "pqvpn",
            "nickname": self.facts.nickname,
            "peer_id": self.node.id().to_string(),
            "url": self.node.url(),
            "uptime_secs": now.since_start.as_secs(),
            "suites": self.facts.suites,
            "interface": self.facts.interface,
            "temporary_keys": self.facts.temporary_keys,
            "sessions": self.board.sessions(),
            "peers_known": self.known.known().len(),
            "packets_sent": counts.packets_sent,
            "packets_received": counts.packets_received,
            "bytes_sent": counts.bytes_sent,
            "bytes_received": counts.bytes_received,
            "refused": counts.refused.values().map(|refused| refused.count).sum::<u64>(),
        })
    }

    fn sessions(&self, now: Now) -> Value {
        let peers = self.board.peers();
        let up = peers.iter().filter(|(_, row)| row.up_since.is_some());
        let rows = up.map(|(id, row)| of_session(now, *id, row));
        json!({ "sessions": rows.collect::<Vec<_>>() })
    }

    fn peers(&self, now: Now) -> Value {
        let mut rows: BTreeMap<PeerId, Value> = BTreeMap::new();
        let met = self.board.peers();
        for (id, known) in self.known.known() {
            let row = met.get(&id);
            rows.insert(
                id,
                json!({
                    "peer": id.to_string(),
                    "name": known.name,
                    "known": if known.first_use { "first use" } else { "pinned" },
                    "up": row.is_some_and(|row| row.up_since.is_some()),
                    "session": row.map(|row| of_session(now, id, row)),
                }),
            );
        }
        json!({ "peers": rows.into_values().collect::<Vec<_>>() })
    }

    fn logs(&self) -> Value {
        let lines = self.board.lines();
        let lines = lines
            .iter()
            .map(|(at, text)| json!({ "at": at.iso8601(), "text": text }));
        json!({ "logs": lines.collect::<Vec<_>>() })
    }

    fn act(
        &self,
        request: &Request,
        act: impl FnOnce(&Handle, PeerId) -> Result<(), DriverError>,
    ) -> Result<Value, Refused> {
        let read = serde_json::from_slice::<Value>(&request.body).ok();
        let named = read.as_ref().and_then(|value| value.get("peer")?.as_str());
        let named = named.ok_or((400, "say which: {\"peer\": \"sha256:…\"}".to_owned()))?;
        let peer = self.find(named)?;
        match act(&self.node, peer) {
            Ok(()) => Ok(json!({ "peer": peer.to_string() })),
            Err(error @ DriverError::Refused(Refusal::NoPeer(_))) => Err((404, error.to_string())),
            Err(error) => Err((409, error.to_string())),
        }
    }

    /// The one peer that is called so.
    fn find(&self, named: &str) -> Result<PeerId, Refused> {
        if let Some(id) = PeerId::parse(named) {
            return Ok(id);
        }
        let met = self
            .board
            .peers()
            .into_iter()
            .map(|(id, row)| (id, row.name));
        let known = self
            .known
            .known()
            .into_iter()
            .map(|(id, known)| (id, known.name));
        let digits = named.strip_prefix("sha256:").unwrap_or(named);
        let is_named = |id: &PeerId, name: &Option<String>| {
            let text = id.to_string();
            let own = text.strip_prefix("sha256:").unwrap_or(&text);
            name.as_deref() == Some(named)
                || (digits.len() >= LEAST_DIGITS && own.starts_with(digits))
        };
        let found = met.chain(known).filter(|(id, name)| is_named(id, name));
        let found: BTreeMap<PeerId, _> = found.collect();
        let mut ids = found.into_keys();
        let shown = named.escape_debug();
        match (ids.next(), ids.next()) {
            (Some(id), None) => Ok(id),
            (None, _) => Err((404, format!("nothing is known of `{shown}`"))),
            (Some(_), Some(_)) => {
                let text = format!("`{shown}` names more than one peer; write more of the id");
                Err((409, text))
            }
        }
    }
}

fn of_session(now: Now, id: PeerId, row: &PeerRow) -> Value {
    let secs = |since: Now| now.since_start.saturating_sub(since.since_start).as_secs();
    json!({
        "peer": id.to_string(),
        "name": row.name,
        "endpoint": row.endpoint.to_string(),
        "role": match row.role {
            Role::Initiator => "initiator",
            Role::Responder => "responder",
        },
        "trusted": match row.standing {
            Verdict::Known => "known",
            Verdict::FirstUse => "first use",
            Verdict::Follows { first_use: true, .. } => "follows a peer of first use",
            Verdict::Follows { .. } => "follows a known peer",
            Verdict::Refused(_) => "refused",
        },
        "up_secs": row.up_since.map(secs),
        "keys_secs": secs(row.keys_since),
        "handshakes": row.handshakes,
        "rekeys": row.rekeys,
    })
}

impl ExchangeService for Desk {
    fn respond(&self, now: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        let (status, body) = match self.answer(now, request) {
            Ok(body) => (200, body),
            Err((status, detail)) => (status, json!({ "detail": detail })),
        };
        let body = body.to_string().into_bytes();
        Response { status, body }
    }
}
