//! The policies in force, and what the store keeps of them.
//!
//! Three spaces, all bounded by the number of clients: what is in force of each client, its last
//! few versions, and the digest of every policy signature that was ever accepted. A policy's
//! signature covers its text alone and travels outside the ciphertext, so whoever recorded one
//! could send an old text again, under a session of their own: each signature counts once.

use std::collections::BTreeMap;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::python_json::Json;
use pqfw_framework::store::{Inserted, Store, StoreError};
use pqfw_framework::world::Now;

use crate::error::Refusal;
use crate::policy::{self, Reading, Rules};
use crate::wire;

/// Versions of each client that the store keeps; older ones are overwritten.
pub const KEPT_VERSIONS: u64 = 8;
/// Updates that one client may make; an administrator, a thousand times as many. It bounds the
/// record of signatures.
pub const MAX_UPDATES: u64 = 1024;

const IN_FORCE: &str = "qu3.policies.in-force";
const VERSIONS: &str = "qu3.policies.versions";
const SIGNATURES: &str = "qu3.policies.signatures";

/// The policies in force, by the client that set them.
#[derive(Default)]
pub struct Policies {
    in_force: BTreeMap<Fingerprint, InForce>,
    /// Their rules bind everybody; anybody else's bind themselves alone.
    administrators: Vec<Fingerprint>,
}

#[derive(Clone, Default)]
struct InForce {
    version: u64,
    rules: Option<(String, Rules)>,
}

/// A policy that was received: signed, verified, not yet in force.
pub struct Update<'a> {
    /// Who signed it.
    pub client: &'a Fingerprint,
    /// Its text.
    pub text: &'a str,
    /// What the text turned out to be.
    pub reading: Reading,
    /// SHA-256 over the signature.
    pub signature: &'a [u8],
    /// When it came.
    pub now: Now,
}

/// An update that is stored, to be put in force.
#[derive(Clone)]
pub struct Stored {
    client: Fingerprint,
    next: InForce,
    /// Whether it is enforced, or a note.
    pub enforced: bool,
}

impl Stored {
    /// Its version, from 1 for each client.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.next.version
    }
}

impl Policies {
    /// Loads what is in force from the store.
    ///
    /// # Errors
    /// [`StoreError`]; a record that cannot be read is one, and nothing is skipped.
    pub fn load(store: &dyn Store, administrators: Vec<Fingerprint>) -> Result<Self, StoreError> {
        let mut in_force = BTreeMap::new();
        for (key, value) in store.scan(IN_FORCE)? {
            let (client, record) = read_record(&key, &value).ok_or_else(|| {
                let key = String::from_utf8_lossy(&key).into_owned();
                StoreError::Failed(format!("policy record {key} cannot be read"))
            })?;
            in_force.insert(client, record);
        }
        Ok(Self {
            in_force,
            administrators,
        })
    }

    /// Whether a client's rules bind everybody.
    #[must_use]
    pub fn is_administrator(&self, client: &Fingerprint) -> bool {
        self.administrators.contains(client)
    }

    /// Prepares an update as the client's next version. One update at a time: the caller holds a
    /// lock of its own, since [`Self::store`] may wait for a disk and must not hold up everybody.
    #[must_use]
    pub fn prepare(&self, update: &Update<'_>) -> (Stored, u64) {
        let mut next = self
            .in_force
            .get(update.client)
            .cloned()
            .unwrap_or_default();
        next.version += 1;
        let enforced = match &update.reading {
            Reading::Rules(rules) => {
                next.rules = Some((update.text.to_owned(), rules.clone()));
                true
            }
            Reading::Note => false,
        };
        let factor = if self.is_administrator(update.client) {
            1024
        } else {
            1
        };
        let stored = Stored {
            client: update.client.clone(),
            next,
            enforced,
        };
        (stored, MAX_UPDATES * factor)
    }

    /// Stores a prepared update. `clients` bounds how many clients may have policies, of which
    /// administrators are not counted out.
    ///
    /// # Errors
    /// [`Refusal::Replayed`] for a signature that was accepted before; [`Refusal::Full`];
    /// [`Refusal::Internal`]. What is in force has not changed.
    pub fn store(
        store: &dyn Store,
        update: &Update<'_>,
        (stored, most): &(Stored, u64),
        clients: u64,
    ) -> Result<(), Refusal> {
        let (client, version) = (update.client, stored.version());
        if version > *most {
            return Err(Refusal::Full("This client has used up its policy updates."));
        }
        let key = client.as_str().as_bytes();
        if version == 1 {
            let bound = if *most > MAX_UPDATES {
                u64::MAX
            } else {
                clients
            };
            // A place, with nothing in force: who gets none must leave no signature behind.
            store.insert(IN_FORCE, key, record(0, None).as_bytes(), bound)?;
        }
        if store.insert(SIGNATURES, update.signature, &[], u64::MAX)? == Inserted::AlreadyThere {
            return Err(Refusal::Replayed);
        }
        let slot = format!("{client}/{}", version % KEPT_VERSIONS);
        let entry = Json::object([
            ("version", version.into()),
            ("received", update.now.iso8601().as_str().into()),
            ("enforced", stored.enforced.into()),
            ("text", update.text.into()),
        ]);
        store.put(VERSIONS, slot.as_bytes(), entry.canonical().as_bytes())?;
        let rules = stored.next.rules.as_ref();
        let record = record(version, rules.map(|(text, _)| text.as_str()));
        Ok(store.put(IN_FORCE, key, record.as_bytes())?)
    }

    /// Puts a stored update in force.
    pub fn enforce(&mut self, stored: Stored) {
        self.in_force.insert(stored.client, stored.next);
    }

    /// Checks that `client` may run `model`.
    ///
    /// # Errors
    /// The text that the client is given.
    pub fn check(&self, client: &Fingerprint, model: &str) -> Result<(), String> {
        for owner in std::iter::once(client).chain(&self.administrators) {
            if let Some(InForce {
                version,
                rules: Some((_, rules)),
            }) = self.in_force.get(owner)
                && !rules.allow(client, model)
            {
                return Err(format!(
                    "Model '{model}' is denied by policy version {version}."
                ));
            }
        }
        Ok(())
    }
}

/// What is in force of a client, as the store keeps it.
fn record(version: u64, rules: Option<&str>) -> String {
    let record = Json::object([
        ("version", version.into()),
        ("rules", rules.map_or(Json::Null, Json::from)),
    ]);
    record.canonical()
}

fn read_record(key: &[u8], value: &[u8]) -> Option<(Fingerprint, InForce)> {
    let client = Fingerprint::parse(std::str::from_utf8(key).ok()?)?;
    let record = wire::parse(value).ok()?;
    let version = record.get("version")?.as_number()?.as_u64()?;
    let rules = match record.get("rules")? {
        Json::Null => None,
        text => {
            let text = text.as_str()?;
            // Whatever models there are today, it was a rule when it was accepted: every word may
            // be a model, and so may every word without the full stop that ends its line.
            let words = text.split_whitespace();
            let named: Vec<_> = words
                .flat_map(|word| [word, word.strip_suffix('.').unwrap_or(word)])
                .collect();
            let Ok(Reading::Rules(rules)) = policy::read(text, &named) else {
                return None;
            };
            Some((text.to_owned(), rules))
        }
    };
    Some((client, InForce { version, rules }))
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
    const MODELS: [&str; 2] = ["model_caps", "model_reverse"];

    fn client(digit: char) -> Fingerprint {
        Fingerprint::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
    }

    fn set(
        policies: &mut Policies,
        store: &dyn Store,
        client: &Fingerprint,
        text: &str,
        signature: &[u8],
    ) -> Result<(u64, bool), Refusal> {
        let reading = policy::read(text, &MODELS).unwrap();
        let update = Update {
            client,
            text,
            reading,
            signature,
            now: NOW,
        };
        let prepared = policies.prepare(&update);
        Policies::store(store, &update, &prepared, 2)?;
        let (version, enforced) = (prepared.0.version(), prepared.0.enforced);
        policies.enforce(prepared.0);
        Ok((version, enforced))
    }

    #[test]
    fn versions_count_up_and_a_note_lifts_nothing() {
        let (store, mut policies) = (MemoryStore::default(), Policies::default());
        let alice = client('a');
        assert_eq!(
            set(&mut policies, &store, &alice, "deny model_reverse", b"1"),
            Ok((1, true))
        );
        for version in 2..30_u8 {
            let outcome = set(&mut policies, &store, &alice, "thank you", &[version]);
            assert_eq!(outcome, Ok((version.into(), false)));
        }
        assert!(policies.check(&alice, "model_reverse").is_err());
        let reloaded = Policies::load(&store, Vec::new()).unwrap();
        assert!(reloaded.check(&alice, "model_reverse").is_err());
        assert!(reloaded.check(&alice, "model_caps").is_ok());
        assert_eq!(store.scan(VERSIONS).unwrap().len(), 8);
    }

    #[test]
    fn a_signature_counts_once_so_that_nobody_can_roll_back() {
        let (store, mut policies) = (MemoryStore::default(), Policies::default());
        let alice = client('a');
        set(&mut policies, &store, &alice, "allow *", b"old").unwrap();
        set(&mut policies, &store, &alice, "deny *", b"new").unwrap();
        let again = set(&mut policies, &store, &alice, "allow *", b"old");
        assert_eq!(again, Err(Refusal::Replayed));
        assert!(policies.check(&alice, "model_caps").is_err());
    }

    #[test]
    fn strangers_cannot_crowd_out_an_administrator() {
        let store = MemoryStore::default();
        let mut policies = Policies::load(&store, vec![client('0')]).unwrap();
        for digit in ['a', 'b'] {
            set(
                &mut policies,
                &store,
                &client(digit),
                "note",
                &[digit as u8],
            )
            .unwrap();
        }
        let third = set(&mut policies, &store, &client('c'), "note", b"c");
        assert!(matches!(third, Err(Refusal::Full(_))));
        set(&mut policies, &store, &client('0'), "deny model_caps", b"0").unwrap();
        assert!(policies.check(&client('c'), "model_caps").is_err());
        for update in 2..=MAX_UPDATES {
            let signature = update.to_be_bytes();
            set(&mut policies, &store, &client('a'), "note", &signature).unwrap();
        }
        let more = set(&mut policies, &store, &client('a'), "note", b"one more");
        assert!(matches!(more, Err(Refusal::Full(_))));
    }

    #[test]
    fn only_an_administrator_binds_others() {
        let (alice, bob) = (client('a'), client('b'));
        for (administrators, bound) in [(vec![], false), (vec![alice.clone()], true)] {
            let store = MemoryStore::default();
            let mut policies = Policies::load(&store, administrators).unwrap();
            set(&mut policies, &store, &alice, "deny model_caps", b"1").unwrap();
            assert!(policies.check(&alice, "model_caps").is_err());
            assert_eq!(policies.check(&bob, "model_caps").is_err(), bound);
        }
    }

    #[test]
    fn a_damaged_record_is_an_error() {
        let store = MemoryStore::default();
        store.put(IN_FORCE, b"x", b"nonsense").unwrap();
        let loaded = Policies::load(&store, Vec::new()).map(drop);
        assert!(matches!(loaded, Err(StoreError::Failed(_))));
    }
}
