//! Access policies: what a client may run, said in lines that the server can enforce.
//!
//! ```text
//! # comments and blank lines are free
//! Allow model_caps access.
//! Deny model_reverse for sha256:…
//! ```
//!
//! A line is `allow` or `deny`, a model or `*`, an optional `access`, and an optional `for` with a
//! client's fingerprint or `*`; case and a final full stop do not matter. Order does not matter
//! either: a denial always wins, and where any line allows, what no line allows is denied. A model
//! that the reader does not have needs the word `access`: "Allow once." is prose.
//!
//! The original took any text and enforced none of it. A text in which no line is a rule is kept
//! as a *note*: it is versioned, changes nothing that was in force, and the server warns about it.
//! A text that mixes rules with anything else is refused, so that a slip cannot weaken a policy.

use std::collections::BTreeMap;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::python_json::Json;
use pqfw_framework::store::{Inserted, Store, StoreError};
use pqfw_framework::world::Now;

use crate::wire;

/// Bytes of one policy.
pub const MAX_POLICY_BYTES: usize = 64 << 10;
/// Versions that the store keeps in all; at the bound updates are refused.
pub const MAX_VERSIONS: u64 = 100_000;

const SPACE: &str = "qu3.policies";

/// The rules of one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// `None` for every model.
    model: Option<String>,
    /// `None` for every client that the policy binds.
    client: Option<String>,
}

/// What a policy's text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every line is a rule.
    Rules(Rules),
    /// No line is a rule.
    Note,
}

/// A line that is no rule in a text that has rules, from 1, with what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not understood: {reason}; write `allow MODEL` or `deny MODEL for CLIENT`")]
pub struct PolicySyntax {
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads a policy's text; `is_model` says which models there are.
///
/// # Errors
/// [`PolicySyntax`] when some lines are rules and one is not.
pub fn read(text: &str, is_model: impl Fn(&str) -> bool) -> Result<Reading, PolicySyntax> {
    let (mut rules, mut wrong) = (Vec::new(), None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match rule(line, &is_model) {
            Ok(rule) => rules.push(rule),
            Err(reason) => {
                wrong.get_or_insert(PolicySyntax {
                    line: index + 1,
                    reason,
                });
            }
        }
    }
    match (rules.is_empty(), wrong) {
        (true, _) => Ok(Reading::Note),
        (false, None) => Ok(Reading::Rules(Rules(rules))),
        (false, Some(wrong)) => Err(wrong),
    }
}

fn rule(line: &str, is_model: impl Fn(&str) -> bool) -> Result<Rule, &'static str> {
    let line = line.strip_suffix('.').unwrap_or(line);
    let mut words = line.split_whitespace().peekable();
    let allow = match words.next().map(str::to_lowercase).as_deref() {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err("it begins with neither `allow` nor `deny`"),
    };
    let named = |word: &str| (word != "*").then(|| word.to_owned());
    let model = words.next().ok_or("it names no model")?;
    let access = words.next_if(|word| word.eq_ignore_ascii_case("access"));
    if access.is_none() && model != "*" && !is_model(model) {
        return Err("there is no such model; if there will be one, write `access` after it");
    }
    let client = match words.next() {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("for") => {
            named(words.next().ok_or("`for` names no client")?)
        }
        Some(_) => return Err("there is more after the model than `for CLIENT`"),
    };
    if words.next().is_some() {
        return Err("there is more after the client");
    }
    Ok(Rule {
        allow,
        model: named(model),
        client,
    })
}

impl Rules {
    /// Whether a rule names a client, which is for administrators.
    #[must_use]
    pub fn names_clients(&self) -> bool {
        self.0.iter().any(|rule| rule.client.is_some())
    }

    /// Whether `client` may run `model`.
    #[must_use]
    pub fn allow(&self, client: &Fingerprint, model: &str) -> bool {
        let concerned = || {
            let bound = |rule: &&Rule| rule.client.as_deref().is_none_or(|c| c == client.as_str());
            self.0.iter().filter(bound)
        };
        let names = |rule: &Rule| rule.model.as_deref().is_none_or(|m| m == model);
        let denied = concerned().any(|rule| !rule.allow && names(rule));
        let has_allows = concerned().any(|rule| rule.allow);
        !denied && (!has_allows || concerned().any(|rule| rule.allow && names(rule)))
    }
}

/// The policies in force, by the client that set them.
#[derive(Default)]
pub struct Policies {
    in_force: BTreeMap<Fingerprint, InForce>,
}

struct InForce {
    version: u64,
    rules: Option<Rules>,
    /// An administrator's rules bind everybody, anybody else's bind themselves alone.
    administrator: bool,
}

/// An update that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its version, from 1 for each client.
    pub version: u64,
    /// Whether it is enforced, or a note.
    pub enforced: bool,
}

impl Policies {
    /// Loads what is in force from the store.
    ///
    /// # Errors
    /// [`StoreError`]; a record that cannot be read is one, and nothing is skipped.
    pub fn load(store: &dyn Store, administrators: &[String]) -> Result<Self, StoreError> {
        let mut policies = Self::default();
        for (key, value) in store.scan(SPACE)? {
            let unreadable = || {
                let key = String::from_utf8_lossy(&key).into_owned();
                StoreError::Failed(format!("policy record {key} cannot be read"))
            };
            let record = wire::parse(&value).map_err(|_| unreadable())?;
            let text = |name| record.get(name).and_then(Json::as_str);
            let client = text("client")
                .and_then(Fingerprint::parse)
                .ok_or_else(unreadable)?;
            let was_note = record.get("note") == Some(&Json::Bool(true));
            let reading = match text("text") {
                Some(_) if was_note => Reading::Note,
                // Whatever models there are today, it was a rule when it was accepted.
                Some(text) => read(text, |_| true).map_err(|_| unreadable())?,
                None => return Err(unreadable()),
            };
            // Records are ordered by client and version, so that the newest rules come last.
            policies.put(client, reading, administrators);
        }
        Ok(policies)
    }

    /// Stores an update as the client's next version and puts it in force.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing has changed.
    pub fn update(
        &mut self,
        store: &dyn Store,
        administrators: &[String],
        client: &Fingerprint,
        text: &str,
        reading: Reading,
        now: Now,
    ) -> Result<Stored, StoreError> {
        let version = self.in_force.get(client).map_or(0, |old| old.version) + 1;
        let record = Json::object([
            ("client", client.as_str().into()),
            ("version", version.into()),
            ("received", now.iso8601().as_str().into()),
            ("text", text.into()),
            ("note", (reading == Reading::Note).into()),
        ]);
        let key = format!("{client}/{version:020}");
        let record = record.canonical();
        match store.insert(SPACE, key.as_bytes(), record.as_bytes(), MAX_VERSIONS)? {
            Inserted::New => {}
            Inserted::AlreadyThere => {
                let what = format!("policy {key} is there already: two servers share one store");
                return Err(StoreError::Failed(what));
            }
        }
        let enforced = matches!(reading, Reading::Rules(_));
        self.put(client.clone(), reading, administrators);
        Ok(Stored { version, enforced })
    }

    fn put(&mut self, client: Fingerprint, reading: Reading, administrators: &[String]) {
        let administrator = administrators.iter().any(|a| a == client.as_str());
        let entry = self.in_force.entry(client).or_insert(InForce {
            version: 0,
            rules: None,
            administrator,
        });
        entry.version += 1;
        if let Reading::Rules(rules) = reading {
            entry.rules = Some(rules);
        }
    }

    /// Checks that `client` may run `model`.
    ///
    /// # Errors
    /// The text that the client is given.
    pub fn check(&self, client: &Fingerprint, model: &str) -> Result<(), String> {
        let binding = self
            .in_force
            .iter()
            .filter(|(owner, p)| p.administrator || *owner == client);
        for (_, policy) in binding {
            if let Some(rules) = &policy.rules
                && !rules.allow(client, model)
            {
                let version = policy.version;
                return Err(format!(
                    "Model '{model}' is denied by policy version {version}."
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pqfw_framework::store::MemoryStore;

    use super::*;

    const NOW: Now = Now {
        since_start: Duration::ZERO,
        unix_micros: 0,
    };

    fn client(digit: char) -> Fingerprint {
        Fingerprint::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
    }

    fn is_model(name: &str) -> bool {
        ["model_caps", "model_reverse"].contains(&name)
    }

    fn rules(text: &str) -> Rules {
        match read(text, is_model).unwrap() {
            Reading::Rules(rules) => rules,
            Reading::Note => panic!("`{text}` is a note"),
        }
    }

    #[test]
    fn the_recorded_policy_is_a_rule() {
        let rules = rules("Allow model_caps access.\n");
        assert!(rules.allow(&client('a'), "model_caps"));
        assert!(!rules.allow(&client('a'), "model_reverse"));
    }

    #[test]
    fn a_denial_wins_in_any_order() {
        for text in ["allow *\ndeny model_reverse", "deny model_reverse\nallow *"] {
            let rules = rules(text);
            assert!(rules.allow(&client('a'), "model_caps"), "{text}");
            assert!(!rules.allow(&client('a'), "model_reverse"), "{text}");
        }
        assert!(rules("deny model_reverse").allow(&client('a'), "model_caps"));
    }

    #[test]
    fn a_rule_for_one_client_binds_no_other() {
        let rules = rules(&format!("Deny * for {}", client('a')));
        assert!(!rules.allow(&client('a'), "model_caps"));
        assert!(rules.allow(&client('b'), "model_caps"));
        assert!(rules.names_clients());
    }

    #[test]
    fn prose_is_a_note_and_a_mixture_is_refused() {
        for prose in ["Please be nice.\n", "Allow once.", ""] {
            assert_eq!(read(prose, is_model), Ok(Reading::Note), "{prose}");
        }
        let mixed = read("Deny model_reverse\nDenny model_caps", is_model).unwrap_err();
        assert_eq!(mixed.line, 2);
        for bad in [
            "allow",
            "allow * y",
            "allow * for",
            "allow * for y z",
            "allow other",
        ] {
            assert!(read(&format!("deny *\n{bad}"), is_model).is_err(), "{bad}");
        }
        assert!(!rules("Deny later access").allow(&client('a'), "later"));
    }

    #[test]
    fn versions_count_up_and_a_note_lifts_nothing() {
        let (store, mut policies) = (MemoryStore::default(), Policies::default());
        let alice = client('a');
        for (version, text) in [(1, "deny model_reverse"), (2, "thank you")] {
            let reading = read(text, is_model).unwrap();
            let stored = policies
                .update(&store, &[], &alice, text, reading, NOW)
                .unwrap();
            assert_eq!(
                stored,
                Stored {
                    version,
                    enforced: version == 1
                }
            );
        }
        assert!(policies.check(&alice, "model_reverse").is_err());
        let reloaded = Policies::load(&store, &[]).unwrap();
        assert!(reloaded.check(&alice, "model_reverse").is_err());
        assert!(reloaded.check(&alice, "model_caps").is_ok());
    }

    #[test]
    fn only_an_administrator_binds_others() {
        let (alice, bob) = (client('a'), client('b'));
        for (administrators, bound) in [(vec![], false), (vec![alice.to_string()], true)] {
            let (store, mut policies) = (MemoryStore::default(), Policies::default());
            let text = "deny model_caps";
            let reading = read(text, is_model).unwrap();
            policies
                .update(&store, &administrators, &alice, text, reading, NOW)
                .unwrap();
            assert!(policies.check(&alice, "model_caps").is_err());
            assert_eq!(policies.check(&bob, "model_caps").is_err(), bound);
        }
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        let store = MemoryStore::default();
        store.put(SPACE, b"x", b"nonsense").unwrap();
        assert!(matches!(
            Policies::load(&store, &[]),
            Err(StoreError::Failed(_))
        ));
    }
}
