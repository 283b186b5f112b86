//! What every transport owes to both its ends, for each delivery that it has.
//!
//! `exchange_laws!(make)`, `stream_laws!(make)` and `datagram_laws!(make)` make one test of each
//! law; `make` is a function that gives a [`Subject`]. The tests of the other transports include these files too: see
//! `transports/tcp/tests/laws.rs`. Nothing here sleeps or measures time: what must not have
//! happened yet is looked at after many turns of the runtime, and a law that is broken shows there
//! or hangs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    unused_macros,
    reason = "a transport runs the laws of what it delivers"
)]

pub(crate) mod datagram;
pub(crate) mod exchange;
pub(crate) mod stream;

use std::sync::Arc;

use pqfw_framework::transport::{Transport, TransportLimits, TransportSettings};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;

/// A transport, and where it picks a fresh address to listen on.
pub(crate) struct Subject {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) listen: &'static str,
}

macro_rules! exchange_laws {
    ($make:path) => {
        laws!($make, exchange:
            bytes_of_every_value_arrive_unchanged,
            method_route_and_status_arrive_unchanged,
            each_service_gets_time_and_chance_from_its_world,
            a_request_body_is_refused_above_the_limit_alone,
            a_response_body_is_refused_above_the_limit_alone,
            exchanges_at_once_do_not_mix,
            large_bodies_arrive_whole,
            thousands_of_exchanges_at_once_are_all_answered,
            an_exchange_that_is_dropped_takes_no_other_with_it,
            a_client_finds_a_server_that_is_there_again,
            a_session_arrives_and_what_is_none_does_not,
            a_panic_is_answered_and_survived,
            a_status_that_is_none_is_our_fault,
            a_route_must_begin_with_a_slash_and_end_before_a_query,
            fresh_addresses_differ,
            nobody_answers_after_a_shutdown,
            nobody_answers_after_a_drop,
            a_shutdown_waits_for_the_exchange_under_way,
            nonsense_is_no_address,
        );
    };
}

macro_rules! stream_laws {
    ($make:path) => {
        laws!($make, stream:
            bytes_arrive_in_order_both_ways,
            an_end_is_read_after_everything_and_again,
            each_direction_ends_by_itself,
            a_writer_waits_while_nobody_reads,
            a_reader_that_leaves_breaks_the_writer,
            an_end_that_was_not_written_is_a_break,
            a_read_that_is_dropped_loses_nothing,
            streams_at_once_do_not_mix,
            connections_beyond_the_limit_wait_for_a_place,
            nobody_is_there_after_a_shutdown,
            nobody_is_there_after_a_drop,
            a_shutdown_waits_for_the_connection_under_way,
            fresh_addresses_of_streams_differ,
            nonsense_is_no_address_of_a_stream,
        );
    };
}

macro_rules! datagram_laws {
    ($make:path) => {
        laws!($make, datagram:
            a_packet_arrives_whole_and_is_answered,
            a_packet_is_refused_above_the_limit_alone,
            batches_arrive_and_no_receipt_is_larger_than_its_limit,
            many_peers_are_told_apart,
            a_packet_to_nobody_is_lost,
            a_receipt_that_is_dropped_loses_nothing,
            an_address_is_taken_once_and_free_again,
            nonsense_is_no_address_of_a_socket,
        );
    };
}

macro_rules! laws {
    ($make:path, $delivery:ident: $($law:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $law() {
                crate::laws::$delivery::$law(&$make()).await;
            }
        )*
    };
}

pub(crate) const BODY_BYTES: usize = 1000;

pub(crate) fn settings(address: &str) -> TransportSettings {
    TransportSettings {
        tls: None,
        listen: address.into(),
        connect: address.into(),
        limits: TransportLimits {
            body_bytes: BODY_BYTES,
            header_bytes: 8192,
            connections: 100,
            idle_secs: 60,
            request_secs: 30,
            per_ip_per_minute: 0,
        },
    }
}

/// What is no address of any transport.
pub(crate) const NONSENSE: [&str; 7] = [
    "",
    "nonsense",
    "gopher://x",
    "://",
    "http:/x",
    "\0",
    "127.0.0.1:99999",
];

pub(crate) fn world() -> Arc<dyn World> {
    Arc::new(SeededWorld::new(1))
}

/// The address to listen on that a URL names.
pub(crate) fn address_in(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, address)| address)
}

/// Lets everybody go on who can.
pub(crate) async fn many_turns() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}
