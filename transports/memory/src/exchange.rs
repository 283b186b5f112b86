//! Exchanges between named endpoints of one process.
//!
//! A service answers on the thread that polls the exchange: there are no queues and no other
//! threads, which makes a simulation the same every time. It also means that the service is the
//! caller's to wait for. Of the limits only `body_bytes` has a meaning here: there are no heads,
//! no connections, no addresses to count, and no waiting for a peer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Listener, Request, Response, TransportError,
    TransportSettings,
};
use pqfw_framework::world::World;
use tokio::sync::watch;

use crate::network::{Endpoint, Network, Place};

/// Listens under a name.
pub(crate) fn serve(
    network: &Network,
    settings: &TransportSettings,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
) -> Result<Box<dyn Listener>, TransportError> {
    let (stop, under_way) = watch::channel(());
    let desk = MemoryDesk {
        service,
        world,
        body_bytes: settings.limits.body_bytes,
        _under_way: under_way,
    };
    let place = network.listen(&settings.listen, |_| Endpoint::Exchange(desk))?;
    Ok(Box::new(MemoryListener {
        place,
        under_way: stop,
    }))
}

/// Makes a client of a name, which need not be listened on yet.
pub(crate) fn connect(
    network: &Network,
    settings: &TransportSettings,
) -> Result<Arc<dyn Exchange>, TransportError> {
    Ok(Arc::new(MemoryExchange {
        name: Network::wanted(&settings.connect)?.into(),
        network: network.clone(),
        address: settings.connect.clone(),
        body_bytes: settings.limits.body_bytes,
    }))
}

/// Where one endpoint answers.
#[derive(Clone)]
pub(crate) struct MemoryDesk {
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
    body_bytes: usize,
    /// Every exchange under way holds a clone, and a shutdown waits until there is none.
    _under_way: watch::Receiver<()>,
}

struct MemoryListener {
    place: Place,
    under_way: watch::Sender<()>,
}

impl Listener for MemoryListener {
    fn url(&self) -> &str {
        self.place.url()
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.place);
            self.under_way.closed().await;
        })
    }
}

struct MemoryExchange {
    network: Network,
    name: String,
    address: String,
    body_bytes: usize,
}

impl Exchange for MemoryExchange {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            if !request.route.starts_with('/') || request.route.contains(['?', '#']) {
                return Err(TransportError::Address {
                    address: format!("{}{}", self.address, request.route),
                    reason: "a route begins with / and has no query".into(),
                });
            }
            let Some(Endpoint::Exchange(desk)) = self.network.endpoint(&self.name) else {
                return Err(Network::nobody(&self.address));
            };
            request.peer = None;
            let response = desk.respond(&request);
            if response.body.len() > self.body_bytes {
                return Err(TransportError::TooLarge {
                    address: self.address.clone(),
                    limit: self.body_bytes,
                });
            }
            Ok(response)
        })
    }
}

impl MemoryDesk {
    /// Answers as the other transports do: a refusal for a large body, 500 for a fault of ours.
    fn respond(&self, request: &Request) -> Response {
        if request.body.len() > self.body_bytes {
            return refusal(413, "the request body is too large");
        }
        let (now, mut rng) = (self.world.now(), self.world.rng());
        let service = AssertUnwindSafe(|| self.service.respond(now, &mut *rng, request));
        match catch_unwind(service) {
            Ok(response) if FINAL_STATUS.contains(&response.status) => response,
            Ok(_) | Err(_) => refusal(500, "Internal Server Error"),
        }
    }
}

/// What RFC 9110 section 15 lets a final response have.
const FINAL_STATUS: std::ops::Range<u16> = 200..600;

fn refusal(status: u16, detail: &str) -> Response {
    let body = format!(r#"{{"detail":"{detail}"}}"#).into_bytes();
    Response { status, body }
}
