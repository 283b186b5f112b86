//! Packets between the interface and the network through the data plane: the node is asked only
//! where the plane has no session.
//!
//! ```text
//!  interface ─batch▶ whose? MSS, sealed in place, in runs ─▶ network
//!  network ─runs▶ opened in place, whose? MSS, in a batch ─▶ interface
//! ```
//!
//! One thread for each direction, which blocks where it waits and hands over batches, never single
//! packets.

use pqfw_framework::interface::{HEADROOM, Interface, InterfaceError, TAILROOM};
use pqfw_framework::transport::{DatagramBatch, Packet, TransportError};

use super::runs::Runs;
use super::traffic::{Traffic, add};
use crate::driver::{Carrier, DriverError};
use crate::packets::{clamp, destination};
use crate::plane::Taken;
use crate::session::DataError;

impl Traffic {
    /// Seals what comes from the interface, until that is closed or the node has stopped: the work
    /// of a thread.
    pub(super) fn carry_out(
        &self,
        carrier: &Carrier,
        interface: &dyn Interface,
    ) -> Result<(), InterfaceError> {
        let mut batch = self.batch();
        let mut runs = Runs::new(carrier.path.most_in_run());
        let (mut asked, mut worn) = (Vec::new(), Vec::new());
        loop {
            match interface.receive(&mut batch) {
                Err(InterfaceError::Closed) => return Ok(()),
                received => received?,
            }
            add(&self.counts.taken, batch.len());
            let (table, now) = (self.routing.table(), carrier.now());
            let (mut unrouted, mut unsent, mut clamped) = (0, 0, 0);
            let mut outgoing = carrier.plane.outgoing();
            for frame in batch.frames_mut() {
                let end = frame.len().saturating_sub(TAILROOM);
                let packet = frame.get_mut(HEADROOM..end).unwrap_or_default();
                let Some(peer) = destination(packet).and_then(|to| table.peer_of(to)) else {
                    unrouted += 1;
                    continue;
                };
                clamped += usize::from(clamp(packet, self.mtu));
                // One thread, one shard: all flows take the first.
                let Some((sealer, to)) = outgoing.to(peer, 0) else {
                    asked.push((peer, packet.to_vec()));
                    continue;
                };
                match sealer.seal(now, 0, frame) {
                    Ok(_) => runs.push(to, frame),
                    Err(why) => {
                        unsent += 1;
                        if why == DataError::Exhausted && worn.last() != Some(&peer) {
                            worn.push(peer);
                        }
                    }
                }
            }
            drop(outgoing);
            let (mut datagrams, mut bytes) = (0, 0);
            runs.send(|to, run, size| {
                datagrams += run.len().div_ceil(size);
                bytes += run.len();
                carrier.path.send(to, run, size);
            });
            carrier.sent(datagrams, bytes);
            add(&self.counts.unrouted, unrouted);
            add(&self.counts.unsent, unsent);
            add(&self.counts.clamped, clamped);
            for peer in worn.drain(..) {
                // It is asked for again as long as it is needed.
                let _ = self.node.rekey(peer);
            }
            for (peer, packet) in asked.drain(..) {
                match futures_executor::block_on(self.node.send(peer, 0, vec![packet])) {
                    Ok(()) => {}
                    Err(DriverError::Stopped) => return Ok(()),
                    Err(_) => add(&self.counts.unsent, 1),
                }
            }
        }
    }

    /// Opens what comes from the network, until the path is closed: the work of a thread. What is
    /// not for the plane goes to the node.
    pub(super) fn carry_in(
        &self,
        carrier: &Carrier,
        interface: &dyn Interface,
    ) -> Result<(), CarryError> {
        let mut batch = self.batch();
        let mut datagrams = DatagramBatch::default();
        let (mut others, mut heard) = (Vec::new(), Vec::new());
        while carrier.path.receive(&mut datagrams)? {
            let now = carrier.now();
            let (mut refused, mut opened, mut bytes) = (0, 0, 0);
            let mut incoming = carrier.plane.incoming();
            for (from, datagram) in datagrams.datagrams_mut() {
                let length = datagram.len();
                let (taken, told) = incoming.open(now, from, datagram);
                heard.extend(told);
                if taken != Taken::Other {
                    opened += 1;
                    bytes += length;
                }
                match taken {
                    Taken::Packet(peer, packet) => {
                        self.give(interface, &mut batch, peer, packet)?;
                    }
                    Taken::Refused(_) => refused += 1,
                    Taken::Nothing => {}
                    Taken::Other => others.push(Packet {
                        peer: from,
                        bytes: datagram.to_vec(),
                    }),
                }
            }
            drop(incoming);
            carrier.received(opened, bytes);
            self.flush(interface, &mut batch)?;
            add(&self.counts.unopened, refused);
            if !heard.is_empty() || !others.is_empty() {
                carrier.tell(heard.drain(..), std::mem::take(&mut others));
            }
        }
        Ok(())
    }
}

/// What ends the thread that opens.
#[derive(Debug)]
pub(super) enum CarryError {
    Interface(InterfaceError),
    Transport(TransportError),
}

impl From<InterfaceError> for CarryError {
    fn from(error: InterfaceError) -> Self {
        Self::Interface(error)
    }
}

impl From<TransportError> for CarryError {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}
