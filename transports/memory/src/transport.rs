//! Exchanges between named endpoints of one process.
//!
//! Addresses are `memory:NAME`; `memory:` alone listens under a fresh name, as port 0 does. The
//! endpoints live inside the [`MemoryTransport`] value, so that two values are two networks.
//!
//! A service answers on the thread that polls the exchange: there are no queues and no other
//! threads, which makes a simulation the same every time. It also means that the service is the
//! caller's to wait for. Of the limits only `body_bytes` has a meaning here: there are no heads,
//! no connections, no addresses to count, and no waiting for a peer.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::{
    BoxFuture, Delivery, Exchange, ExchangeService, Listener, Request, Response, Transport,
    TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;
use tokio::sync::watch;

/// A network inside one process.
#[derive(Default)]
pub struct MemoryTransport {
    network: Arc<Mutex<Network>>,
}

impl MemoryTransport {
    /// Makes a network that nobody listens on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Transport for MemoryTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "memory",
            summary: "both ends inside one process, for tests and simulation",
            deliveries: &[Delivery::Exchange],
            tls: false,
        }
    }

    fn loopback(&self) -> &'static str {
        "memory:"
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move {
            let (stop, under_way) = watch::channel(());
            let endpoint = Endpoint {
                service,
                world,
                body_bytes: settings.limits.body_bytes,
                _under_way: under_way,
            };
            let wanted = name_in(&settings.listen)?;
            let name = lock(&self.network)
                .listen(wanted, endpoint)
                .ok_or_else(|| TransportError::Listen {
                    address: settings.listen.clone(),
                    reason: "the name is taken in this process".into(),
                })?;
            let listener = MemoryListener {
                url: format!("{SCHEME}{name}"),
                place: Place {
                    network: self.network.clone(),
                    name,
                },
                under_way: stop,
            };
            Ok(Box::new(listener) as Box<dyn Listener>)
        })
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        let name = name_in(&settings.connect)?;
        if name.is_empty() {
            return Err(TransportError::Address {
                address: settings.connect.clone(),
                reason: "a client needs a name, such as memory:server".into(),
            });
        }
        Ok(Arc::new(MemoryExchange {
            network: self.network.clone(),
            name: name.into(),
            address: settings.connect.clone(),
            body_bytes: settings.limits.body_bytes,
        }))
    }
}

const SCHEME: &str = "memory:";

fn name_in(address: &str) -> Result<&str, TransportError> {
    address
        .strip_prefix(SCHEME)
        .ok_or_else(|| TransportError::Address {
            address: address.into(),
            reason: "the memory transport takes memory:NAME".into(),
        })
}

#[derive(Default)]
struct Network {
    endpoints: BTreeMap<String, Endpoint>,
    unnamed: u64,
}

#[derive(Clone)]
struct Endpoint {
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
    body_bytes: usize,
    /// Every exchange under way holds a clone, and a shutdown waits until there is none.
    _under_way: watch::Receiver<()>,
}

impl Network {
    /// Gives the name that is listened on, or `None` when it is taken.
    fn listen(&mut self, wanted: &str, endpoint: Endpoint) -> Option<String> {
        let mut name = wanted.to_owned();
        while name.is_empty() || (wanted.is_empty() && self.endpoints.contains_key(&name)) {
            self.unnamed += 1;
            name = format!("unnamed-{}", self.unnamed);
        }
        if self.endpoints.contains_key(&name) {
            return None;
        }
        self.endpoints.insert(name.clone(), endpoint);
        Some(name)
    }
}

/// A panic elsewhere cannot leave the network half changed: each holder makes one change.
fn lock(network: &Mutex<Network>) -> MutexGuard<'_, Network> {
    network.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name on the network; nobody is reached under it after its drop.
struct Place {
    network: Arc<Mutex<Network>>,
    name: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.network).endpoints.remove(&self.name);
    }
}

struct MemoryListener {
    url: String,
    place: Place,
    under_way: watch::Sender<()>,
}

impl Listener for MemoryListener {
    fn url(&self) -> &str {
        &self.url
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.place);
            self.under_way.closed().await;
        })
    }
}

struct MemoryExchange {
    network: Arc<Mutex<Network>>,
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
            let Some(endpoint) = lock(&self.network).endpoints.get(&self.name).cloned() else {
                return Err(TransportError::Connect {
                    address: self.address.clone(),
                    reason: "nobody listens under that name in this process".into(),
                });
            };
            request.peer = None;
            let response = endpoint.respond(&request);
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

impl Endpoint {
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
