//! The provider `rustcrypto` of FrodoKEM: what it refuses, rejects and repeats.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use pqfw_framework::catalogue::KemSizes;
use pqfw_framework::kem::{Kem, KemError};
use pqfw_framework::keys::{self, PrivateKeyParts};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use proptest::prelude::*;
use support::{
    SETS, all, decapsulate, encapsulate, entry, expanded, import, kem, public, registry, rng,
    salted, unsalted,
};

fn each(check: impl Fn(&dyn Kem, &KemSizes, &str)) {
    for id in all() {
        let (kem, sizes) = kem(&id);
        check(&*kem, &sizes, &id);
    }
}

#[test]
fn a_seeded_generator_makes_the_same_key_and_ciphertext_again() {
    each(|kem, sizes, id| {
        let make = |key, message| {
            let key = kem.generate(&mut rng(key)).unwrap();
            let sent = encapsulate(&*public(kem, &*key), &mut rng(message), sizes);
            (expanded(&*key), sent)
        };
        let (key, sent) = make(1, 2);
        assert!(make(1, 2) == (key.clone(), sent.clone()), "{id}");
        let (same_key, other) = make(1, 3);
        assert!(
            same_key == key && other.0 != sent.0 && other.1 != sent.1,
            "{id}"
        );
        assert!(make(4, 2).0 != key, "{id}");
    });
}

#[test]
fn there_is_no_seed_form() {
    each(|kem, _, _| {
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        let form = SecretForm::Seed(&[0; 64]);
        assert_eq!(kem.import_decapsulation_key(form).err(), unsupported);
    });
    let (kem, _) = kem("FrodoKEM-640-SHAKE");
    let key = kem.generate(&mut rng(1)).unwrap();
    let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
    assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
}

#[test]
fn a_damaged_private_key_is_refused() {
    each(|kem, sizes, id| {
        let good = expanded(&*kem.generate(&mut rng(1)).unwrap());
        let (secret, length) = (sizes.shared_secret, good.len());
        let s = secret + sizes.encapsulation_key;
        let refused = |position: usize, change: u8| {
            let mut damaged = good.clone();
            damaged[position] ^= change;
            let form = SecretForm::Expanded(&damaged);
            kem.import_decapsulation_key(form).err() == Some(KemError::DecapsulationKeyInvalid)
        };
        // seedA, the first and the last of b: the hash differs. pkh itself.
        for position in [secret, secret + 16, s - 1, length - secret, length - 1] {
            assert!(refused(position, 1), "{id} at {position}");
        }
        // The first and the last entry of S, of either byte: it leaves the support.
        for position in [s, s + 1, length - secret - 2, length - secret - 1] {
            assert!(refused(position, 0x40), "{id} at {position}");
        }
        // s may be any bytes.
        assert!(!refused(0, 1), "{id}");
    });
}

#[test]
fn a_key_or_ciphertext_of_the_wrong_length_is_an_error_and_no_panic() {
    each(|kem, sizes, id| {
        let invalid = Some(KemError::DecapsulationKeyInvalid);
        let length = sizes.decapsulation_key;
        for length in [
            0,
            1,
            sizes.shared_secret,
            length - 1,
            length + 1,
            length + 2,
        ] {
            let form = vec![0; length];
            let form = SecretForm::Expanded(&form);
            assert_eq!(kem.import_decapsulation_key(form).err(), invalid, "{id}");
        }
        let invalid = Some(KemError::EncapsulationKeyInvalid);
        let length = sizes.encapsulation_key;
        for length in [0, length - 1, length + 1] {
            let bytes = vec![0; length];
            assert_eq!(kem.import_encapsulation_key(&bytes).err(), invalid, "{id}");
        }
    });
    let (kem, sizes) = kem("FrodoKEM-640-AES");
    let key = kem.generate(&mut rng(1)).unwrap();
    let mut secret = [0; 16];
    for length in [0, sizes.ciphertext - 1, sizes.ciphertext + 1] {
        let outcome = key.decapsulate(&vec![0; length], &mut secret);
        assert_eq!(outcome, Err(KemError::CiphertextInvalid));
    }
    let failed = Err(KemError::ProviderFailed);
    let mut ciphertext = vec![0; sizes.ciphertext];
    assert_eq!(key.decapsulate(&ciphertext, &mut secret[1..]), failed);
    let public = public(&*kem, &*key);
    let outcome = public.encapsulate(&mut rng(2), &mut ciphertext, &mut secret[1..]);
    assert_eq!(outcome, failed);
    let outcome = public.encapsulate(&mut rng(2), &mut ciphertext[1..], &mut secret);
    assert_eq!(outcome, failed);
}

#[test]
fn a_forged_ciphertext_gives_a_rejection_secret_of_its_own() {
    each(|kem, sizes, id| {
        let key = kem.generate(&mut rng(1)).unwrap();
        let (good, sent) = encapsulate(&*public(kem, &*key), &mut rng(2), sizes);
        assert_eq!(decapsulate(&*key, &good, sizes), sent, "{id}");
        let mut dk = expanded(&*key);
        dk[0] ^= 1;
        let other_s = import(kem, &dk);
        assert_eq!(decapsulate(&*other_s, &good, sizes), sent, "{id}");
        let mut secrets = vec![sent];
        // c1, c2, and the salt or the end of c2.
        let c2 = sizes.ciphertext - 3 * sizes.shared_secret;
        for position in [0, c2, sizes.ciphertext - 1] {
            let mut forged = good.clone();
            forged[position] ^= 1;
            let rejected = decapsulate(&*key, &forged, sizes);
            assert_eq!(decapsulate(&*key, &forged, sizes), rejected, "{id}");
            // It hangs on s, which only the owner of the key knows.
            assert_ne!(decapsulate(&*other_s, &forged, sizes), rejected, "{id}");
            assert!(!secrets.contains(&rejected), "{id} at {position}");
            secrets.push(rejected);
        }
    });
}

#[test]
fn salted_and_unsalted_share_keys_and_no_ciphertext() {
    for set in SETS {
        let ((salted, salted_sizes), (unsalted, sizes)) = (kem(&salted(set)), kem(&unsalted(set)));
        let salt = 2 * sizes.shared_secret;
        assert_eq!(salted_sizes.ciphertext, sizes.ciphertext + salt);
        let ours = salted.generate(&mut rng(1)).unwrap();
        let theirs = import(&*unsalted, &expanded(&*ours));
        assert_eq!(theirs.encapsulation_key(), ours.encapsulation_key());
        let (with_salt, _) = encapsulate(&*public(&*salted, &*ours), &mut rng(2), &salted_sizes);
        let (without, sent) = encapsulate(&*public(&*unsalted, &*theirs), &mut rng(2), &sizes);
        let mut secret = vec![0; sizes.shared_secret];
        let refused = Err(KemError::CiphertextInvalid);
        assert_eq!(theirs.decapsulate(&with_salt, &mut secret), refused);
        assert_eq!(ours.decapsulate(&without, &mut secret), refused);
        // Nor is the one the beginning of the other.
        let beginning = &with_salt[..without.len()];
        assert_ne!(beginning, without);
        assert_ne!(decapsulate(&*theirs, beginning, &sizes), sent);
    }
}

#[test]
fn a_key_file_says_which_of_the_two_forms_it_is_for() {
    let registry = registry();
    for set in SETS {
        let [salted, unsalted] =
            [salted(set), unsalted(set)].map(|id| entry(&registry, &id).info());
        let dk = expanded(&*kem(&salted.id).0.generate(&mut rng(1)).unwrap());
        let parts = PrivateKeyParts {
            seed: None,
            expanded: Some(SecretBytes::copy_of(&dk)),
            public_key: None,
        };
        let file = keys::private_to_pem(salted, &parts).unwrap();
        let read = keys::private_from_file(salted, file.as_bytes()).unwrap();
        assert!(read.expanded.unwrap().expose() == dk);
        assert!(keys::private_from_file(unsalted, file.as_bytes()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_ciphertext_opens_to_its_secret_and_with_any_bit_flipped_to_another(
        seed in any::<u64>(),
        form in prop::sample::select(vec!["FrodoKEM-640-AES", "eFrodoKEM-640-AES"]),
        flip in any::<prop::sample::Index>(),
    ) {
        let (kem, sizes) = kem(form);
        let mut rng = rng(seed);
        let key = kem.generate(&mut rng).unwrap();
        let (mut ciphertext, sent) = encapsulate(&*public(&*kem, &*key), &mut rng, &sizes);
        let again = import(&*kem, &expanded(&*key));
        prop_assert_eq!(&decapsulate(&*again, &ciphertext, &sizes), &sent);
        let bit = flip.index(8 * ciphertext.len());
        ciphertext[bit / 8] ^= 1 << (bit % 8);
        prop_assert_ne!(&decapsulate(&*key, &ciphertext, &sizes), &sent);
    }

    #[test]
    fn no_bytes_of_a_private_keys_length_make_the_import_panic(
        filling in any::<u8>(),
        id in prop::sample::select(all()),
    ) {
        let (kem, sizes) = kem(&id);
        let bytes = vec![filling; sizes.decapsulation_key];
        let outcome = kem.import_decapsulation_key(SecretForm::Expanded(&bytes));
        prop_assert_eq!(outcome.err(), Some(KemError::DecapsulationKeyInvalid));
    }
}
