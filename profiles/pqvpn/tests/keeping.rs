//! What a node keeps: its keys, and whom it knows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "node/people.rs"]
mod people;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::keys;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_framework::world::Now;
use pqfw_pqvpn::keyring::{KeyNames, KeyringError, identity, rotate, stored};
use pqfw_pqvpn::known::{KnownError, KnownPeers, TrustTerms};
use pqfw_pqvpn::trust::{Distrust, Question, Stage, Trust, TrustMode, Verdict};
use pqfw_pqvpn::{IdentityError, PeerId, Record, RecordTerms};

use people::{CHEAP, FAST, HYBRID, OTHER, rng, suites};

/// Files in memory, with their secrecy.
#[derive(Default)]
struct Folder {
    files: Mutex<BTreeMap<String, (Vec<u8>, bool)>>,
    is_full: Mutex<bool>,
}

impl KeyFiles for Folder {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        let files = self.files.lock().unwrap();
        Ok(files
            .get(name)
            .map(|(bytes, _)| SecretBytes::copy_of(bytes)))
    }

    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
        if *self.is_full.lock().unwrap() {
            return Err(KeyFileError {
                path: name.into(),
                reason: "no space left".into(),
            });
        }
        let mut files = self.files.lock().unwrap();
        files.insert(name.into(), (bytes.to_vec(), secret));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        self.files.lock().unwrap().remove(name);
        Ok(())
    }

    fn describe(&self) -> String {
        "keys".into()
    }
}

impl Folder {
    fn names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.files.lock().unwrap()[name].0.clone()).unwrap()
    }
}

fn names() -> KeyNames {
    KeyNames {
        signature: "signature.pem".into(),
        kem: "kem.pem".into(),
    }
}

#[test]
fn keys_are_made_once_and_the_peer_id_stays() {
    for name in [CHEAP, FAST, HYBRID] {
        let (folder, suites) = (Folder::default(), suites(&[name]));
        let (first, made) = identity(&folder, &names(), &suites, &mut rng(1)).unwrap();
        assert!(made);
        let files = folder.files.lock().unwrap().clone();
        assert_eq!(files.len(), 2, "{name}");
        assert!(files.values().all(|(_, secret)| *secret), "{name}");
        let (again, made) = identity(&folder, &names(), &suites, &mut rng(2)).unwrap();
        assert_eq!((again.id(), made), (first.id(), false), "{name}");
        assert_eq!(stored(&folder, &names(), &suites).unwrap().id(), first.id());
    }
}

#[test]
fn keys_of_another_suite_have_files_of_their_own() {
    let folder = Folder::default();
    let (first, _) = identity(&folder, &names(), &suites(&[CHEAP]), &mut rng(1)).unwrap();
    let (other, made) = identity(&folder, &names(), &suites(&[OTHER]), &mut rng(2)).unwrap();
    assert!(made && other.id() != first.id());
    let (again, made) = identity(&folder, &names(), &suites(&[CHEAP]), &mut rng(3)).unwrap();
    assert_eq!((again.id(), made), (first.id(), false));
    assert_eq!(
        folder.names(),
        ["kem-P-256.pem", "kem.pem", "signature.pem"]
    );
}

#[test]
fn new_keys_follow_the_former_and_say_so() {
    let (folder, suites) = (Folder::default(), suites(&[FAST]));
    let (first, _) = identity(&folder, &names(), &suites, &mut rng(1)).unwrap();
    let (former, new) = rotate(&folder, &names(), &suites, &mut rng(2)).unwrap();
    assert_eq!(former, first.id());
    let (second, made) = identity(&folder, &names(), &suites, &mut rng(3)).unwrap();
    assert_eq!((second.id(), made), (new, false));
    let terms = RecordTerms {
        expires_unix_secs: 1,
        ..RecordTerms::default()
    };
    let record = second.record(terms, &mut rng(4)).unwrap();
    let record = Record::read(record.as_bytes(), &suites, NOW).unwrap();
    assert_eq!(record.former, Some(former));
    // The former keys are there for an operator who has to go back.
    let back = KeyNames {
        signature: "former-signature.pem".into(),
        kem: "former-kem.pem".into(),
    };
    assert_eq!(stored(&folder, &back, &suites).unwrap().id(), former);
    // A statement that was damaged stops the start: peers would not believe these keys.
    let statement = folder
        .names()
        .into_iter()
        .find(|name| name.starts_with("rotation-"));
    folder.write(&statement.unwrap(), b"short", false).unwrap();
    let wrong = identity(&folder, &names(), &suites, &mut rng(5))
        .err()
        .unwrap();
    assert!(matches!(wrong, KeyringError::Statement(_)), "{wrong}");
}

#[test]
fn files_that_are_no_keys_are_refused_and_left() {
    let (folder, suites) = (Folder::default(), suites(&[CHEAP]));
    let nothing = rotate(&folder, &names(), &suites, &mut rng(1))
        .err()
        .unwrap();
    assert!(matches!(nothing, KeyringError::Nothing(_)), "{nothing}");
    *folder.is_full.lock().unwrap() = true;
    let full = identity(&folder, &names(), &suites, &mut rng(1))
        .err()
        .unwrap();
    assert!(
        matches!(full, KeyringError::Keys(keys::IdentityError::File(_))),
        "{full}"
    );
    *folder.is_full.lock().unwrap() = false;
    identity(&folder, &names(), &suites, &mut rng(1)).unwrap();
    *folder.is_full.lock().unwrap() = true;
    let full = rotate(&folder, &names(), &suites, &mut rng(2))
        .err()
        .unwrap();
    assert!(matches!(full, KeyringError::File(_)), "{full}");
    *folder.is_full.lock().unwrap() = false;
    folder.write("kem.pem", b"precious", true).unwrap();
    let wrong = identity(&folder, &names(), &suites, &mut rng(2))
        .err()
        .unwrap();
    assert!(
        matches!(wrong, KeyringError::Keys(keys::IdentityError::Codec { .. })),
        "{wrong}"
    );
    assert_eq!(folder.text("kem.pem"), "precious");
    let algorithm = KeyringError::from(IdentityError::Rotation);
    assert!(
        matches!(algorithm, KeyringError::Identity(_)),
        "{algorithm}"
    );
    let suite = people::suite(CHEAP);
    let provider = suite.kem.import_encapsulation_key(b"").err().unwrap();
    let kem = keys::IdentityError::Kem(provider.clone());
    assert_eq!(kem.to_string(), provider.to_string());
}

const NOW: Now = Now {
    since_start: Duration::ZERO,
    unix_micros: 0,
};
const FOLLOWS: Verdict = Verdict::Follows {
    former: HUB,
    first_use: false,
};
const HUB: PeerId = PeerId([1; 32]);
const OTHERS: PeerId = PeerId([2; 32]);
const THIRD: PeerId = PeerId([3; 32]);

fn terms(mode: TrustMode) -> TrustTerms {
    TrustTerms {
        mode,
        file: "known.toml".into(),
        allow: vec![THIRD],
    }
}

fn ask(list: &KnownPeers, peer: PeerId, former: Option<PeerId>, called: Option<&str>) -> Verdict {
    list.judge(&Question {
        now: NOW,
        peer,
        former,
        called,
        stage: Stage::Proven,
    })
}

#[test]
fn first_use_is_written_down_and_an_operator_ends_it() {
    let folder = Arc::new(Folder::default());
    let list = KnownPeers::load(terms(TrustMode::Tofu), folder.clone()).unwrap();
    assert_eq!(list.keep(NOW), Ok(false));
    assert_eq!(
        ask(&list, OTHERS, None, Some("a \"b\":2")),
        Verdict::FirstUse
    );
    assert_eq!((list.keep(NOW), list.keep(NOW)), (Ok(true), Ok(false)));
    let expected = format!(
        "version = 1\n\n[[peer]]\nname = 'a \"b\":2'\nfingerprint = \"{OTHERS}\"\n\
         first_seen = \"1970-01-01T00:00:00+00:00\"\n"
    );
    assert_eq!(folder.text("known.toml"), expected);
    let again = KnownPeers::load(terms(TrustMode::Pinned), folder.clone()).unwrap();
    assert_eq!(ask(&again, OTHERS, None, None), Verdict::FirstUse);
    let changed = ask(&again, THIRD, None, Some("a \"b\":2"));
    assert_eq!(changed, Verdict::Refused(Distrust::Changed));
    // An operator pins it.
    let pinned = folder
        .text("known.toml")
        .replace("first_seen = \"1970-01-01T00:00:00+00:00\"\n", "");
    folder
        .write("known.toml", pinned.as_bytes(), false)
        .unwrap();
    assert_eq!(again.reload(terms(TrustMode::Pinned)), Ok(1));
    assert_eq!(ask(&again, OTHERS, None, None), Verdict::Known);
}

#[test]
fn who_follows_and_who_is_retired_survive_a_restart() {
    let folder = Arc::new(Folder::default());
    let hub = format!("version = 1\n[[peer]]\nname = 'hub:1'\nfingerprint = '{HUB}'\n");
    folder.write("known.toml", hub.as_bytes(), false).unwrap();
    let list = KnownPeers::load(terms(TrustMode::Tofu), folder.clone()).unwrap();
    let follows = ask(&list, OTHERS, Some(HUB), Some("hub:1"));
    assert_eq!(follows, FOLLOWS);
    assert_eq!(list.keep(NOW), Ok(true));
    let again = KnownPeers::load(terms(TrustMode::Tofu), folder).unwrap();
    assert_eq!(ask(&again, OTHERS, None, Some("hub:1")), Verdict::Known);
    assert_eq!(
        ask(&again, HUB, None, None),
        Verdict::Refused(Distrust::Retired)
    );
}

#[test]
fn a_list_of_the_allowed_has_nobody_else() {
    let folder = Arc::new(Folder::default());
    let list = KnownPeers::load(terms(TrustMode::AllowList), folder.clone()).unwrap();
    assert_eq!(ask(&list, THIRD, None, None), Verdict::Known);
    assert_eq!(
        ask(&list, HUB, None, None),
        Verdict::Refused(Distrust::Unknown)
    );
    assert_eq!(list.known().len(), 1);
    assert_eq!(list.keep(NOW), Ok(false), "{:?}", folder.names());
}

#[test]
fn a_file_that_cannot_be_read_or_written_changes_nothing() {
    let folder = Arc::new(Folder::default());
    let list = KnownPeers::load(terms(TrustMode::Tofu), folder.clone()).unwrap();
    let peer =
        |name: &str, id: PeerId| format!("[[peer]]\nname = '{name}'\nfingerprint = '{id}'\n");
    let twice = format!("version = 1\n{}{}", peer("a", HUB), peer("a", OTHERS));
    for (bad, says) in [
        ("version = 2", "version 2"),
        ("version = 1\n[[peer]]\nname = 'a'", "fingerprint"),
        (
            "version = 1\n[[peer]]\nname = 'a'\nfingerprint = 'b'",
            "no peer id",
        ),
        ("version = 1\n[[retired]]\nfingerprint = 'b'", "no peer id"),
        ("version = 1\nother = 1", "other"),
        (&twice, "two peers"),
        ("\u{0}", "TOML"),
    ] {
        folder.write("known.toml", bad.as_bytes(), false).unwrap();
        let refused = list.reload(terms(TrustMode::Pinned)).unwrap_err();
        let KnownError::Text { place, reason } = &refused else {
            panic!("{refused}");
        };
        assert_eq!(place, "keys/known.toml");
        assert!(reason.contains(says), "{bad}: {reason}");
    }
    assert_eq!(
        ask(&list, OTHERS, None, None),
        Verdict::FirstUse,
        "still tofu"
    );
    *folder.is_full.lock().unwrap() = true;
    assert!(matches!(list.keep(NOW), Err(KnownError::File(_))));
    *folder.is_full.lock().unwrap() = false;
    assert_eq!(list.keep(NOW), Ok(true));
}
