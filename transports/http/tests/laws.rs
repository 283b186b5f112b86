//! The laws of exchanges, over loopback sockets of both families.

#[macro_use]
#[path = "../../memory/tests/laws/mod.rs"]
mod laws;

#[path = "../../tls/tests/carrier/mod.rs"]
mod carrier;

use carrier::Carried;
use laws::Subject;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::Delivery;
use pqfw_http::HttpTransport;

fn on(listen: &'static str) -> Subject {
    Subject {
        transport: Box::new(HttpTransport),
        listen,
    }
}

mod ipv4 {
    fn http() -> crate::Subject {
        crate::on("127.0.0.1:0")
    }

    exchange_laws!(http);
}

mod ipv6 {
    fn http() -> crate::Subject {
        crate::on("[::1]:0")
    }

    exchange_laws!(http);
}

mod under_tls {
    fn https() -> crate::Subject {
        crate::Subject {
            transport: Box::new(crate::Carried::new(crate::HttpTransport)),
            listen: "127.0.0.1:0",
        }
    }

    exchange_laws!(https);
}

#[test]
fn the_plugin_brings_the_transport() {
    let registry = Registry::builder().with(pqfw_http::plugin()).build();
    assert!(
        registry
            .unwrap()
            .transport("http")
            .unwrap()
            .info()
            .delivers(Delivery::Exchange)
    );
    let registry = Registry::discover().build().unwrap();
    assert!(registry.transport("http").is_ok());
}
