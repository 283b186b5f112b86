//! Policies: what is enforced, for whom, since when; and what is refused.

use std::time::Duration;

use pqfw_framework::python_json::Json;
use pqfw_framework::system::Event;
use pqfw_framework::transport::Response;
use pqfw_qu3::config::{PolicyNotes, Qu3Config};
use pqfw_qu3::policy::MAX_POLICY_BYTES;

use crate::support::{House, Peer, Who, assert_bad, json, string, text_input};

pub(crate) fn denied(model: &str, version: u64) -> Result<String, String> {
    Err(format!(
        "Model '{model}' is denied by policy version {version}."
    ))
}

/// Sends a policy that the server may refuse.
pub(crate) fn send(peer: &mut Peer, house: &House, text: &[u8]) -> Response {
    let request = peer.policy(text);
    house.ask(&request)
}

/// The texts of the stored policies, with their versions, in the order of the store.
pub(crate) fn stored(house: &House) -> Vec<(u64, String)> {
    let records = house.policies().into_iter();
    let read = |(_, record): (Vec<u8>, Vec<u8>)| {
        let record = json(&record);
        let version = record.get("version").and_then(Json::as_number).unwrap();
        (version.as_u64().unwrap(), string(&record, "text"))
    };
    records.map(read).collect()
}

#[test]
fn an_allowance_denies_every_other_model() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    // The recorded policy of a deployed client.
    alice.set_policy(&house, "Allow model_caps access.\n");
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    assert_eq!(alice.reverse(&house, "ab"), denied("model_reverse", 1));
}

#[test]
fn a_denial_denies_and_leaves_the_rest() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "# not on Fridays\n\nDENY model_caps ACCESS.\r\n");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
}

#[test]
fn everything_can_be_denied_and_allowed_again() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny *");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
    alice.set_policy(&house, "allow *\ndeny model_reverse");
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 2));
    alice.set_policy(&house, "allow *");
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
}

#[test]
fn a_denied_inference_is_answered_sealed_and_attested() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_caps");
    let request = alice.inference("model_caps", &text_input("x"));
    let reply = alice.open_inference(&house.ask(&request));
    assert_eq!(string(&reply, "status"), "error");
    assert_eq!(reply.get("output_data"), Some(&Json::Null));
    let attested = reply.get("attestation_data").unwrap();
    assert_eq!(string(attested, "status"), "error");
    assert_eq!(string(attested, "modelId"), "model_caps");
}

#[test]
fn a_clients_policy_binds_no_other_client() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    alice.set_policy(&house, "deny *");
    bob.set_policy(&house, "deny model_reverse");
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
    assert_eq!(bob.caps(&house, "x"), Ok("X".into()));
    assert_eq!(bob.reverse(&house, "x"), denied("model_reverse", 1));
}

#[test]
fn a_policy_follows_its_client_into_the_next_session() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_caps");
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
    house.wait(Duration::from_secs(4000));
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
}

pub(crate) fn administered_by(peer: &Peer) -> Qu3Config {
    Qu3Config {
        policy_administrators: vec![peer.fingerprint()],
        ..Qu3Config::default()
    }
}

#[test]
fn an_administrators_policy_binds_everybody() {
    let mut admin = Peer::new(Who::Mallory);
    let house = House::with(administered_by(&admin));
    admin.meet(&house);
    let mut alice = Peer::in_session(Who::Alice, &house);
    admin.set_policy(&house, "deny model_reverse");
    for peer in [&mut admin, &mut alice] {
        assert_eq!(peer.reverse(&house, "x"), denied("model_reverse", 1));
        assert_eq!(peer.caps(&house, "x"), Ok("X".into()));
    }
    // Nobody lifts for itself what an administrator has denied.
    alice.set_policy(&house, "allow *");
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
    let mut newcomer = Peer::in_session(Who::Bob, &house);
    assert_eq!(newcomer.reverse(&house, "x"), denied("model_reverse", 1));
}

#[test]
fn an_administrator_may_name_clients() {
    let (mut admin, mut alice, mut bob) = (
        Peer::new(Who::Mallory),
        Peer::new(Who::Alice),
        Peer::new(Who::Bob),
    );
    let house = House::with(administered_by(&admin));
    for peer in [&mut admin, &mut alice, &mut bob] {
        peer.meet(&house);
    }
    let policy = format!(
        "deny model_caps for {}\nallow * for *\n",
        alice.fingerprint()
    );
    admin.set_policy(&house, &policy);
    assert_eq!(alice.caps(&house, "x"), denied("model_caps", 1));
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
    assert_eq!(bob.caps(&house, "x"), Ok("X".into()));
}

#[test]
fn nobody_else_may_name_clients() {
    let house = House::new();
    let (mut alice, bob) = (
        Peer::in_session(Who::Alice, &house),
        Peer::in_session(Who::Bob, &house),
    );
    for target in [bob.fingerprint(), alice.fingerprint()] {
        let policy = format!("allow *\ndeny model_caps for {target}");
        let response = send(&mut alice, &house, policy.as_bytes());
        assert_bad(
            &response,
            "Policy not understood: only a policy administrator may name clients.",
        );
    }
    assert!(house.policies().is_empty());
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
}

#[test]
fn a_policy_in_which_no_line_is_a_rule_is_kept_and_warned_about() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "Please be careful with my data. 😀\n");
    assert_eq!(
        stored(&house),
        [(1, "Please be careful with my data. 😀\n".into())]
    );
    let warnings = house.told.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("version 1"), "{}", warnings[0]);
    assert!(warnings[0].contains("kept as a note"), "{}", warnings[0]);
    assert!(!warnings[0].contains("careful"), "{}", warnings[0]);
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
}

#[test]
fn a_policy_with_rules_is_told_as_one_in_force() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    assert!(house.told.warnings().is_empty());
    let told = format!("policy version 1 of {} is in force", alice.fingerprint());
    assert!(house.told.events().contains(&Event::Info(told)));
}

#[test]
fn a_note_lifts_nothing_that_is_in_force() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    for note in [
        "",
        "# nothing\n",
        "Thank you.",
        "allow",
        "deny this and that",
    ] {
        alice.set_policy(&house, note);
        let Err(reason) = alice.reverse(&house, "x") else {
            panic!("{note:?} lifted the rules")
        };
        assert!(reason.starts_with("Model 'model_reverse' is denied by"));
    }
    assert_eq!(stored(&house).len(), 6);
}

#[test]
fn a_note_that_looks_like_rules_about_other_models_stays_one() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    for note in ["Allow once.", "deny everything", "allow Model_caps"] {
        alice.set_policy(&house, note);
    }
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 4));
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    alice.meet(&restarted);
    assert_eq!(alice.reverse(&restarted, "x"), denied("model_reverse", 4));
    assert_eq!(alice.caps(&restarted, "x"), Ok("X".into()));
}

#[test]
fn a_rule_about_a_model_that_is_not_there_yet_needs_the_word_access() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let response = send(&mut alice, &house, b"deny model_caps\nallow model_later");
    let reason = "there is no such model; if there will be one, write `access` after it";
    let detail = format!(
        "Policy not understood: line 2 is not understood: {reason}; write `allow MODEL` or `deny \
         MODEL for CLIENT`"
    );
    assert_bad(&response, &detail);
    alice.set_policy(&house, "allow model_caps\nAllow model_later access.");
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
    let later = alice.run(&house, "model_later", &text_input("x"));
    assert_eq!(later, Err("Unknown model ID: 'model_later'".into()));
    // It may be a slip all the same, so the operator is told.
    let warnings = house.told.warnings();
    let warning = "speaks of a model that this server does not have";
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].ends_with(warning), "{}", warnings[0]);
}

#[test]
fn a_server_that_keeps_no_notes_refuses_them() {
    let house = House::with(Qu3Config {
        policy_notes: PolicyNotes::Refuse,
        ..Qu3Config::default()
    });
    let mut alice = Peer::in_session(Who::Alice, &house);
    for note in ["Please be careful.", "", "# nothing"] {
        let response = send(&mut alice, &house, note.as_bytes());
        assert_bad(&response, "Policy not understood: no line is a rule.");
    }
    assert!(house.policies().is_empty());
    alice.set_policy(&house, "deny model_reverse");
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
}

#[test]
fn rules_among_anything_else_are_refused_with_the_line() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    alice.set_policy(&house, "deny model_reverse");
    let mixed = [
        (
            "Allow model_caps access.\nPlease be careful.\n",
            2,
            "it begins with neither `allow` nor `deny`",
        ),
        (
            "# a comment\n\nDenny model_caps\nallow *\n",
            3,
            "it begins with neither `allow` nor `deny`",
        ),
        ("allow *\ndeny", 2, "it names no model"),
        (
            "allow *\ndeny model_caps please",
            2,
            "there is more after the model than `for CLIENT`",
        ),
        ("allow *\ndeny model_caps for", 2, "`for` names no client"),
        (
            "allow *\ndeny model_caps for * too",
            2,
            "there is more after the client",
        ),
        (
            "allow *\ndeny MODEL_CAPS access",
            2,
            "there is such a model in other capitals; names are exact",
        ),
        (
            "allow *\ndeny model\u{200b}_caps access",
            2,
            "its model has characters that cannot be seen apart; write it anew",
        ),
        (
            "allow *\ndeny model_caps for alice",
            2,
            "a client is `sha256:` and 64 hexadecimal digits, or `*`",
        ),
    ];
    for (text, line, reason) in mixed {
        let detail = format!(
            "Policy not understood: line {line} is not understood: {reason}; write `allow MODEL` \
             or `deny MODEL for CLIENT`"
        );
        assert_bad(&send(&mut alice, &house, text.as_bytes()), &detail);
    }
    assert_eq!(stored(&house).len(), 1);
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 1));
}

#[test]
fn a_policy_that_is_not_utf_8_is_refused() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for text in [&b"deny model_caps \xff\xfe"[..], b"\xc3", b"\xed\xa0\x80"] {
        let response = send(&mut alice, &house, text);
        assert_bad(&response, "Policy is not valid UTF-8.");
    }
    assert!(house.policies().is_empty());
}

#[test]
fn a_policy_is_at_most_8_kib() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let rules = "deny model_reverse\n#";
    for length in [MAX_POLICY_BYTES - 1, MAX_POLICY_BYTES] {
        let text = format!("{rules}{}", "x".repeat(length - rules.len()));
        alice.set_policy(&house, &text);
        assert_eq!(stored(&house).pop().unwrap().1.len(), length);
    }
    for length in [MAX_POLICY_BYTES + 1, 4 * MAX_POLICY_BYTES] {
        let text = format!("allow *\n{}", "#".repeat(length - 8));
        let response = send(&mut alice, &house, text.as_bytes());
        let detail = "Policy not understood: longer than 8192 bytes.";
        assert_bad(&response, detail);
    }
    assert_eq!(MAX_POLICY_BYTES, 8 * 1024);
    assert_eq!(stored(&house).len(), 2);
    assert_eq!(alice.reverse(&house, "x"), denied("model_reverse", 2));
}

#[test]
fn a_refused_policy_leaves_the_session_as_good_as_it_was() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    // It decrypts and verifies, so the session is confirmed; the policy is not.
    assert_eq!(send(&mut alice, &house, b"allow *\nnonsense").status, 400);
    assert_eq!(house.counts(), (1, 0, 1));
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
}
