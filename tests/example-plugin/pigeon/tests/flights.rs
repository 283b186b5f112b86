//! What every transport of exchanges owes to those above it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pqfw_example_pigeon::{Pigeon, plugin};
use pqfw_framework::conformance::InsecureChance;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::{
    BoxFuture, Delivery, Exchange, ExchangeService, Listener, Request, Response, Transport,
    TransportError, TransportLimits, TransportSettings,
};
use pqfw_framework::world::{Now, World};

/// A pigeon never waits: what is not ready at once never will be.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// A world in which it is always the same moment.
struct Still;

impl World for Still {
    fn now(&self) -> Now {
        Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        }
    }

    fn sleep_until(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        Box::new(InsecureChance::new(0))
    }
}

/// Gives the body back, and falls over when it is asked to.
struct Echo;

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        assert_ne!(request.route, "/fall");
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

fn settings(address: &str, body_bytes: usize) -> TransportSettings {
    TransportSettings {
        listen: address.into(),
        connect: address.into(),
        limits: TransportLimits {
            body_bytes,
            header_bytes: 0,
            connections: 0,
            idle_secs: 0,
            request_secs: 0,
            per_ip_per_minute: 0,
        },
        tls: None,
    }
}

fn serve(pigeon: &Pigeon, address: &str) -> Result<Box<dyn Listener>, TransportError> {
    let settings = settings(address, 4);
    ready(pigeon.serve_exchange(&settings, Arc::new(Echo), Arc::new(Still)))
}

fn client(pigeon: &Pigeon, body_bytes: usize) -> Arc<dyn Exchange> {
    let settings = settings("pigeon:home", body_bytes);
    pigeon.connect_exchange(&settings).unwrap()
}

fn ask(client: &dyn Exchange, route: &str, body: &[u8]) -> Result<Response, TransportError> {
    ready(client.exchange(Request::post(route, body.to_vec())))
}

#[test]
fn what_is_asked_is_answered() {
    let pigeon = Pigeon::default();
    let listener = serve(&pigeon, "pigeon:home").unwrap();
    assert_eq!(listener.url(), "pigeon:home");
    let response = ask(&*client(&pigeon, 4), "/", b"coo").unwrap();
    assert_eq!((response.status, &response.body[..]), (200, &b"coo"[..]));
}

#[test]
fn a_body_at_the_limit_flies_and_one_above_it_does_not() {
    let pigeon = Pigeon::default();
    let _listener = serve(&pigeon, "pigeon:home").unwrap();
    let status = |body: &[u8]| ask(&*client(&pigeon, 9), "/", body).unwrap().status;
    assert_eq!((status(&[0; 4]), status(&[0; 5])), (200, 413));
    let refused = ask(&*client(&pigeon, 3), "/", &[0; 4]).unwrap_err();
    assert!(matches!(refused, TransportError::TooLarge { limit: 3, .. }));
}

#[test]
fn a_service_that_falls_over_is_a_500_and_the_next_pigeon_is_answered() {
    let pigeon = Pigeon::default();
    let _listener = serve(&pigeon, "pigeon:home").unwrap();
    let client = client(&pigeon, 4);
    assert_eq!(ask(&*client, "/fall", b"").unwrap().status, 500);
    assert_eq!(ask(&*client, "/", b"").unwrap().status, 200);
}

#[test]
fn a_loft_is_taken_until_its_keeper_goes() {
    let pigeon = Pigeon::default();
    let listener = serve(&pigeon, "pigeon:home").unwrap();
    let taken = serve(&pigeon, "pigeon:home").map(drop).unwrap_err();
    assert!(matches!(taken, TransportError::Listen { .. }));
    ready(listener.shutdown());
    let nobody = ask(&*client(&pigeon, 4), "/", b"").unwrap_err();
    assert!(matches!(nobody, TransportError::Connect { .. }));
    serve(&pigeon, "pigeon:home").map(drop).unwrap();
}

#[test]
fn an_address_of_another_scheme_is_refused() {
    for address in ["", "pigeon", "pigeon:", "http://home", "pigeons:home"] {
        let refused = serve(&Pigeon::default(), address).map(drop).unwrap_err();
        assert!(
            matches!(refused, TransportError::Address { .. }),
            "{address}"
        );
    }
}

#[test]
fn what_it_does_not_deliver_is_refused_in_its_name() {
    let registry = Registry::builder().with(plugin()).build().unwrap();
    let pigeon = registry.transport("pigeon").unwrap();
    let refused = ready(pigeon.connect_stream(&settings("pigeon:home", 4)));
    assert!(matches!(
        refused.map(drop),
        Err(TransportError::Unsupported {
            transport: "pigeon",
            delivery: Delivery::Stream,
            ..
        })
    ));
    assert!(!pigeon.info().delivers(Delivery::Datagram));
}
