//! The laws of what UDP delivers, over loopback sockets of both families.

#[macro_use]
#[path = "../../memory/tests/laws/mod.rs"]
mod laws;

use std::sync::Arc;

use laws::Subject;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::{Delivery, TlsSettings, TlsTrust, Transport, TransportError};
use pqfw_udp::UdpTransport;

fn on(listen: &'static str) -> Subject {
    Subject {
        transport: Box::new(UdpTransport),
        listen,
    }
}

mod ipv4 {
    fn udp() -> crate::Subject {
        crate::on("127.0.0.1:0")
    }

    datagram_laws!(udp);
}

mod ipv6 {
    fn udp() -> crate::Subject {
        crate::on("[::1]:0")
    }

    datagram_laws!(udp);
}

#[tokio::test]
async fn tls_is_refused_rather_than_left_out() {
    let mut settings = laws::settings("127.0.0.1:0");
    settings.tls = Some(Arc::new(TlsSettings {
        groups: Vec::new(),
        signatures: Vec::new(),
        identity: None,
        servers: TlsTrust::Carrier,
        clients: None,
        require_client: false,
        raw_public_keys: false,
        world: laws::world(),
    }));
    let udp = on("127.0.0.1:0").transport;
    let bound = udp.bind_datagrams(&settings).await.map(drop);
    assert!(matches!(bound, Err(TransportError::Tls(_))), "{bound:?}");
}

#[tokio::test]
async fn what_it_does_not_deliver_is_unsupported() {
    let udp = on("127.0.0.1:0").transport;
    let settings = laws::settings("udp://127.0.0.1:1");
    let outcome = udp.connect_exchange(&settings).map(drop);
    assert!(matches!(outcome, Err(TransportError::Unsupported { .. })));
}

#[test]
fn the_plugin_brings_the_transport() {
    let registry = Registry::builder().with(pqfw_udp::plugin()).build();
    let info = registry.unwrap().transport("udp").unwrap().info();
    assert!(info.delivers(Delivery::Datagram) && !info.delivers(Delivery::Stream));
    let registry = Registry::discover().build().unwrap();
    assert!(registry.transport("udp").is_ok());
}

#[tokio::test]
async fn a_socket_keeps_what_it_is_asked_to_or_what_the_system_allows() {
    let settings = laws::settings("127.0.0.1:0");
    let socket = UdpTransport.bind_datagrams(&settings).await.unwrap();
    let kept = |bytes| socket.ask_receive_buffer(bytes).unwrap();
    let (less, more) = (kept(8 << 10), kept(64 << 10));
    assert!(8 << 10 <= less && less < more, "{less} and {more}");
}
