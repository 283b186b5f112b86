//! The work itself: what is to be sent is sent, what comes is handed to the node, and jobs to the pool.

use std::future::poll_fn;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use pqfw_framework::transport::{Packet, TransportError};

use super::pool::Pool;
use super::{DriverError, Shared, State};
use crate::driver::state::count;
use crate::handshake::Done;
use crate::node::Input;

/// So many datagrams are received at once.
const BATCH: usize = 64;

/// Does the work until the node is stopped or the socket is no more.
pub(super) async fn drive(shared: Arc<Shared>, pool: Pool<Done>) -> Result<(), DriverError> {
    let ended = loop {
        let (frames, stopping, waits) = shared.turn(&pool);
        if !frames.is_empty() {
            if let Err(error) = shared.socket.send(&frames).await {
                break Err(error.into());
            }
            continue;
        }
        if stopping {
            break Ok(());
        }
        match shared.wait(waits).await {
            Ok(packets) => shared.received(packets),
            Err(error) => break Err(error.into()),
        }
    };
    let mut state = shared.lock();
    state.ended = true;
    state.reader.take().into_iter().for_each(Waker::wake);
    ended
}

impl Shared {
    /// Hands the node what is done, and the pool what is to be done; gives what is to be sent.
    fn turn(&self, pool: &Pool<Done>) -> (Vec<Packet>, bool, Option<Duration>) {
        let mut state = self.lock();
        state.woken = false;
        let now = self.world.now();
        let mut frames = std::mem::take(&mut state.unsent);
        for done in std::mem::take(&mut state.done) {
            // The refusal of a result is counted.
            let _ = state.tell(now, Input::Done(done), &mut frames);
        }
        state.drain(now, &mut frames);
        for job in std::mem::take(&mut state.jobs) {
            if !pool.submit(Box::new(move |rng| job.run(rng))) {
                state.counts.jobs_dropped += 1;
            }
        }
        (frames, state.stopping, state.waits)
    }

    /// Waits for datagrams, for the time, or until somebody wants something.
    async fn wait(&self, waits: Option<Duration>) -> Result<Vec<Packet>, TransportError> {
        let mut receive = self.socket.receive(BATCH);
        let mut timer = waits.map(|moment| self.world.sleep_until(moment));
        poll_fn(|context| {
            if let Poll::Ready(received) = receive.as_mut().poll(context) {
                return Poll::Ready(received);
            }
            let timer = timer.as_mut().map(|timer| timer.as_mut().poll(context));
            let mut state = self.lock();
            state.driver = Some(context.waker().clone());
            if state.woken || timer.is_some_and(|timer| timer.is_ready()) {
                return Poll::Ready(Ok(Vec::new()));
            }
            Poll::Pending
        })
        .await
    }

    pub(super) fn received(&self, packets: Vec<Packet>) {
        let mut state = self.lock();
        let now = self.world.now();
        let mut frames = Vec::new();
        for Packet { peer, bytes } in packets {
            state.counts.packets_received += 1;
            state.counts.bytes_received += count(bytes.len());
            let input = Input::Datagram { from: peer, bytes };
            // To the network a refusal is silence; it is counted.
            let _ = state.tell(now, input, &mut frames);
        }
        state.unsent.append(&mut frames);
    }

    /// A job was done, or has panicked.
    pub(super) fn done(&self, done: Option<Done>) {
        let mut state = self.lock();
        match done {
            Some(done) => state.done.push(done),
            None => state.counts.jobs_panicked += 1,
        }
        state.wake();
    }

    pub(super) fn stop(&self) {
        let mut state = self.lock();
        let now = self.world.now();
        let mut frames = Vec::new();
        for peer in state.node.peers() {
            let _ = state.tell(now, Input::Drop(peer), &mut frames);
        }
        state.unsent.append(&mut frames);
        state.stopping = true;
        state.wake();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked held nothing half changed: every step ends in a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
