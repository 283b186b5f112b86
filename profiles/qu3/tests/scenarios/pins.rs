//! The first verified message pins the client's KEM key to its sign key, for good.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::store::MemoryStore;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::Refusal;

use crate::support::{
    House, OddStore, Peer, Who, accepted, assert_refused, keys_of, text_input, undecryptable,
};

/// Somebody who holds a client's KEM secret and a sign key of its own.
fn thief_of(victim: Who) -> Peer {
    let mut thief = Peer::new(victim);
    let own = keys_of(Who::Mallory);
    thief.keys.sign = own.sign;
    thief.keys.sign_public = own.sign_public;
    thief
}

#[test]
fn the_first_message_that_verifies_pins_and_the_handshake_does_not() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    assert!(house.pins().is_empty());
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    let pins = house.pins();
    assert_eq!(pins.len(), 1);
    assert_eq!(pins[0].1, alice.keys.sign_public);
    // By the hash of the KEM key: it takes 32 bytes to remember 1184.
    assert_eq!(pins[0].0.len(), 32);
}

#[test]
fn a_policy_pins_as_an_inference_does() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    alice.set_policy(&house, "allow *");
    let response = house.ask(&thief_of(Who::Alice).hello());
    assert_refused(&response, &Refusal::PinMismatch);
}

#[test]
fn a_handshake_under_a_pinned_kem_key_with_another_sign_key_is_refused() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let before = house.state();
    for other in [Who::Mallory, Who::Bob] {
        let request = alice.hello_as(&keys_of(other).sign_public);
        assert_refused(&house.ask(&request), &Refusal::PinMismatch);
    }
    assert_eq!(house.state(), before);
    assert_eq!(alice.caps(&house, "still"), Ok("STILL".into()));
    accepted(&house.ask(&alice.hello()));
}

#[test]
fn of_two_sign_keys_before_the_first_pin_the_first_to_be_used_wins() {
    // Only the holder of the KEM secret gets this far.
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    let mut thief = thief_of(Who::Alice);
    thief.meet(&house);
    alice.meet(&house);
    assert_eq!(house.counts(), (0, 2, 0));
    assert_eq!(alice.caps(&house, "first"), Ok("FIRST".into()));
    let state = house.state();
    let inference = thief.inference("model_caps", &text_input("second"));
    assert_refused(&house.ask(&inference), &Refusal::PinMismatch);
    let policy = thief.policy(b"deny *");
    assert_refused(&house.ask(&policy), &Refusal::PinMismatch);
    assert_refused(&house.ask(&thief.hello()), &Refusal::PinMismatch);
    assert_eq!(house.state(), state);
    assert_eq!(alice.caps(&house, "still"), Ok("STILL".into()));
}

#[test]
fn of_two_sign_keys_at_the_same_moment_one_wins() {
    // The other thread's request comes between the lookup of the pin and its insertion.
    let store = Arc::new(OddStore::default());
    let house = Arc::new(House::on(store.clone(), Qu3Config::default()));
    let (mut alice, mut thief) = (Peer::new(Who::Alice), thief_of(Who::Alice));
    alice.meet(&house);
    thief.meet(&house);
    let late = thief.inference("model_caps", &text_input("late"));
    let first = alice.inference("model_caps", &text_input("first"));
    let other_thread = house.clone();
    store.meanwhile(move || drop(accepted(&other_thread.ask(&first))));
    assert_refused(&house.ask(&late), &Refusal::PinMismatch);
    assert_eq!(house.pins()[0].1, alice.keys.sign_public);
    assert_eq!(house.counts(), (1, 1, 1));
    assert_eq!(alice.caps(&house, "still"), Ok("STILL".into()));
}

#[test]
fn the_same_client_twice_at_the_same_moment_is_no_conflict() {
    let store = Arc::new(OddStore::default());
    let house = Arc::new(House::on(store.clone(), Qu3Config::default()));
    let mut alice = Peer::new(Who::Alice);
    alice.meet(&house);
    let [one, two] = ["1", "2"].map(|text| alice.inference("model_caps", &text_input(text)));
    let other_thread = house.clone();
    store.meanwhile(move || drop(accepted(&other_thread.ask(&two))));
    alice.open_inference(&house.ask(&one));
    assert_eq!(house.counts(), (1, 0, 2));
    assert_eq!(house.pins().len(), 1);
}

#[test]
fn a_session_that_another_thread_replaced_meanwhile_is_over() {
    for refusal in [Refusal::SessionExpired, Refusal::NoPolicySession] {
        let store = Arc::new(OddStore::default());
        let house = Arc::new(House::on(store.clone(), Qu3Config::default()));
        let mut alice = Peer::in_session(Who::Alice, &house);
        let request = match refusal {
            Refusal::NoPolicySession => alice.policy(b"deny *"),
            _ => alice.inference("model_caps", &text_input("old")),
        };
        alice.meet(&house);
        let promotion = alice.inference("model_caps", &text_input("new"));
        let other_thread = house.clone();
        // It opens and verifies, and finds its session gone when it is to be accepted.
        store.meanwhile(move || drop(accepted(&other_thread.ask(&promotion))));
        assert_refused(&house.ask(&request), &refusal);
        assert!(house.policies().is_empty());
        assert_eq!(house.counts(), (1, 0, 1));
    }
}

#[test]
fn pins_survive_a_restart() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    let mut thief = thief_of(Who::Alice);
    assert_refused(&restarted.ask(&thief.hello()), &Refusal::PinMismatch);
    alice.meet(&restarted);
    assert_eq!(alice.caps(&restarted, "back"), Ok("BACK".into()));
    assert_eq!(restarted.pins().len(), 1);
    // Another store is another server, which has never heard of her.
    let elsewhere = House::on(Arc::new(MemoryStore::default()), Qu3Config::default());
    thief.meet(&elsewhere);
    assert_eq!(thief.caps(&elsewhere, "x"), Ok("X".into()));
}

#[test]
fn at_the_bound_newcomers_are_served_without_a_pin_and_nobody_is_evicted() {
    for max_pins in [0, 1, 2] {
        let house = House::with(Qu3Config {
            max_pins,
            ..Qu3Config::default()
        });
        let everybody = [Who::Alice, Who::Bob, Who::Mallory];
        for who in everybody {
            let mut peer = Peer::new(who);
            peer.meet(&house);
            assert_eq!(peer.caps(&house, "x"), Ok("X".into()), "{who:?}");
            assert_eq!(peer.caps(&house, "y"), Ok("Y".into()), "{who:?}");
        }
        let max_pins = usize::try_from(max_pins).unwrap();
        assert_eq!(house.pins().len(), max_pins);
        let told = house.told.warnings();
        assert_eq!(told.len(), 2 * (everybody.len() - max_pins));
        assert!(told.iter().all(|text| text.contains("pins are taken")));
    }
}

#[test]
fn a_newcomer_at_the_bound_is_pinned_when_the_operator_raises_it() {
    let house = House::with(Qu3Config {
        max_pins: 1,
        ..Qu3Config::default()
    });
    Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    assert_eq!(house.pins().len(), 1);
    let raised = House::on(
        house.store.clone(),
        Qu3Config {
            max_pins: 2,
            ..Qu3Config::default()
        },
    );
    bob.meet(&raised);
    assert_eq!(bob.caps(&raised, "x"), Ok("X".into()));
    assert_eq!(house.pins().len(), 2);
}

#[test]
fn a_sign_key_may_have_several_kem_keys() {
    // A client that lost its KEM key makes another; nothing ties it to the first.
    let house = House::new();
    let alice = Peer::in_session(Who::Alice, &house);
    let mut again = Peer::new(Who::Bob);
    let keys = keys_of(Who::Alice);
    again.keys.sign = keys.sign;
    again.keys.sign_public = keys.sign_public;
    again.meet(&house);
    assert_eq!(again.caps(&house, "x"), Ok("X".into()));
    assert_eq!(house.pins().len(), 2);
    assert_eq!(alice.fingerprint(), again.fingerprint());
}

#[test]
fn a_session_under_the_wrong_sign_key_was_never_one() {
    let house = House::new();
    let mut thief = thief_of(Who::Alice);
    thief.meet(&house);
    let mut alice = Peer::in_session(Who::Alice, &house);
    // The thief's pending session is still there, and stays useless until it is forgotten.
    let request = thief.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &Refusal::PinMismatch);
    house.wait(Duration::from_secs(31));
    assert_refused(&house.ask(&request), &undecryptable("Payload"));
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
}
