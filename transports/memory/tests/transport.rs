//! The laws of exchanges, and what is particular to memory.

#[macro_use]
mod laws;

use std::sync::Arc;

use laws::Subject;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::{
    ExchangeService, Request, Response, Transport, TransportError, TransportLimits,
    TransportSettings,
};
use pqfw_framework::world::Now;
use pqfw_memory::{MemoryTransport, SeededWorld};

fn memory() -> Subject {
    Subject {
        transport: Box::new(MemoryTransport::new()),
        listen: "memory:",
    }
}

exchange_laws!(memory);
stream_laws!(memory);
datagram_laws!(memory);

struct Peer;

impl ExchangeService for Peer {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        Response {
            status: 200,
            body: format!("{:?}", request.peer).into_bytes(),
        }
    }
}

fn settings(address: &str) -> TransportSettings {
    TransportSettings {
        tls: None,
        listen: address.into(),
        connect: address.into(),
        limits: TransportLimits {
            body_bytes: 100,
            header_bytes: 0,
            connections: 1,
            idle_secs: 1,
            request_secs: 1,
            per_ip_per_minute: 0,
        },
    }
}

#[tokio::test]
async fn a_name_is_listened_on_once_and_is_free_again_after_a_shutdown() {
    let transport = MemoryTransport::new();
    let (settings, world) = (settings("memory:a"), Arc::new(SeededWorld::new(1)));
    let serve = || transport.serve_exchange(&settings, Arc::new(Peer), world.clone());
    let first = serve().await.unwrap();
    assert_eq!(first.url(), "memory:a");
    assert!(matches!(serve().await, Err(TransportError::Listen { .. })));
    first.shutdown().await;
    assert!(serve().await.is_ok());
}

#[tokio::test]
async fn a_fresh_name_avoids_the_names_that_are_taken() {
    let transport = MemoryTransport::new();
    let world = Arc::new(SeededWorld::new(1));
    let taken = settings("memory:unnamed-1");
    let taken = transport.serve_exchange(&taken, Arc::new(Peer), world.clone());
    let taken = taken.await.unwrap();
    let fresh = settings("memory:");
    let fresh = transport.serve_exchange(&fresh, Arc::new(Peer), world);
    assert_ne!(fresh.await.unwrap().url(), taken.url());
}

#[tokio::test]
async fn two_values_are_two_networks() {
    let (here, there) = (MemoryTransport::new(), MemoryTransport::new());
    let (settings, world) = (settings("memory:a"), Arc::new(SeededWorld::new(1)));
    let _listener = here.serve_exchange(&settings, Arc::new(Peer), world).await;
    let client = there.connect_exchange(&settings).unwrap();
    let outcome = client.exchange(Request::get("/")).await;
    assert!(matches!(outcome, Err(TransportError::Connect { .. })));
}

#[tokio::test]
async fn a_client_cannot_choose_the_address_it_comes_from() {
    let transport = MemoryTransport::new();
    let (settings, world) = (settings("memory:a"), Arc::new(SeededWorld::new(1)));
    let listener = transport.serve_exchange(&settings, Arc::new(Peer), world);
    let _listener = listener.await.unwrap();
    let client = transport.connect_exchange(&settings).unwrap();
    let mut request = Request::get("/");
    request.peer = Some([127, 0, 0, 1].into());
    assert_eq!(client.exchange(request).await.unwrap().body, b"None");
}

#[test]
fn a_client_needs_a_name() {
    let outcome = MemoryTransport::new().connect_exchange(&settings("memory:"));
    assert!(matches!(outcome, Err(TransportError::Address { .. })));
}

#[test]
fn the_plugin_brings_the_transport() {
    let registry = Registry::builder().with(pqfw_memory::plugin()).build();
    assert!(
        registry
            .unwrap()
            .transport("memory")
            .unwrap()
            .info()
            .delivers(pqfw_framework::transport::Delivery::Exchange)
    );
    let registry = Registry::discover().build().unwrap();
    assert!(registry.transport("memory").is_ok());
}
