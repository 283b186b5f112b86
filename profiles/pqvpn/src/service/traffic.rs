//! Packets between the interface and the peers.
//!
//! ```text
//!  interface ─batch▶ a thread: whose address?  MSS ─▶ node ─▶ network
//!  network ─▶ node ─events▶ from an address of its own?  MSS ─batch▶ interface
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::interface::{Interface, InterfaceError, PacketBatch};

use super::routing::Routing;
use crate::driver::{DriverError, Handle};
use crate::packets::{clamp, destination, source};
use crate::peer_id::PeerId;

/// Packets of each fate.
#[derive(Default)]
pub(super) struct Counts {
    /// From the interface.
    pub(super) taken: AtomicU64,
    /// To the interface.
    pub(super) given: AtomicU64,
    /// To an address that no peer has.
    pub(super) unrouted: AtomicU64,
    /// From an address that is not its sender's.
    pub(super) foreign: AtomicU64,
    /// That the node did not send.
    pub(super) unsent: AtomicU64,
    /// Frames that did not open in the data plane.
    pub(super) unopened: AtomicU64,
    /// That the interface did not take.
    pub(super) undelivered: AtomicU64,
    /// SYNs whose MSS was lowered.
    pub(super) clamped: AtomicU64,
}

impl Counts {
    /// What was dropped, by reason.
    pub(super) fn drops(&self) -> [(&'static str, u64); 4] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("unrouted", read(&self.unrouted)),
            ("foreign", read(&self.foreign)),
            ("unsent", read(&self.unsent)),
            ("undelivered", read(&self.undelivered)),
        ]
    }

    /// Every number with its name.
    pub(super) fn all(&self) -> [(&'static str, u64); 8] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("packets_from_interface", read(&self.taken)),
            ("packets_to_interface", read(&self.given)),
            ("dropped_unrouted", read(&self.unrouted)),
            ("dropped_foreign", read(&self.foreign)),
            ("dropped_unsent", read(&self.unsent)),
            ("refused_unopened", read(&self.unopened)),
            ("dropped_undelivered", read(&self.undelivered)),
            ("segments_clamped", read(&self.clamped)),
        ]
    }
}

pub(super) fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// What both directions know.
#[derive(Clone)]
pub(super) struct Traffic {
    pub(super) node: Handle,
    pub(super) routing: Arc<Routing>,
    pub(super) counts: Arc<Counts>,
    pub(super) mtu: u16,
}

impl Traffic {
    /// A batch for packets of this MTU.
    pub(super) fn batch(&self) -> PacketBatch {
        PacketBatch::new(self.mtu.into())
    }

    /// Takes packets from the interface and has them sent, until the interface is closed or the
    /// node has stopped: the work of a thread.
    pub(super) fn take(&self, interface: &dyn Interface) -> Result<(), InterfaceError> {
        let mut batch = self.batch();
        loop {
            match interface.receive(&mut batch) {
                Err(InterfaceError::Closed) => return Ok(()),
                received => received?,
            }
            add(&self.counts.taken, batch.len());
            let clamped = batch.packets_mut().filter_map(|packet| {
                let lowered = clamp(packet, self.mtu);
                lowered.then_some(())
            });
            add(&self.counts.clamped, clamped.count());
            for (peer, packets) in self.by_peer(&batch) {
                let count = packets.len();
                let sent = self.node.send(peer, 0, packets);
                match futures_executor::block_on(sent) {
                    Ok(()) => {}
                    Err(DriverError::Stopped) => return Ok(()),
                    // How many of them were sent before the refusal is not known.
                    Err(_) => add(&self.counts.unsent, count),
                }
            }
        }
    }

    /// The packets of a batch in runs of one peer, in their order.
    fn by_peer(&self, batch: &PacketBatch) -> Vec<(PeerId, Vec<Vec<u8>>)> {
        let table = self.routing.table();
        let mut runs: Vec<(PeerId, Vec<Vec<u8>>)> = Vec::new();
        for packet in batch.packets() {
            let Some(peer) = destination(packet).and_then(|to| table.peer_of(to)) else {
                add(&self.counts.unrouted, 1);
                continue;
            };
            match runs.last_mut() {
                Some((last, packets)) if *last == peer => packets.push(packet.to_vec()),
                _ => runs.push((peer, vec![packet.to_vec()])),
            }
        }
        runs
    }

    /// Puts a packet of a peer into the batch for the interface, which is given when it is full.
    pub(super) fn give(
        &self,
        interface: &dyn Interface,
        batch: &mut PacketBatch,
        peer: PeerId,
        packet: &mut [u8],
    ) -> Result<(), InterfaceError> {
        let table = self.routing.table();
        if !source(packet).is_some_and(|from| table.admits(peer, from)) {
            add(&self.counts.foreign, 1);
            return Ok(());
        }
        if clamp(packet, self.mtu) {
            add(&self.counts.clamped, 1);
        }
        if batch.push(packet) {
            return Ok(());
        }
        self.flush(interface, batch)?;
        if !batch.push(packet) {
            add(&self.counts.undelivered, 1);
        }
        Ok(())
    }

    /// Gives the interface what is in the batch.
    pub(super) fn flush(
        &self,
        interface: &dyn Interface,
        batch: &mut PacketBatch,
    ) -> Result<(), InterfaceError> {
        let count = batch.len();
        if count > 0 {
            let given = interface.send(batch)?;
            add(&self.counts.given, given);
            add(&self.counts.undelivered, count.saturating_sub(given));
        }
        Ok(())
    }
}
