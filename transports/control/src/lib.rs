//! The operator's doors: a Unix socket, a loopback port with a token, and metrics for Prometheus.
//! All speak HTTP/1.1 with JSON, so that `curl --unix-socket` is a client too.
//!
//! ```text
//!  control.sock, 0600 ─┐
//!  127.0.0.1, token   ─┼▶ connection ─▶ answer ─▶ desk ─▶ an ExchangeService
//!  metrics            ─┘                  └─▶ a MetricsSource
//! ```
//!
//! | limit | | at the limit |
//! | --- | --- | --- |
//! | connections | 16 of each door | further ones wait |
//! | head | 8 KiB | 431, closed |
//! | body | 64 KiB | 413, closed; a client refuses an answer above 4 MiB |
//! | silence | 30 s | closed |
//! | a request | 30 s | 408, 503 or 504 |
//!
//! Nothing here knows a system. A door protects by who may open it: the socket by its mode, the port
//! by its token, which is compared in constant time; both are of this machine alone. Metrics are
//! read-only and hold no secret; whoever binds them elsewhere than to the loopback shows them to
//! that network.

mod answer;
mod client;
mod connection;
mod door;
#[cfg(unix)]
mod socket;

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::control::{Control, Door, LEAST_TOKEN_BYTES};
use pqfw_framework::metrics::MetricsSource;
use pqfw_framework::transport::{
    BoxFuture, ExchangeService, Listener, TransportError, TransportLimits,
};
use pqfw_framework::world::World;
use pqfw_runtime::desk::Desk;
use pqfw_runtime::listen_address;

pub use client::Client;

use answer::{Answers, Managed, Measured};

/// What a door allows.
const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 64 << 10,
    header_bytes: 8 << 10,
    connections: 16,
    idle_secs: 30,
    request_secs: 30,
    per_ip_per_minute: 0,
};

/// Opens doors on this machine.
pub struct OsControl {
    directory: PathBuf,
}

impl OsControl {
    /// Sockets with relative paths are made in the state directory.
    #[must_use]
    pub fn new(state_directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: state_directory.into(),
        }
    }

    async fn socket(
        &self,
        path: String,
        answers: Arc<dyn Answers>,
    ) -> Result<Box<dyn Listener>, TransportError> {
        let path = self.directory.join(path);
        #[cfg(unix)]
        return socket::open(&path, answers).await;
        #[cfg(not(unix))]
        return door::unsupported(&path, answers).await;
    }
}

impl Control for OsControl {
    fn open(
        &self,
        door: Door,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move {
            let desk = Desk::new(LIMITS, service, world);
            match door {
                Door::Socket { path } => {
                    self.socket(path, Arc::new(Managed::new(desk, None))).await
                }
                Door::Loopback { listen, token } => {
                    let refused = |reason: &str| TransportError::Address {
                        address: listen.clone(),
                        reason: reason.into(),
                    };
                    if !listen_address(&listen)?.ip().is_loopback() {
                        let reason = "the operator's port is for this machine alone; listen on \
                                      127.0.0.1 or [::1]";
                        return Err(refused(reason));
                    }
                    if token.len() < LEAST_TOKEN_BYTES {
                        let reason = format!("its token has less than {LEAST_TOKEN_BYTES} bytes");
                        return Err(refused(&reason));
                    }
                    let answers = Managed::new(desk, Some(token));
                    door::open(&listen, Arc::new(answers)).await
                }
            }
        })
    }

    fn open_metrics(
        &self,
        listen: String,
        source: Arc<dyn MetricsSource>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move { door::open(&listen, Arc::new(Measured { source, world })).await })
    }
}
