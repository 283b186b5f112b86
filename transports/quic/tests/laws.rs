//! The laws of what QUIC delivers, over loopback sockets.
//!
//! Left out are those about who answers after the end: a UDP socket that is gone does not say so,
//! and connecting to it takes its whole time. `ends.rs` has them.

#[macro_use]
#[path = "../../memory/tests/laws/mod.rs"]
mod laws;

#[path = "../../tls/tests/carrier/mod.rs"]
mod carrier;

use carrier::Carried;
use laws::Subject;
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::Delivery;
use pqfw_quic::QuicTransport;

fn quic() -> Subject {
    on("127.0.0.1:0")
}

fn on(listen: &'static str) -> Subject {
    Subject {
        transport: Box::new(Carried::new(QuicTransport)),
        listen,
    }
}

mod exchanges {
    laws!(crate::quic, exchange:
        bytes_of_every_value_arrive_unchanged,
        method_route_and_status_arrive_unchanged,
        each_service_gets_time_and_chance_from_its_world,
        a_request_body_is_refused_above_the_limit_alone,
        a_response_body_is_refused_above_the_limit_alone,
        exchanges_at_once_do_not_mix,
        a_panic_is_answered_and_survived,
        a_status_that_is_none_is_our_fault,
        a_route_must_begin_with_a_slash_and_end_before_a_query,
        fresh_addresses_differ,
        a_shutdown_waits_for_the_exchange_under_way,
        nonsense_is_no_address,
    );
}

mod streams {
    laws!(crate::quic, stream:
        bytes_arrive_in_order_both_ways,
        an_end_is_read_after_everything_and_again,
        each_direction_ends_by_itself,
        a_writer_waits_while_nobody_reads,
        a_reader_that_leaves_breaks_the_writer,
        an_end_that_was_not_written_is_a_break,
        a_read_that_is_dropped_loses_nothing,
        streams_at_once_do_not_mix,
        connections_beyond_the_limit_wait_for_a_place,
        a_shutdown_waits_for_the_connection_under_way,
        fresh_addresses_of_streams_differ,
        nonsense_is_no_address_of_a_stream,
    );
}

mod ipv6 {
    fn quic() -> crate::Subject {
        crate::on("[::1]:0")
    }

    laws!(quic, stream: bytes_arrive_in_order_both_ways,);
    laws!(quic, exchange: bytes_of_every_value_arrive_unchanged,);
}

#[test]
fn the_plugin_brings_the_transport() {
    let registry = Registry::builder().with(pqfw_quic::plugin()).build();
    let info = registry.unwrap().transport("quic").unwrap().info();
    for delivery in [Delivery::Exchange, Delivery::Stream, Delivery::Datagram] {
        assert!(info.delivers(delivery));
    }
    let registry = Registry::discover().build().unwrap();
    assert!(registry.transport("quic").unwrap().needs_tls());
}
