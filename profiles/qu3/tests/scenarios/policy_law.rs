//! The law of policies: what was accepted is read back after a restart and decides alike.

use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::Now;
use pqfw_qu3::policies::{Policies, Update};
use pqfw_qu3::policy::{self, Reading};
use proptest::prelude::*;

const MODELS: [&str; 3] = ["model_caps", "model_reverse", "access"];
const NOW: Now = Now {
    since_start: Duration::ZERO,
    unix_micros: 0,
};

fn fingerprint(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn client(digit: char) -> Fingerprint {
    Fingerprint::parse(&fingerprint(digit)).unwrap()
}

/// Lines that mostly are rules, in every spelling of them.
fn lines() -> impl Strategy<Value = String> {
    let any_of = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        prop::sample::select(words)
    };
    let verb = any_of(&["allow", "deny", "Allow", "DENY", " deny", "\tallow"]);
    let model = any_of(&[
        "*",
        "model_caps",
        "model_reverse",
        "model_later",
        "Model_caps",
        "access",
        "x.",
        "*.",
        "#",
    ]);
    let access = any_of(&["", " access", " ACCESS", "  access ", " please"]);
    let mut clients = vec![String::new(), " for *".into(), " for alice".into()];
    clients.extend(['a', 'b'].map(|digit| format!(" for {}", fingerprint(digit))));
    let stop = any_of(&["", ".", "..", " .", ". "]);
    let rule = (verb, model, access, prop::sample::select(clients), stop).prop_map(
        |(verb, model, access, client, stop)| format!("{verb} {model}{access}{client}{stop}"),
    );
    prop_oneof![
        8 => rule,
        1 => any_of(&["", "# a comment.", "   ", "Please.", "allow"]),
        1 => any::<String>(),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    let ends = prop::sample::select(vec!["\n", "\r\n", "\n\n"]);
    (prop::collection::vec(lines(), 0..4), ends).prop_map(|(lines, end)| lines.join(end))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_was_accepted_decides_alike_after_a_restart(texts in prop::collection::vec(texts(), 1..5)) {
        let store = MemoryStore::default();
        let mut policies = Policies::load(&store, Vec::new()).unwrap();
        let alice = client('a');
        for (number, text) in texts.iter().enumerate() {
            let Ok(reading) = policy::read(text, &MODELS) else { continue };
            let note = reading == Reading::Note;
            let update = Update {
                client: &alice,
                text,
                reading,
                signature: &number.to_be_bytes(),
                now: NOW,
            };
            let prepared = policies.prepare(&update);
            prop_assert_eq!(prepared.0.enforced, !note);
            Policies::store(&store, &update, &prepared, 1).unwrap();
            policies.enforce(prepared.0);
        }
        let reloaded = Policies::load(&store, Vec::new());
        let reloaded = reloaded.map_err(|error| TestCaseError::fail(error.to_string()))?;
        for who in [&alice, &client('b')] {
            for model in MODELS.iter().chain(&["model_later", "Model_caps", "x.", "x", "", "."]) {
                prop_assert_eq!(reloaded.check(who, model), policies.check(who, model), "{}", model);
            }
        }
    }

    #[test]
    fn any_text_is_rules_or_a_note_or_refused_at_one_of_its_lines(text in texts()) {
        match policy::read(&text, &MODELS) {
            Ok(_) => {}
            Err(wrong) => prop_assert!((1..=text.lines().count()).contains(&wrong.line)),
        }
    }
}
