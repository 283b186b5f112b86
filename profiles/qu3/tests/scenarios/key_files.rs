//! Key files: what is written, what is read back, and what does not fit.

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::system::Failure;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::keys::{End, EndKeys, ServerPublicKeys};

use crate::support::{DEPLOYED, KeyFolder, Who, keys_of, public_keys_of, suite, suite_of};

const FILES: [&str; 4] = [
    "client_kem.pub",
    "client_kem.sec",
    "client_sign.pub",
    "client_sign.sec",
];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn folder_of(who: Who, end: End) -> KeyFolder {
    let folder = KeyFolder::default();
    keys_of(who).save(&folder, end).unwrap();
    folder
}

fn load(folder: &KeyFolder) -> Result<Option<EndKeys>, ClientError> {
    EndKeys::load(folder, &suite(), End::Client)
}

/// The reason of a [`ClientError::Keys`], which is the caller's fault.
#[track_caller]
fn reason(folder: &KeyFolder) -> String {
    let Err(error) = load(folder) else {
        panic!("these files were taken for keys")
    };
    assert_eq!(error.failure(), Failure::Usage);
    match error {
        ClientError::Keys { dir, reason } => {
            assert_eq!(dir, "the key folder");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_files_have_the_names_the_sizes_and_the_secrecy_of_the_specification() {
    for (end, name) in [(End::Client, "client"), (End::Server, "server")] {
        let folder = folder_of(Who::Alice, end);
        let files = folder.files.lock().unwrap();
        let seen: Vec<_> = files
            .iter()
            .map(|(name, (bytes, secret))| (name.clone(), bytes.len(), *secret))
            .collect();
        let file = |suffix: &str| format!("{name}_{suffix}");
        let expected = [
            (file("kem.pub"), 1184, false),
            (file("kem.sec"), 2400, true),
            (file("sign.pub"), 32, false),
            (file("sign.sec"), 64, true),
        ];
        assert_eq!(seen, expected);
    }
}

#[test]
fn what_is_saved_is_loaded_and_works() {
    let (folder, suite) = (folder_of(Who::Alice, End::Client), suite());
    let keys = load(&folder).unwrap().unwrap();
    let alice = keys_of(Who::Alice);
    assert_eq!(keys.kem_public, alice.kem_public);
    assert_eq!(keys.sign_public, alice.sign_public);
    assert_eq!(
        keys.fingerprint(&suite).unwrap(),
        alice.fingerprint(&suite).unwrap()
    );
    let public = suite
        .kem
        .import_encapsulation_key(&keys.kem_public)
        .unwrap();
    let (ciphertext, secret) = public.encapsulate(&mut rng()).unwrap();
    let ours = keys.kem.decapsulate(&ciphertext).unwrap();
    assert!(ours.constant_time_eq(secret.expose()));
    let signature = keys.sign.sign(&mut rng(), &[b"m"]).unwrap();
    let public = suite.signature.import_verifying_key(&alice.sign_public);
    assert_eq!(public.unwrap().verify(&[b"m"], &[], &signature), Ok(()));
}

#[test]
fn a_first_start_makes_keys_and_the_next_one_finds_them() {
    let (folder, suite) = (KeyFolder::default(), suite());
    assert!(load(&folder).unwrap().is_none());
    let make = || EndKeys::load_or_generate(&folder, &suite, End::Client, &mut rng());
    let (first, made) = make().unwrap();
    assert!(made);
    assert_eq!(folder.names(), FILES);
    let (second, made) = make().unwrap();
    assert!(!made);
    assert_eq!(first.sign_public, second.sign_public);
    assert_eq!(first.kem_public, second.kem_public);
    // The other end has files of its own beside them.
    let server = EndKeys::load_or_generate(&folder, &suite, End::Server, &mut rng());
    assert!(server.unwrap().1);
    assert_eq!(folder.names().len(), 8);
}

#[test]
fn each_missing_half_is_named_and_nothing_is_made_in_its_place() {
    for missing in FILES {
        let folder = folder_of(Who::Alice, End::Client);
        folder.remove(missing);
        let reason = reason(&folder);
        assert!(
            reason.contains(&format!("{missing} is missing")),
            "{reason}"
        );
        let before = folder.names();
        let made = EndKeys::load_or_generate(&folder, &suite(), End::Client, &mut rng());
        assert!(matches!(made, Err(ClientError::Keys { .. })));
        assert_eq!(folder.names(), before);
    }
}

#[test]
fn halves_of_different_pairs_are_named() {
    for mixed in ["client_kem.pub", "client_sign.pub"] {
        let folder = folder_of(Who::Alice, End::Client);
        let bobs = folder_of(Who::Bob, End::Client).bytes(mixed);
        folder.change(mixed, |bytes| *bytes = bobs);
        let reason = reason(&folder);
        let expected = format!("{mixed} is not the public half of its .sec");
        assert!(reason.contains(&expected), "{reason}");
    }
    // The private halves the other way round: then it is the public one that does not fit.
    for (mixed, named) in [
        ("client_kem.sec", "client_kem.pub"),
        ("client_sign.sec", "client_sign.pub"),
    ] {
        let folder = folder_of(Who::Alice, End::Client);
        let bobs = folder_of(Who::Bob, End::Client).bytes(mixed);
        folder.change(mixed, |bytes| *bytes = bobs);
        let reason = reason(&folder);
        assert!(reason.contains(named), "{reason}");
    }
}

#[test]
fn a_public_half_of_another_length_is_named() {
    for name in ["client_kem.pub", "client_sign.pub"] {
        let length = folder_of(Who::Alice, End::Client).bytes(name).len();
        for wrong in [0, length - 1, length + 1] {
            let folder = folder_of(Who::Alice, End::Client);
            folder.change(name, |bytes| bytes.resize(wrong, 0));
            let reason = reason(&folder);
            assert!(reason.contains(name), "{reason}");
        }
    }
}

#[test]
fn a_private_half_of_another_length_is_named_with_the_lengths() {
    for (name, length) in [("client_kem.sec", 2400), ("client_sign.sec", 64)] {
        for wrong in [0, length - 1, length + 1, 32] {
            let folder = folder_of(Who::Alice, End::Client);
            folder.change(name, |bytes| bytes.resize(wrong, 0));
            let reason = reason(&folder);
            assert!(reason.starts_with(&format!("{name}: ")), "{reason}");
            assert!(reason.contains(&format!("{wrong} bytes")), "{reason}");
            assert!(reason.contains(&format!("expected {length}")), "{reason}");
        }
    }
}

#[test]
fn a_damaged_kem_key_is_named() {
    // FIPS 203 section 7.3: the hash of the public key inside the private one.
    let folder = folder_of(Who::Alice, End::Client);
    folder.change("client_kem.sec", |bytes| bytes[2400 - 64] ^= 1);
    let reason = reason(&folder);
    assert!(reason.starts_with("client_kem.sec: "), "{reason}");
    assert!(reason.contains("damaged"), "{reason}");
}

#[test]
fn files_of_another_algorithm_are_named() {
    let folder = folder_of(Who::Alice, End::Client);
    let [_, signature, aead, kdf] = DEPLOYED;
    let other_kem = suite_of(["ML-KEM-1024", signature, aead, kdf]);
    let other_signature = suite_of([DEPLOYED[0], "ML-DSA-65", aead, kdf]);
    for (suite, name) in [
        (other_kem, "client_kem.sec"),
        (other_signature, "client_sign.sec"),
    ] {
        let Err(ClientError::Keys { reason, .. }) = EndKeys::load(&folder, &suite, End::Client)
        else {
            panic!("keys of another algorithm were taken")
        };
        assert!(reason.starts_with(name), "{reason}");
        assert!(reason.contains("another algorithm"), "{reason}");
    }
}

#[test]
fn a_file_that_cannot_be_read_or_written_is_passed_on() {
    for name in FILES {
        let folder = KeyFolder {
            broken: Some(name),
            ..folder_of(Who::Alice, End::Client)
        };
        let Err(error) = load(&folder) else {
            panic!("{name} was read")
        };
        assert!(matches!(error, ClientError::KeyFile(_)), "{error:?}");
        assert_eq!(error.failure(), Failure::Operation);
        assert!(error.to_string().contains(name), "{error}");
        let error = keys_of(Who::Bob).save(&folder, End::Client).unwrap_err();
        assert!(matches!(error, ClientError::KeyFile(_)), "{error:?}");
    }
}

#[test]
fn keys_that_are_forced_replace_all_four_files() {
    let folder = folder_of(Who::Alice, End::Client);
    keys_of(Who::Bob).save(&folder, End::Client).unwrap();
    let keys = load(&folder).unwrap().unwrap();
    assert_eq!(keys.sign_public, keys_of(Who::Bob).sign_public);
    assert_eq!(keys.kem_public, keys_of(Who::Bob).kem_public);
}

#[test]
fn a_servers_public_keys_are_stored_without_being_secret() {
    let folder = KeyFolder::default();
    assert_eq!(ServerPublicKeys::load(&folder), Ok(None));
    let server = public_keys_of(Who::Server);
    server.save(&folder).unwrap();
    assert_eq!(folder.names(), ["server_kem.pub", "server_sign.pub"]);
    assert_eq!(ServerPublicKeys::load(&folder), Ok(Some(server)));
    let secrets = folder.files.lock().unwrap();
    assert!(secrets.values().all(|(_, secret)| !secret));
}

#[test]
fn half_of_a_servers_public_keys_is_not_none_of_them() {
    // Otherwise who removes one file, or copies one only, is made to trust anew without a word.
    for missing in ["server_kem.pub", "server_sign.pub"] {
        let folder = KeyFolder::default();
        public_keys_of(Who::Server).save(&folder).unwrap();
        folder.remove(missing);
        let error = ServerPublicKeys::load(&folder).unwrap_err();
        let ClientError::Keys { reason, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(
            reason.contains(&format!("{missing} is missing")),
            "{reason}"
        );
        assert_eq!(error.failure(), Failure::Usage);
    }
}
