//! What the tests over loopback sockets share.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    Exchange, ExchangeService, Listener, Request, Response, Transport, TransportError,
    TransportLimits, TransportSettings,
};
use pqfw_framework::world::Now;
use pqfw_http::HttpTransport;
use pqfw_memory::SeededWorld;

pub(crate) const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 1 << 20,
    header_bytes: 8192,
    connections: 10,
    idle_secs: 60,
    request_secs: 30,
    per_ip_per_minute: 0,
};

/// Answers with the request's body and remembers the request.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) seen: Mutex<Vec<Request>>,
}

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        self.seen.lock().unwrap().push(request.clone());
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

pub(crate) async fn serve(
    listen: &str,
    limits: TransportLimits,
    service: Arc<Echo>,
) -> Result<Box<dyn Listener>, TransportError> {
    let settings = TransportSettings {
        tls: None,
        listen: listen.into(),
        connect: String::new(),
        limits,
    };
    let world = Arc::new(SeededWorld::new(0));
    HttpTransport
        .serve_exchange(&settings, service, world)
        .await
}

pub(crate) fn client(
    connect: &str,
    limits: TransportLimits,
) -> Result<Arc<dyn Exchange>, TransportError> {
    let settings = TransportSettings {
        tls: None,
        listen: String::new(),
        connect: connect.into(),
        limits,
    };
    HttpTransport.connect_exchange(&settings)
}
