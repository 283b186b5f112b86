//! What was recorded before a restart opens nothing after it.

use pqfw_framework::world::World;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::handshake::PqcHandshake;

use crate::support::{CLIENT, House, NONCE, greet, identity, with_envelope};

#[test]
fn a_recorded_handshake_is_refused_after_a_restart() {
    let mut house = House::new();
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let (_, recorded) = PqcHandshake::initiate(&identity(CLIENT), now, &mut *rng).unwrap();
    assert_eq!(house.post("/handshake", &recorded).status, 200);
    assert_eq!(house.post("/handshake", &recorded).status, 500);
    house.restart();
    let error = house
        .server
        .handle_handshake(house.world.now(), &mut *rng, &recorded)
        .unwrap_err();
    assert!(matches!(error, PqcTransportError::Handshake(_)), "{error}");
    house.handshake(CLIENT).unwrap();
}

#[test]
fn a_recorded_message_is_refused_in_a_session_after_a_restart() {
    let mut house = House::new();
    let session = house.session(CLIENT);
    let message = house.sign(CLIENT, &greet("1"), &session);
    house.handle(message.clone()).unwrap();
    house.restart();
    let gone = house.handle(message.clone()).unwrap_err();
    assert!(matches!(gone, PqcTransportError::PeerNotAuthenticated(_)));
    // Whoever sits in between puts the recorded message into the client's new session.
    let session = house.session(CLIENT);
    let moved = with_envelope(&message, "session_id", Some(&session));
    let moved = with_envelope(&moved, "nonce", Some(NONCE));
    let moved = with_envelope(&moved, "timestamp", Some(&house.world.now().iso8601()));
    let error = house.handle(moved).unwrap_err();
    assert!(matches!(error, PqcTransportError::ReplayAttack(_)));
}

#[test]
fn the_log_goes_on_after_a_restart() {
    let mut house = House::new();
    house.handshake(CLIENT).unwrap();
    house.restart();
    house.handshake(CLIENT).unwrap();
    assert_eq!(house.journal.with(|lines| lines.len()), 2);
}
