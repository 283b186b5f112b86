//! The transport: lofts with names, and pigeons that find them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::{
    BoxFuture, Delivery, Exchange, ExchangeService, Listener, Request, Response, Transport,
    TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;

/// The transport's name, which is the scheme of its addresses.
const NAME: &str = "pigeon";

/// The transport. Clones know the same lofts.
#[derive(Clone, Default)]
pub struct Pigeon {
    lofts: Arc<Mutex<BTreeMap<String, Loft>>>,
}

/// Where a service waits for pigeons.
#[derive(Clone)]
struct Loft {
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
    body_bytes: usize,
}

impl Transport for Pigeon {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: NAME,
            summary: "a toy: requests between two ends of one process",
            deliveries: &[Delivery::Exchange],
            tls: false,
        }
    }

    fn loopback(&self) -> &'static str {
        "pigeon:home"
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move {
            let name = name_in(&settings.listen)?;
            let loft = Loft {
                service,
                world,
                body_bytes: settings.limits.body_bytes,
            };
            let mut lofts = self.lofts();
            if lofts.contains_key(name) {
                return Err(TransportError::Listen {
                    address: settings.listen.clone(),
                    reason: "the loft is taken".into(),
                });
            }
            lofts.insert(name.into(), loft);
            let keeper = Keeper {
                pigeon: self.clone(),
                name: name.into(),
                url: settings.listen.clone(),
            };
            Ok(Box::new(keeper) as Box<dyn Listener>)
        })
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        Ok(Arc::new(Flight {
            pigeon: self.clone(),
            name: name_in(&settings.connect)?.into(),
            url: settings.connect.clone(),
            body_bytes: settings.limits.body_bytes,
        }))
    }
}

impl Pigeon {
    /// A panic elsewhere cannot leave the map half changed: each holder makes one change.
    fn lofts(&self) -> MutexGuard<'_, BTreeMap<String, Loft>> {
        self.lofts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `home` of `pigeon:home`.
fn name_in(address: &str) -> Result<&str, TransportError> {
    let name = address
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix(':'));
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| TransportError::Address {
            address: address.escape_debug().to_string(),
            reason: "write pigeon:NAME".into(),
        })
}

/// The server's end.
struct Keeper {
    pigeon: Pigeon,
    name: String,
    url: String,
}

impl Listener for Keeper {
    fn url(&self) -> &str {
        &self.url
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        // Nothing can be under way: a pigeon is answered before its sender does anything else.
        Box::pin(async move { drop(self) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pigeon.lofts().remove(&self.name);
    }
}

/// The client's end.
struct Flight {
    pigeon: Pigeon,
    name: String,
    url: String,
    body_bytes: usize,
}

impl Exchange for Flight {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            // The lock is given back before the service runs, which may send pigeons itself.
            let loft = self.pigeon.lofts().get(&self.name).cloned();
            let loft = loft.ok_or_else(|| TransportError::Connect {
                address: self.url.clone(),
                reason: "there is no such loft in this process".into(),
            })?;
            let response = loft.respond(&request);
            if response.body.len() > self.body_bytes {
                return Err(TransportError::TooLarge {
                    address: self.url.clone(),
                    limit: self.body_bytes,
                });
            }
            Ok(response)
        })
    }
}

impl Loft {
    /// Answers as the other transports do: 413 for a large body, 500 for a fault of the service.
    fn respond(&self, request: &Request) -> Response {
        if request.body.len() > self.body_bytes {
            return status(413);
        }
        let (now, mut rng) = (self.world.now(), self.world.rng());
        let respond = AssertUnwindSafe(|| self.service.respond(now, &mut *rng, request));
        catch_unwind(respond).unwrap_or_else(|_| status(500))
    }
}

fn status(status: u16) -> Response {
    let body = Vec::new();
    Response { status, body }
}
