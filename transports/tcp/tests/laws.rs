//! The laws of what TCP delivers, over loopback sockets of both families.

#[macro_use]
#[path = "../../memory/tests/laws/mod.rs"]
mod laws;

#[path = "../../tls/tests/carrier/mod.rs"]
mod carrier;

use carrier::Carried;
use laws::Subject;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::Delivery;
use pqfw_tcp::TcpTransport;

fn on(listen: &'static str) -> Subject {
    Subject {
        transport: Box::new(TcpTransport),
        listen,
    }
}

mod ipv4 {
    fn tcp() -> crate::Subject {
        crate::on("127.0.0.1:0")
    }

    exchange_laws!(tcp);
    stream_laws!(tcp);
    datagram_laws!(tcp);
}

mod ipv6 {
    fn tcp() -> crate::Subject {
        crate::on("[::1]:0")
    }

    exchange_laws!(tcp);
    stream_laws!(tcp);
    datagram_laws!(tcp);
}

mod under_tls {
    fn tls() -> crate::Subject {
        crate::Subject {
            transport: Box::new(crate::Carried::new(crate::TcpTransport)),
            listen: "127.0.0.1:0",
        }
    }

    exchange_laws!(tls);
    stream_laws!(tls);
    datagram_laws!(tls);
}

#[test]
fn the_plugin_brings_the_transport() {
    let registry = Registry::builder().with(pqfw_tcp::plugin()).build();
    let info = registry.unwrap().transport("tcp").unwrap().info();
    let all = [Delivery::Exchange, Delivery::Stream, Delivery::Datagram];
    assert!(all.into_iter().all(|delivery| info.delivers(delivery)));
    let registry = Registry::discover().build().unwrap();
    assert!(registry.transport("tcp").is_ok());
}
