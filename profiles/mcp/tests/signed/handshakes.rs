//! What a handshake can be refused for.

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::system::Failure;
use pqfw_framework::world::World;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::lenience::Lenience;
use pqfw_mcp::signed::session::PqcSession;

use crate::support::{CLIENT, House, NONCE, STRANGER, identity};

fn request(house: &House, who: u64) -> Object {
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let (_, request) = PqcHandshake::initiate(&identity(who), now, &mut *rng).unwrap();
    request.as_object().unwrap().clone()
}

fn send(house: &House, request: &Object) -> Result<Json, PqcTransportError> {
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let request = request.clone().into();
    house.server.handle_handshake(now, &mut *rng, &request)
}

fn complete(
    house: &House,
    change: impl FnOnce(&mut Object),
) -> Result<PqcSession, PqcTransportError> {
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let (waiting, request) = PqcHandshake::initiate(&identity(CLIENT), now, &mut *rng)?;
    let answer = house.server.handle_handshake(now, &mut *rng, &request)?;
    let mut answer = answer.as_object().unwrap().clone();
    change(&mut answer);
    let times = house.config.session_times();
    waiting.complete(now, &answer.into(), times, &Lenience::strict())
}

#[test]
fn an_honest_handshake_makes_one_session_at_both_ends() {
    let house = House::new();
    let session = complete(&house, |_| {}).unwrap();
    assert_eq!(session.id().len(), 32);
    assert!(session.is_valid(house.world.now()));
    assert_eq!(house.server.gate().sessions(), 1);
    house.wait(3600);
    assert!(!session.is_valid(house.world.now()));
}

#[test]
fn the_members_come_in_the_packages_order() {
    let house = House::new();
    let request = request(&house, CLIENT);
    let expected = [
        "type",
        "client_did",
        "client_public_key",
        "algorithm",
        "timestamp",
        "nonce",
        "signature",
    ];
    assert_eq!(request.keys().collect::<Vec<_>>(), expected);
    let answer = send(&house, &request).unwrap();
    let expected = [
        "type",
        "server_did",
        "server_public_key",
        "algorithm",
        "client_nonce",
        "server_nonce",
        "signature",
        "session_id",
    ];
    let answer = answer.as_object().unwrap();
    assert_eq!(answer.keys().collect::<Vec<_>>(), expected);
}

#[test]
fn every_member_of_a_request_counts() {
    let house = House::new();
    let good = request(&house, CLIENT);
    for (name, bad) in [
        ("type", "pqc_handshake_response"),
        ("algorithm", "ML-DSA-87"),
        ("timestamp", "yesterday"),
        ("nonce", "0"),
        ("signature", "XY"),
        ("client_did", "did:pqaid:00"),
        ("client_public_key", "0G"),
    ] {
        let mut changed = good.clone();
        changed.insert(name, bad);
        let error = send(&house, &changed).unwrap_err();
        assert!(
            matches!(error, PqcTransportError::Handshake(_)),
            "{name}: {error}"
        );
        assert_eq!(error.failure(), Failure::Authentication);
        changed.remove(name);
        assert!(matches!(
            send(&house, &changed),
            Err(PqcTransportError::Handshake(_))
        ));
    }
    // What is signed, and a key of the wrong length.
    for (name, other) in [
        ("timestamp", "2026-01-01T00:00:01+00:00"),
        ("nonce", NONCE),
        ("signature", "00"),
    ] {
        let mut changed = good.clone();
        changed.insert(name, other);
        let error = send(&house, &changed).unwrap_err();
        assert!(
            matches!(error, PqcTransportError::SignatureVerification(_)),
            "{name}: {error}"
        );
    }
    assert!(send(&house, &good).is_ok());
}

#[test]
fn a_key_that_is_not_the_names_is_refused() {
    let house = House::new();
    let mut mixed = request(&house, STRANGER);
    mixed.insert("client_did", identity(CLIENT).did().as_str());
    let error = send(&house, &mixed).unwrap_err();
    assert!(matches!(error, PqcTransportError::SignatureVerification(_)));

    // Lenient, it is the key that decides: the name alone opens nothing.
    let house = House::with(|config| config.lenient = true);
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let (stranger, client) = (identity(STRANGER), identity(CLIENT));
    let text = format!("{}:{NONCE}:{}", client.did(), now.iso8601());
    let signature = stranger.sign(&mut *rng, text.as_bytes()).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut forged = request(&house, STRANGER);
    forged.insert("client_did", client.did().as_str());
    forged.insert("timestamp", now.iso8601());
    forged.insert("nonce", NONCE);
    forged.insert("signature", hex(&signature));
    let error = send(&house, &forged).unwrap_err();
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
    assert!(
        house
            .told
            .warnings()
            .iter()
            .any(|text| text.contains("lenient"))
    );
}

#[test]
fn a_stranger_is_refused_unless_anybody_is_let_in() {
    let refused = House::new().handshake(STRANGER);
    assert!(matches!(
        refused,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
    let open = House::with(|config| config.allow_any_did = true);
    open.handshake(STRANGER).unwrap();
    assert!(open.told.warnings()[0].contains("allow_any_did"));
}

#[test]
fn a_handshake_is_of_this_time_and_new() {
    let house = House::new();
    house.wait(1000);
    let recorded = request(&house, CLIENT);
    house.wait(300);
    send(&house, &recorded).unwrap();
    let again = send(&house, &recorded).unwrap_err();
    assert!(matches!(again, PqcTransportError::ReplayAttack(_)));
    house.wait(1);
    let late = send(&house, &recorded).unwrap_err();
    assert!(matches!(late, PqcTransportError::Handshake(_)), "{late}");
}

#[test]
fn a_handshake_from_the_future_is_remembered_until_it_is_past() {
    let ahead = House::new();
    ahead.wait(300);
    let recorded = request(&ahead, CLIENT);
    let house = House::new();
    send(&house, &recorded).unwrap();
    house.wait(599);
    let again = send(&house, &recorded).unwrap_err();
    assert!(matches!(again, PqcTransportError::ReplayAttack(_)));
    let house = House::new();
    ahead.wait(1);
    let early = send(&house, &request(&ahead, CLIENT)).unwrap_err();
    assert!(matches!(early, PqcTransportError::Handshake(_)));
}

#[test]
fn every_member_of_an_answer_counts() {
    let house = House::new();
    for (name, bad) in [
        ("type", "pqc_handshake_request"),
        ("algorithm", "Ed25519"),
        ("client_nonce", NONCE),
        ("server_nonce", "x"),
        ("session_id", "x"),
    ] {
        let error = complete(&house, |answer| drop(answer.insert(name, bad)));
        let error = error.err().unwrap();
        assert!(
            matches!(error, PqcTransportError::Handshake(_)),
            "{name}: {error}"
        );
        assert!(complete(&house, |answer| drop(answer.remove(name))).is_err());
    }
    let stranger = identity(STRANGER);
    for (name, other) in [
        ("server_nonce", NONCE),
        ("session_id", NONCE),
        ("server_did", stranger.did().as_str()),
        ("signature", "00"),
    ] {
        let error = complete(&house, |answer| drop(answer.insert(name, other)));
        assert!(
            matches!(error, Err(PqcTransportError::SignatureVerification(_))),
            "{name}"
        );
    }
}
