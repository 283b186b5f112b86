//! The attacker who has copied both of a client's public keys, which travel in clear. It may
//! repeat the client's handshake as often as it likes; the client must not notice.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Request;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::wire;

use crate::support::{
    House, Peer, Who, accepted, assert_refused, bytes, hello, json, keys_of, object, post,
    session_key, suite, text_input, undecryptable, with_field,
};

const FLOOD: usize = 10_000;

/// The victim's handshake, as anybody may repeat it.
fn copied_hello() -> Request {
    let alice = keys_of(Who::Alice);
    hello(&alice.kem_public, &alice.sign_public)
}

#[test]
fn the_victims_session_lives_on() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    accepted(&house.ask(&copied_hello()));
    assert_eq!(house.counts(), (1, 1, 1));
    assert_eq!(alice.caps(&house, "still here"), Ok("STILL HERE".into()));
    alice.set_policy(&house, "deny model_reverse");
    assert_eq!(house.counts(), (1, 1, 3));
}

#[test]
fn the_attacker_cannot_use_what_it_began() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let ciphertext = bytes(&accepted(&house.ask(&copied_hello())), "kemCiphertextB64");
    // Without the KEM's private key it can only guess, from all that it has seen.
    let mut mallory = Peer::new(Who::Mallory);
    let own_key = mallory.keys.kem.decapsulate(&ciphertext).unwrap();
    let guesses = [
        own_key,
        SecretBytes::zeroed(32),
        SecretBytes::copy_of(&ciphertext[..32]),
        SecretBytes::copy_of(&alice.keys.kem_public[..32]),
        SecretBytes::copy_of(&alice.keys.sign_public),
    ];
    let before = house.state();
    let alices_kem_key = wire::encode(&alice.keys.kem_public);
    for guess in guesses {
        mallory.session = Some(session_key(&suite(), &guess));
        let request = mallory.inference("model_caps", &text_input("mine"));
        let request = with_field(&request, "clientKemPublicKeyB64", alices_kem_key.clone());
        assert_refused(&house.ask(&request), &undecryptable("Payload"));
        let request = mallory.policy(b"deny *");
        let request = with_field(&request, "client_kem_pub_key_b64", alices_kem_key.clone());
        assert_refused(&house.ask(&request), &undecryptable("Policy"));
    }
    assert_eq!(house.state(), before);
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
}

#[test]
fn the_servers_own_answers_cannot_be_turned_into_requests() {
    // One key serves both directions, so whatever the server sealed does open.
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let request = alice.inference("model_caps", &text_input("x"));
    let answer = accepted(&house.ask(&request));
    let before = house.state();
    let kem_key = wire::encode(&alice.keys.kem_public);
    let [nonce, sealed] =
        ["nonceB64", "encryptedPayloadB64"].map(|field| wire::encode(&bytes(&answer, field)));
    let fields = [
        ("clientKemPublicKeyB64", kem_key.clone()),
        ("nonceB64", nonce.clone()),
        ("encryptedPayloadB64", sealed.clone()),
    ];
    let missing = "Missing 'pqc_signature_b64' in decrypted payload.";
    assert_refused(
        &house.ask(&post(wire::route::INFERENCE, &object(fields))),
        &Refusal::BadRequest(format!("Invalid signature data format: {missing}")),
    );
    let attestation = json(&alice.open(&answer, ["nonceB64", "encryptedPayloadB64"]));
    let signature = bytes(&attestation, "attestation_signature_b64");
    let fields = [
        ("client_kem_pub_key_b64", kem_key),
        ("nonce_b64", nonce),
        ("ciphertext_b64", sealed),
        ("signature_b64", wire::encode(&signature)),
    ];
    assert_refused(
        &house.ask(&post(wire::route::POLICY, &object(fields))),
        &Refusal::PolicySignature,
    );
    assert_eq!(house.state(), before);
}

#[test]
fn a_flood_in_the_victims_name_takes_the_memory_of_one_handshake() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for _ in 1..=FLOOD {
        accepted(&house.ask(&copied_hello()));
        assert_eq!(house.counts(), (1, 1, 1));
    }
    assert_eq!(alice.caps(&house, "after"), Ok("AFTER".into()));
    // And a new handshake of hers works, too: she is the one who can use it.
    let old = alice.meet(&house).unwrap();
    assert_eq!(alice.caps(&house, "renewed"), Ok("RENEWED".into()));
    assert_eq!(house.counts(), (1, 0, 1));
    alice.session = Some(old);
    let request = alice.inference("model_caps", &text_input("old"));
    assert_refused(&house.ask(&request), &undecryptable("Payload"));
}

#[test]
fn a_victim_whom_nobody_knows_yet_gets_its_session_in_the_middle_of_a_flood() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    for _ in 0..100 {
        accepted(&house.ask(&copied_hello()));
    }
    alice.meet(&house);
    for _ in 0..3 {
        accepted(&house.ask(&copied_hello()));
    }
    assert_eq!(alice.caps(&house, "first"), Ok("FIRST".into()));
    assert_eq!(house.counts(), (1, 0, 1));
}

#[test]
fn copied_handshakes_push_nothing_out_and_are_answered_alike() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let answers: Vec<_> = (0..10).map(|_| house.ask(&copied_hello())).collect();
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    // Half the life of a pending session later, the answer is a new one.
    let first = house.ask(&copied_hello());
    house.wait(Duration::from_secs(15));
    assert_eq!(house.ask(&copied_hello()), first);
    house.wait(Duration::from_millis(1));
    assert_ne!(house.ask(&copied_hello()), first);
}

#[test]
fn four_other_sign_keys_push_out_a_client_without_a_pin_and_none_with_one() {
    for (later, survives) in [(3, true), (4, false)] {
        let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
        alice.meet(&house);
        for number in 0..later {
            accepted(&house.ask(&alice.hello_as(&[number; 32])));
        }
        let response = house.ask(&alice.inference("model_caps", &text_input("x")));
        if survives {
            alice.open_inference(&response);
        } else {
            assert_refused(&response, &undecryptable("Payload"));
        }
    }
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.meet(&house);
    for number in 0..10 {
        let response = house.ask(&alice.hello_as(&[number; 32]));
        assert_refused(&response, &Refusal::PinMismatch);
    }
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
}

#[test]
fn a_flood_of_strangers_is_bounded_and_touches_no_confirmed_session() {
    const MOST: usize = 4096;
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut rng = ChaCha20Rng::seed_from_u64(20);
    let (kem, sign_key) = (suite().kem, alice.keys.sign_public.clone());
    for number in 1..=MOST + 500 {
        let stranger = kem.generate(&mut rng).unwrap().encapsulation_key();
        accepted(&house.ask(&hello(&stranger, &sign_key)));
        let (confirmed, pending, _) = house.counts();
        assert_eq!((confirmed, pending), (1, number.min(MOST)));
    }
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    let mut bob = Peer::new(Who::Bob);
    bob.meet(&house);
    assert_eq!(bob.caps(&house, "y"), Ok("Y".into()));
}

#[test]
fn the_victim_is_told_that_its_session_expired_whatever_a_stranger_keeps_pending() {
    // A client renews its session on 401. One handshake in its name every half minute must not
    // turn that 401 into a 400, which no client answers with a handshake.
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    house.wait(Duration::from_secs(3600));
    accepted(&house.ask(&copied_hello()));
    house.wait(Duration::from_secs(1));
    let inference = alice.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&inference), &Refusal::SessionExpired);
    let policy = alice.policy(b"deny model_caps");
    assert_refused(&house.ask(&policy), &Refusal::NoPolicySession);
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "renewed"), Ok("RENEWED".into()));
}

#[test]
fn a_handshake_with_the_victims_kem_key_and_another_sign_key_pins_nothing() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    let squatter = alice.hello_as(&keys_of(Who::Mallory).sign_public);
    accepted(&house.ask(&squatter));
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "mine"), Ok("MINE".into()));
    assert_eq!(house.pins()[0].1, alice.keys.sign_public);
}

#[test]
fn the_attacker_in_the_middle_of_the_handshake_is_not_believed_by_the_server() {
    // It puts its own KEM key beside the victim's sign key, and decapsulates: the session is its
    // own, but nothing that it signs is the victim's.
    let (house, mut mallory) = (House::new(), Peer::new(Who::Mallory));
    let alice = keys_of(Who::Alice);
    let response = house.ask(&mallory.hello_as(&alice.sign_public));
    mallory.take_session(&response);
    let request = mallory.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &Refusal::Signature);
    let request = mallory.policy(b"deny *");
    assert_refused(&house.ask(&request), &Refusal::PolicySignature);
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
    // A genuine signature of the victim's, over anything else, helps no further.
    let mut victim = Peer::new(Who::Alice);
    let signature = victim.sign(b"allow model_caps");
    let request = mallory.policy_signed(b"deny *", &signature);
    assert_refused(&house.ask(&request), &Refusal::PolicySignature);
}
