//! The same scenario with every algorithm that is registered: names change, Rust does not.

use std::sync::Arc;

use pqfw_framework::catalogue::Kind;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::Failure;
use pqfw_qu3::Qu3Client;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::{ClientError, Refusal};
use pqfw_qu3::keys::ServerPublicKeys;
use pqfw_qu3::models::Models;

use crate::support::{
    DEPLOYED, House, Peer, REGISTRY, URL, Who, assert_refused, hello, keys_of, public_keys_of,
    stored_keys, suite, suite_of, text_input, undecryptable, with_flipped_bit,
};

/// A session, models, a policy, a forgery, a replay and a renewal.
fn play(names: [&str; 4]) {
    let suite = suite_of(names);
    let server = stored_keys(&suite, 10);
    let mut alice = Peer::of(
        suite.clone(),
        stored_keys(&suite, 11),
        server.sign_public.clone(),
    );
    let store = Arc::new(MemoryStore::default());
    let house = House::build(
        suite,
        Some(server),
        Models::builtin(),
        store,
        Qu3Config::default(),
    );
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "aß"), Ok("ASS".into()), "{names:?}");
    alice.set_policy(&house, "deny model_reverse");
    assert!(alice.reverse(&house, "ab").is_err());

    let request = alice.inference("model_caps", &text_input("x"));
    let tampered = with_flipped_bit(&request, "encryptedPayloadB64", 7);
    assert_refused(&house.ask(&tampered), &undecryptable("Payload"));
    alice.open_inference(&house.ask(&request));
    assert_refused(&house.ask(&request), &Refusal::Replayed);

    let genuine = alice.policy(b"allow *");
    let forged = with_flipped_bit(&genuine, "signature_b64", 3);
    assert_refused(&house.ask(&forged), &Refusal::PolicySignature);
    let forged = alice.inference_signed("model_caps", &text_input("x"), &[1; 64]);
    assert_refused(&house.ask(&forged), &Refusal::Signature);

    alice.meet(&house);
    assert_eq!(alice.caps(&house, "again"), Ok("AGAIN".into()));
    assert_eq!(house.counts(), (1, 0, 1));
}

/// The ids of a kind for which this test has code.
fn registered(kind: Kind) -> Vec<String> {
    let rows = REGISTRY.rows().filter(|row| row.kind() == kind);
    let served = rows.filter(|row| !REGISTRY.entries_of(&row.id).is_empty());
    served.map(|row| row.id.clone()).collect()
}

fn play_each(kind: Kind, place: usize, least: usize) {
    let ids = registered(kind);
    assert!(ids.len() >= least, "{ids:?}");
    for id in &ids {
        let mut names = ["ML-KEM-768", "ML-DSA-65", "AES-256-GCM", "HKDF-SHA256"];
        names[place] = id;
        play(names);
    }
}

#[test]
fn any_kem_will_do() {
    play_each(Kind::Kem, 0, 6);
}

#[test]
fn any_signature_will_do() {
    play_each(Kind::Signature, 1, 4);
}

#[test]
fn any_aead_will_do() {
    play_each(Kind::Aead, 2, 3);
}

#[test]
fn any_kdf_will_do() {
    play_each(Kind::Kdf, 3, 3);
}

#[test]
fn a_suite_that_shares_nothing_with_the_deployed_one_will_do() {
    play([
        "ML-KEM-1024",
        "ML-DSA-87",
        "ChaCha20-Poly1305",
        "HKDF-SHA512",
    ]);
    play(["ML-KEM-768", "ML-DSA-44", "AES-128-GCM", "HKDF-SHA384"]);
}

/// One conversation, of which the seed is the whole story where the providers take their chance
/// from outside.
fn conversation(seed: u64) -> Vec<Vec<u8>> {
    let suite = suite_of([
        "ML-KEM-768@rustcrypto",
        "Ed25519",
        "AES-256-GCM",
        "HKDF-SHA256",
    ]);
    let (server, alice) = (stored_keys(&suite, seed), stored_keys(&suite, seed + 1));
    let mut alice = Peer::of(suite.clone(), alice, server.sign_public.clone());
    let store = Arc::new(MemoryStore::default());
    let models = Models::builtin();
    let house = House::build(suite, Some(server), models, store, Qu3Config::default());
    let hello = house.ask(&alice.hello());
    alice.take_session(&hello);
    let inference = alice.inference("model_caps", &text_input("x"));
    let policy = alice.policy(b"deny *");
    let answers = [house.ask(&inference), house.ask(&policy)];
    let requests = [inference, policy].map(|request| request.body);
    let responses = [hello].into_iter().chain(answers);
    responses
        .map(|response| response.body)
        .chain(requests)
        .collect()
}

#[test]
fn a_server_has_no_time_and_no_chance_but_what_it_is_given() {
    assert_eq!(conversation(30), conversation(30));
    assert_ne!(conversation(30), conversation(31));
}

#[test]
fn every_provider_of_a_kem_understands_every_other() {
    for id in ["ML-KEM-768", "Kyber-768"] {
        let providers = REGISTRY.entries_of(id);
        let names: Vec<_> = providers.iter().map(|entry| entry.full_name()).collect();
        assert!(names.len() > 1, "{names:?}");
        let [_, signature, aead, kdf] = DEPLOYED;
        let suites: Vec<_> = names
            .iter()
            .map(|name| suite_of([name, signature, aead, kdf]))
            .collect();
        for server in &suites {
            for client in &suites {
                let house = House::build(
                    server.clone(),
                    Some(keys_of(Who::Server)),
                    Models::builtin(),
                    Arc::new(MemoryStore::default()),
                    Qu3Config::default(),
                );
                let mut peer = Peer::of(
                    client.clone(),
                    stored_keys(client, 12),
                    keys_of(Who::Server).sign_public,
                );
                peer.meet(&house);
                assert_eq!(peer.caps(&house, "x"), Ok("X".into()));
            }
        }
    }
}

#[test]
fn ends_that_name_different_kems_of_equal_lengths_share_nothing() {
    // Kyber-768 and ML-KEM-768 cannot be told apart on the wire; only the first message shows it.
    let [kem, signature, aead, kdf] = DEPLOYED;
    assert_eq!(kem, "Kyber-768");
    let other = suite_of(["ML-KEM-768", signature, aead, kdf]);
    let house = House::new();
    let server = keys_of(Who::Server).sign_public;
    let mut alice = Peer::of(other.clone(), stored_keys(&other, 13), server);
    alice.meet(&house);
    let request = alice.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &undecryptable("Payload"));
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
}

#[test]
fn keys_of_another_kems_length_are_refused_at_the_door() {
    let [_, signature, aead, kdf] = DEPLOYED;
    for id in ["ML-KEM-512", "ML-KEM-1024"] {
        let other = suite_of([id, signature, aead, kdf]);
        let house = House::new();
        let server = keys_of(Who::Server).sign_public;
        let alice = Peer::of(other.clone(), stored_keys(&other, 14), server);
        let refusal = Refusal::BadRequest("Invalid client KEM public key format.".into());
        assert_refused(&house.ask(&alice.hello()), &refusal);
    }
}

#[test]
fn a_public_key_that_shows_its_fault_only_when_it_is_used_is_refused_too() {
    // RFC 7748 section 6.1: a point of low order gives an all-zero secret, whoever computes it.
    let [_, signature, aead, kdf] = DEPLOYED;
    let house = House::build(
        suite_of(["X25519", signature, aead, kdf]),
        Some(keys_of(Who::Server)),
        Models::builtin(),
        Arc::new(MemoryStore::default()),
        Qu3Config::default(),
    );
    let response = house.ask(&hello(&[0; 32], &keys_of(Who::Alice).sign_public));
    let refusal = Refusal::BadRequest("Invalid client KEM public key format.".into());
    assert_refused(&response, &refusal);
    assert_eq!(house.counts(), (0, 0, 0));
}

#[tokio::test]
async fn keys_of_one_algorithm_are_not_used_with_another() {
    let [_, signature, aead, kdf] = DEPLOYED;
    let other = suite_of(["ML-KEM-768", signature, aead, kdf]);
    let house = Arc::new(House::new());
    let world = house.world.clone();
    let server = public_keys_of(Who::Server);
    let keys = keys_of(Who::Alice);
    let error = Qu3Client::connect(house.clone(), other, world.clone(), keys, &server, URL).await;
    let error = error.err().unwrap();
    let expected = "a key of Kyber-768 was given where ML-KEM-768 is in use";
    assert_eq!(error, ClientError::Crypto(expected.into()));
    assert_eq!(error.failure(), Failure::Operation);

    // A server's sign key of an algorithm with other lengths is no key here.
    let dsa = suite_of([DEPLOYED[0], "ML-DSA-65", aead, kdf]);
    let dsa_keys = stored_keys(&dsa, 15);
    let server = ServerPublicKeys {
        kem: dsa_keys.kem_public,
        sign: dsa_keys.sign_public,
    };
    let keys = keys_of(Who::Alice);
    let error = Qu3Client::connect(house, suite(), world, keys, &server, URL).await;
    assert!(matches!(error, Err(ClientError::Crypto(_))));
}
