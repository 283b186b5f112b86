//! A node of the demo, with what it was told.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::system::{Host, RunError};

use super::wire::Wire;
use super::{DAY, failed};
use crate::config::Settings;
use crate::driver::{Driver, Handle, start, within};
use crate::identity::{Identity, RecordTerms};
use crate::node::{CallError, Config, Event};
use crate::peer_id::PeerId;
use crate::suites::Suites;
use crate::trust::{TrustList, TrustMode, Verdict};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A node, and what it was told.
pub(super) struct Party {
    pub(super) node: Handle,
    pub(super) wire: Arc<Wire>,
    pub(super) ups: Vec<(PeerId, Verdict)>,
    pub(super) rekeyed: usize,
    pub(super) packets: Vec<Vec<u8>>,
    pub(super) failures: Vec<CallError>,
    pub(super) closed: bool,
    host: Host,
}

impl Party {
    /// Opens a socket and starts a node on it, that knows some.
    pub(super) async fn start(
        (suites, identity): (&Suites, Arc<Identity>),
        (mode, known): (TrustMode, &[PeerId]),
        settings: &Settings,
        host: &Host,
    ) -> Result<(Self, Driver), RunError> {
        let now = host.world.now().unix_micros / 1_000_000;
        let terms = RecordTerms {
            expires_unix_secs: now + DAY.as_secs(),
            ..RecordTerms::default()
        };
        let record = identity.record(terms, &mut *host.world.rng());
        let trust = TrustList::new(mode, known.iter().map(|id| (*id, None)));
        let record = record.map_err(failed)?;
        let mut config = Config::new(suites.clone(), identity, record, Arc::new(trust));
        settings.apply(&mut config);
        let socket = host.transport.bind_datagrams(&host.settings).await?;
        if let Some(bytes) = settings.receive_buffer_bytes {
            socket.ask_receive_buffer(bytes);
        }
        let wire = Arc::new(Wire::new(socket, host.suite.digest.clone()));
        let (workers, world) = (settings.workers(), host.world.clone());
        let (node, driver) = start(config, workers, wire.clone(), world).map_err(failed)?;
        let party = Self {
            node,
            wire,
            ups: Vec::new(),
            rekeyed: 0,
            packets: Vec::new(),
            failures: Vec::new(),
            closed: false,
            host: host.clone(),
        };
        Ok((party, driver))
    }

    /// Listens until something has come to pass.
    pub(super) async fn until(
        &mut self,
        what: &str,
        has_come: impl Fn(&Self) -> bool,
    ) -> Result<(), RunError> {
        let world = self.host.world.clone();
        let waiting = async {
            while !has_come(self) {
                let event = self.node.next().await;
                self.note(event.ok_or_else(|| failed("a node has stopped"))?);
            }
            Ok(())
        };
        let came = within(&*world, PATIENCE, waiting).await;
        came.unwrap_or_else(|| Err(failed(format!("not in time: {what}"))))
    }

    /// Waits until the node has refused one more of a kind than before, and says why.
    pub(super) async fn refuses(&self, kind: &str, before: u64) -> Result<String, RunError> {
        let world = &self.host.world;
        let waiting = async {
            loop {
                let counts = self.node.counts();
                if let Some(refused) = counts.refused.get(kind).filter(|one| one.count > before) {
                    return refused.last.to_string();
                }
                let soon = world.now().since_start + Duration::from_millis(2);
                world.sleep_until(soon).await;
            }
        };
        let refused = within(&**world, PATIENCE, waiting).await;
        refused.ok_or_else(|| failed(format!("the attack was not refused as `{kind}`")))
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Up { peer, standing, .. } => self.ups.push((peer, standing)),
            Event::Rekeyed { .. } => self.rekeyed += 1,
            Event::Packet { packet, .. } => self.packets.push(packet),
            Event::CallFailed { why, .. } => self.failures.push(why),
            Event::Closed { .. } | Event::Dead { .. } => self.closed = true,
            Event::Moved { .. } | Event::Carries { .. } | Event::Refused { .. } => {}
        }
    }
}
