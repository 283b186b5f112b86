//! What others do with a node at work.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;

use super::{Carrier, DriverError, Handle, Owner, Shared};
use crate::driver::Counts;
use crate::limits::MOST_WISHED_PACKETS;
use crate::node::{Event, Input, Refusal};
use crate::peer_id::PeerId;

impl Handle {
    /// Who this node is.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared().lock().node.id()
    }

    /// Where others reach it.
    #[must_use]
    pub fn url(&self) -> &str {
        self.shared().socket.url()
    }

    /// What it has done, and what it has dropped.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shared = self.shared();
        let mut counts = shared.lock().counts.clone();
        counts.add(&shared.carried);
        counts
    }

    /// Whether packets to a peer can be sealed.
    #[must_use]
    pub fn is_up(&self, peer: PeerId) -> bool {
        self.shared().lock().node.is_up(peer)
    }

    /// Keeps a session with the peer at an address, for good.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn connect(
        &self,
        name: &str,
        address: SocketAddr,
        peer: Option<PeerId>,
    ) -> Result<(), DriverError> {
        self.wish(Input::Connect {
            name: name.to_owned(),
            address,
            peer,
        })
    }

    /// Makes a new session with a peer.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn rekey(&self, peer: PeerId) -> Result<(), DriverError> {
        self.wish(Input::Rekey(peer))
    }

    /// Ends the sessions with a peer, and calls it no more.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn hang_up(&self, peer: PeerId) -> Result<(), DriverError> {
        self.wish(Input::Drop(peer))
    }

    /// Sends IP packets to a peer on a shard, and waits until the socket has them. On the way they
    /// may be lost.
    ///
    /// # Errors
    /// [`DriverError::Refused`] at the first that cannot be sealed, those before are sent;
    /// [`DriverError::Transport`], [`DriverError::Stopped`].
    pub async fn send(
        &self,
        peer: PeerId,
        shard: usize,
        packets: Vec<Vec<u8>>,
    ) -> Result<(), DriverError> {
        let shared = self.shared();
        let (refused, frames) = {
            let mut state = shared.lock();
            let now = state.begin(&*shared.world)?;
            let inputs = packets.into_iter().map(|packet| Input::Send {
                peer,
                shard,
                packet,
            });
            let mut frames = Vec::new();
            let mut refused = None;
            for input in inputs {
                if let Err(why) = state.tell(now, input, &mut frames) {
                    refused = Some(why);
                    break;
                }
            }
            state.wake_for_jobs();
            (refused, frames)
        };
        shared.socket.send(&frames).await?;
        refused.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Waits for the next event; `None` when the node has stopped and everything was told.
    pub async fn next(&self) -> Option<Event> {
        poll_fn(|context| {
            let mut state = self.shared().lock();
            if let Some(event) = state.inbox.pop_front() {
                return Poll::Ready(Some(event));
            }
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits for the next events, and gives as many as are there and as are wanted; `None` when the
    /// node has stopped and everything was told.
    pub async fn next_events(&self, most: usize) -> Option<Vec<Event>> {
        let mut events = vec![self.next().await?];
        let inbox = &mut self.shared().lock().inbox;
        let more = inbox.len().min(most.saturating_sub(1));
        events.extend(inbox.drain(..more));
        Some(events)
    }

    /// Ends every session, tells the peers, and stops.
    pub fn stop(&self) {
        self.shared().stop();
    }

    /// What carries packets beside this node, where something does.
    pub fn carrier(&self) -> Option<Carrier> {
        let shared = self.shared();
        let (plane, path) = shared.carries.as_ref()?;
        Some(Carrier {
            plane: plane.clone(),
            path: path.clone(),
            node: self.clone(),
        })
    }

    fn wish(&self, input: Input) -> Result<(), DriverError> {
        let shared = self.shared();
        let mut state = shared.lock();
        let now = state.begin(&*shared.world)?;
        if state.unsent.len() >= MOST_WISHED_PACKETS {
            return Err(Refusal::Queue.into());
        }
        let mut frames = Vec::new();
        let told = state.tell(now, input, &mut frames);
        state.unsent.append(&mut frames);
        state.wake();
        told.map_err(Into::into)
    }

    pub(super) fn shared(&self) -> &Shared {
        let Owner(shared) = &*self.0;
        shared
    }
}
