//! What is kept of policies: versions, restarts, bounds, and nothing of what was refused.

use std::sync::Arc;

use pqfw_framework::store::StoreError;
use pqfw_framework::system::Failure;
use pqfw_qu3::Qu3Server;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::{ClientError, Refusal};
use pqfw_qu3::models::Models;
use pqfw_qu3::policies::{KEPT_VERSIONS, MAX_UPDATES};

use crate::policies::{administered_by, denied, send, stored};
use crate::support::{
    DEPLOYED, House, OddStore, Peer, Told, Who, assert_refused, keys_of, stored_keys, suite,
    suite_of,
};

const FULL: Refusal = Refusal::Full("The server's store is full.");

#[test]
fn versions_count_for_each_client_and_survive_a_restart_with_the_rules() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    let texts = ["deny model_caps", "a note", "deny model_reverse"];
    for text in texts {
        alice.set_policy(&house, text);
    }
    bob.set_policy(&house, "allow model_caps");
    let mut all = stored(&house);
    all.sort();
    assert_eq!(
        all.iter().map(|(version, _)| *version).collect::<Vec<_>>(),
        [1, 1, 2, 3]
    );

    let restarted = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&restarted);
    bob.meet(&restarted);
    assert_eq!(alice.caps(&restarted, "x"), Ok("X".into()));
    assert_eq!(alice.reverse(&restarted, "x"), denied("model_reverse", 3));
    assert_eq!(bob.reverse(&restarted, "x"), denied("model_reverse", 1));
    alice.set_policy(&restarted, "deny *");
    assert_eq!(alice.caps(&restarted, "x"), denied("model_caps", 4));
    assert_eq!(stored(&restarted).len(), 5);
}

#[test]
fn ten_versions_are_loaded_in_their_order() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for version in 1..=11 {
        let model = if version == 11 {
            "model_reverse"
        } else {
            "model_caps"
        };
        alice.set_policy(&house, &format!("deny {model}\n# {version}"));
    }
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&restarted);
    assert_eq!(alice.caps(&restarted, "x"), Ok("X".into()));
    assert_eq!(alice.reverse(&restarted, "x"), denied("model_reverse", 11));
}

#[test]
fn who_administers_is_decided_at_each_start() {
    let (mut admin, mut alice) = (Peer::new(Who::Mallory), Peer::new(Who::Alice));
    let house = House::with(administered_by(&admin));
    admin.meet(&house);
    alice.meet(&house);
    admin.set_policy(&house, "deny model_caps");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));

    let nobody = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&nobody);
    admin.meet(&nobody);
    assert_eq!(alice.caps(&nobody, "x"), Ok("X".into()));
    assert_eq!(admin.caps(&nobody, "x"), denied("model_caps", 1));

    let again = House::on(house.store.clone(), administered_by(&admin));
    alice.meet(&again);
    assert_eq!(alice.caps(&again, "x"), denied("model_caps", 1));
}

#[test]
fn a_policy_that_cannot_be_stored_is_not_in_force() {
    let store = Arc::new(OddStore::default());
    let house = House::on(store.clone(), Qu3Config::default());
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    let full = StoreError::Full {
        space: "qu3.policies".into(),
        most: 1,
    };
    let failures = [
        (full, Refusal::Full("The server's store is full.")),
        (
            StoreError::Failed("no space left".into()),
            Refusal::Internal("no space left".into()),
        ),
    ];
    for (failure, refusal) in failures {
        store.fail(Some(("insert", failure)));
        assert_refused(&send(&mut alice, &house, b"allow *"), &refusal);
        store.fail(None);
        assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
    }
    alice.set_policy(&house, "allow *");
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
    assert_eq!(stored(&house).pop().unwrap().0, 2);
}

#[test]
fn a_store_that_fails_half_way_leaves_the_policy_before() {
    let store = Arc::new(OddStore::default());
    let house = House::on(store.clone(), Qu3Config::default());
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    let failure = StoreError::Failed("no space left".into());
    store.fail(Some(("put", failure)));
    let refusal = Refusal::Internal("no space left".into());
    assert_refused(&send(&mut alice, &house, b"allow *"), &refusal);
    store.fail(None);
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
    let restarted = House::on(store, Qu3Config::default());
    alice.meet(&restarted);
    assert_eq!(alice.reverse(&restarted, "x"), denied("model_reverse", 1));
    alice.set_policy(&restarted, "deny model_caps");
    assert_eq!(alice.caps(&restarted, "x"), denied("model_caps", 2));
}

#[test]
fn a_rule_with_a_full_stop_survives_a_restart() {
    for text in [
        "Deny model_reverse.",
        "allow model_caps.\nDeny model_reverse access.",
        "# note.\ndeny model_reverse.\ndeny model_later. access\n",
    ] {
        let house = House::new();
        let mut alice = Peer::in_session(Who::Alice, &house);
        alice.set_policy(&house, text);
        let restarted = House::on(house.store.clone(), Qu3Config::default());
        alice.meet(&restarted);
        assert_eq!(alice.reverse(&restarted, "x"), denied("model_reverse", 1));
        assert_eq!(alice.caps(&restarted, "x"), Ok("X".into()));
    }
}

#[test]
fn the_last_versions_are_kept_and_what_is_in_force_always() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    for note in 2..=KEPT_VERSIONS + 3 {
        alice.set_policy(&house, &format!("note {note}"));
    }
    let mut kept: Vec<_> = stored(&house).into_iter().map(|(n, _)| n).collect();
    kept.sort_unstable();
    assert_eq!(kept, (4..=KEPT_VERSIONS + 3).collect::<Vec<_>>());
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&restarted);
    let version = KEPT_VERSIONS + 3;
    let reason = denied("model_reverse", version);
    assert_eq!(alice.reverse(&restarted, "x"), reason);
}

fn bounded(max_policy_clients: u64) -> Qu3Config {
    Qu3Config {
        max_policy_clients,
        ..Qu3Config::default()
    }
}

#[test]
fn at_the_bound_of_clients_newcomers_may_set_no_policy_and_leave_nothing_behind() {
    let house = House::with(bounded(1));
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    alice.set_policy(&house, "deny model_reverse");
    let records = || {
        let spaces = ["in-force", "versions", "signatures"];
        spaces.map(|space| {
            let space = format!("qu3.policies.{space}");
            house.store.scan(&space).unwrap().len()
        })
    };
    assert_eq!(records(), [1, 1, 1]);
    for _ in 0..3 {
        assert_refused(&send(&mut bob, &house, b"deny *"), &FULL);
    }
    assert_eq!(records(), [1, 1, 1]);
    // Everything else of theirs works, and so do the updates of those who are in.
    assert_eq!(bob.reverse(&house, "ab"), Ok("ba".into()));
    alice.set_policy(&house, "deny model_caps");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 2));
}

#[test]
fn an_administrator_is_not_counted() {
    let mut admin = Peer::new(Who::Mallory);
    let house = House::with(Qu3Config {
        max_policy_clients: 0,
        ..administered_by(&admin)
    });
    admin.meet(&house);
    let mut alice = Peer::in_session(Who::Alice, &house);
    assert_refused(&send(&mut alice, &house, b"allow *"), &FULL);
    admin.set_policy(&house, "deny model_caps");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
}

#[test]
fn a_client_who_was_refused_a_place_gets_one_when_the_operator_makes_room() {
    let house = House::with(bounded(0));
    let mut alice = Peer::in_session(Who::Alice, &house);
    let policy = alice.sign(b"deny model_caps");
    let refused = alice.policy_signed(b"deny model_caps", &policy);
    assert_refused(&house.ask(&refused), &FULL);
    let raised = House::on(house.store.clone(), bounded(1));
    alice.meet(&raised);
    // Even under the same signature, which no policy was ever accepted with.
    let again = alice.policy_signed(b"deny model_caps", &policy);
    alice.open_policy(&raised.ask(&again));
    assert_eq!(alice.caps(&raised, "x"), denied("model_caps", 1));
}

#[test]
fn a_client_has_so_many_updates_and_no_more() {
    // A quick signature; the count does not depend on it.
    let [kem, _, aead, kdf] = DEPLOYED;
    let suite = suite_of([kem, "Ed25519", aead, kdf]);
    let (server, alice) = (stored_keys(&suite, 40), stored_keys(&suite, 41));
    let mut alice = Peer::of(suite.clone(), alice, server.sign_public.clone());
    let store = Arc::new(OddStore::default());
    let models = Models::builtin();
    let house = House::build(suite, Some(server), models, store, Qu3Config::default());
    alice.meet(&house);
    for update in 1..=MAX_UPDATES {
        alice.set_policy(&house, &format!("deny model_reverse\n# {update}"));
    }
    let over = Refusal::Full("This client has used up its policy updates.");
    for text in [&b"allow *"[..], b"a note"] {
        assert_refused(&send(&mut alice, &house, text), &over);
    }
    assert_eq!(
        alice.reverse(&house, "x"),
        denied("model_reverse", MAX_UPDATES)
    );
    let signatures = house.store.scan("qu3.policies.signatures").unwrap();
    assert_eq!(u64::try_from(signatures.len()), Ok(MAX_UPDATES));
}

#[test]
fn a_signature_that_was_accepted_counts_across_a_restart() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let signature = alice.sign(b"allow *");
    let first = alice.policy_signed(b"allow *", &signature);
    alice.open_policy(&house.ask(&first));
    alice.set_policy(&house, "deny model_caps");
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&restarted);
    let again = alice.policy_signed(b"allow *", &signature);
    assert_refused(&restarted.ask(&again), &Refusal::Replayed);
    assert_eq!(alice.caps(&restarted, "x"), denied("model_caps", 2));
    // The same words under a signature of their own are no replay.
    alice.set_policy(&restarted, "allow *");
    assert_eq!(alice.caps(&restarted, "x"), Ok("X".into()));
}

#[test]
fn a_server_does_not_start_with_an_administrator_who_is_nobody() {
    let config = Qu3Config {
        policy_administrators: vec!["alice".into()],
        ..Qu3Config::default()
    };
    let started = Qu3Server::new(
        suite(),
        Some(keys_of(Who::Server)),
        Models::builtin(),
        config,
        Arc::new(OddStore::default()),
        Arc::new(Told::default()),
    );
    let error = started.err().unwrap();
    assert!(matches!(error, ClientError::Config(_)), "{error:?}");
    assert!(error.to_string().contains("`alice`"), "{error}");
    assert_eq!(error.failure(), Failure::Usage);
}
