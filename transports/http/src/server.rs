//! The listening socket and the connections it lets in.
//!
//! Connections beyond the limit are not accepted: they wait in the kernel's queue, whose length it
//! bounds, until a place is free. A burst is then slowed down rather than turned away, and since
//! silent connections end after `idle_secs`, a place comes free sooner or later.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{
    BoxFuture, ExchangeService, Listener, TransportError, TransportLimits, TransportSettings,
};
use pqfw_framework::world::World;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::address::listen_address;
use crate::connection::drive;
use crate::desk::Desk;
use crate::patience::seconds;
use crate::stop::{Stop, Stopper};

/// Listens, and serves until the listener is shut down or dropped.
pub(crate) async fn serve(
    settings: &TransportSettings,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
) -> Result<Box<dyn Listener>, TransportError> {
    let address = listen_address(&settings.listen)?;
    let no = |reason: String| TransportError::Listen {
        address: settings.listen.clone(),
        reason,
    };
    check(&settings.limits).map_err(|limit| {
        no(format!(
            "with transport.limits.{limit} = 0 no request would be answered"
        ))
    })?;
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|error| no(error.to_string()))?;
    let bound = socket.local_addr().map_err(|error| no(error.to_string()))?;
    let desk = Arc::new(Desk::new(settings.limits, service, world));
    let (stopper, stop) = Stop::pair();
    Ok(Box::new(HttpListener {
        url: format!("http://{bound}"),
        stopper,
        serving: tokio::spawn(accept_until_stopped(socket, desk, stop)),
    }))
}

/// Gives the name of a limit that would let nothing through.
fn check(limits: &TransportLimits) -> Result<(), &'static str> {
    match limits {
        TransportLimits { connections: 0, .. } => Err("connections"),
        TransportLimits { idle_secs: 0, .. } => Err("idle_secs"),
        TransportLimits {
            request_secs: 0, ..
        } => Err("request_secs"),
        _ => Ok(()),
    }
}

/// A server that listens. To drop it stops it too, without waiting for requests under way.
struct HttpListener {
    url: String,
    stopper: Stopper,
    serving: JoinHandle<()>,
}

impl Listener for HttpListener {
    fn url(&self) -> &str {
        &self.url
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.stopper.stop();
            // An error would be a panic of the accept loop, which is over either way.
            let _ = self.serving.await;
        })
    }
}

async fn accept_until_stopped(socket: TcpListener, desk: Arc<Desk>, mut stop: Stop) {
    let limits = desk.limits;
    let places = limits.connections.min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(places));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, accept(&socket).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            next = next => next,
            () = stop.requested() => break,
        };
        let (desk, stop) = (desk.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            drive(stream, peer.ip().to_canonical(), desk, stop).await;
        });
        // Forget those that are over, so that the set stays as small as the limit.
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    let all_over = async { while connections.join_next().await.is_some() {} };
    if timeout(seconds(limits.request_secs), all_over)
        .await
        .is_err()
    {
        connections.shutdown().await;
    }
}

/// Accepts one connection, however long that takes.
async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole, so there is nothing for Nagle's algorithm to gather.
                // Where it cannot be switched off they are late and not wrong.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            // A peer that left already, or no file descriptor left: the second does not pass at
            // once, and asking again in a tight loop would not help.
            Err(_) => sleep(ACCEPT_AGAIN).await,
        }
    }
}

const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
