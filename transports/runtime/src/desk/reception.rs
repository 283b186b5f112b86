//! The door of a server, and a place for everyone whom it lets in.
//!
//! Connections beyond the limit are not accepted: they wait where the operating system queues
//! them, until a place is free. A burst is then slowed down rather than turned away, and since
//! silent connections end, a place comes free sooner or later.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{BoxFuture, Listener, TransportLimits};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Stop, Stopper, seconds};

/// Where connections come in: a listening socket.
pub trait Door: Send + Sync {
    /// A connection.
    type Visitor: Send + 'static;

    /// Waits for the next one. Safe to drop.
    ///
    /// # Errors
    /// What the operating system says. The door is tried again after a moment.
    fn next(&self) -> impl Future<Output = io::Result<Self::Visitor>> + Send;
}

/// Gives the name of a limit that would let nothing through.
///
/// # Errors
/// The name, as a profile writes it.
pub fn usable(limits: &TransportLimits) -> Result<(), &'static str> {
    match limits {
        TransportLimits { connections: 0, .. } => Err("connections"),
        TransportLimits { idle_secs: 0, .. } => Err("idle_secs"),
        TransportLimits {
            request_secs: 0, ..
        } => Err("request_secs"),
        _ => Ok(()),
    }
}

/// Opens the door under that URL: lets visitors in, at most `limits.connections` at a time, and
/// drives each beside all others, until the listener is shut down or dropped. Then the door is
/// closed, the drivers hear the wish to stop, and have `limits.request_secs` to end.
pub fn open<D, F>(
    url: String,
    door: D,
    limits: TransportLimits,
    drive: impl Fn(D::Visitor, Stop) -> F + Send + Sync + 'static,
) -> Box<dyn Listener>
where
    D: Door + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (stopper, stop) = Stop::pair();
    let receiving = tokio::spawn(receive(door, limits, stop, drive));
    Box::new(Open {
        url,
        stopper,
        receiving,
    })
}

/// A server that listens. To drop it stops it too, without waiting for what is under way.
struct Open {
    url: String,
    stopper: Stopper,
    receiving: JoinHandle<()>,
}

impl Listener for Open {
    fn url(&self) -> &str {
        &self.url
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.stopper.stop();
            // An error would be a panic of the loop, which is over either way.
            let _ = self.receiving.await;
        })
    }
}

async fn receive<D, F>(
    door: D,
    limits: TransportLimits,
    mut stop: Stop,
    drive: impl Fn(D::Visitor, Stop) -> F,
) where
    D: Door,
    F: Future<Output = ()> + Send + 'static,
{
    let places = limits.connections.min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(places));
    let mut inside = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, visitor(&door).await)
        };
        let (place, visitor) = tokio::select! {
            next = next => next,
            () = stop.requested() => break,
        };
        let driven = drive(visitor, stop.clone());
        inside.spawn(async move {
            let _place = place;
            driven.await;
        });
        // Forget those that are over, so that the set stays as small as the limit.
        while inside.try_join_next().is_some() {}
    }
    drop(door);
    let all_over = async { while inside.join_next().await.is_some() {} };
    if timeout(seconds(limits.request_secs), all_over)
        .await
        .is_err()
    {
        inside.shutdown().await;
    }
}

/// Waits for one visitor, however long that takes.
async fn visitor<D: Door>(door: &D) -> D::Visitor {
    loop {
        match door.next().await {
            Ok(visitor) => return visitor,
            // A peer that left already, or no file descriptor left: the second does not pass at
            // once, and asking again in a tight loop would not help.
            Err(_) => sleep(KNOCK_AGAIN).await,
        }
    }
}

const KNOCK_AGAIN: Duration = Duration::from_millis(50);
