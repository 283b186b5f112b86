//! DHKEM over each group: the vectors, the forms of a private key, and what is refused.

use pqfw_framework::catalogue::{Kat, Sizes};
use pqfw_framework::kem::{Decapsulate, KemError};
use pqfw_framework::registry::Resolver;
use pqfw_framework::secret::{SecretForm, SecretKind};

use crate::support::{Scripted, kem, known_answers, registry, rng};

/// The groups with their random cases of tests/vectors/dhkem: see ORIGIN.md there.
const GROUPS: [(&str, &str, usize); 4] = [
    (
        "X25519",
        include_str!("../../../../tests/vectors/dhkem/x25519.kat"),
        50,
    ),
    (
        "P-256",
        include_str!("../../../../tests/vectors/dhkem/p-256.kat"),
        50,
    ),
    (
        "P-384",
        include_str!("../../../../tests/vectors/dhkem/p-384.kat"),
        50,
    ),
    (
        "brainpoolP512r1",
        include_str!("../../../../tests/vectors/dhkem/brainpoolp512r1.kat"),
        300,
    ),
];

fn exported(key: &dyn Decapsulate, kind: SecretKind) -> Result<Vec<u8>, KemError> {
    key.export(kind).map(|bytes| bytes.expose().to_vec())
}

/// The length of a ciphertext and of a secret.
fn lengths(id: &str) -> (usize, usize) {
    match registry().find(id).unwrap().sizes {
        Sizes::Kem(sizes) => (sizes.ciphertext, sizes.shared_secret),
        _ => panic!("{id} is no KEM"),
    }
}

#[test]
fn the_random_cases_of_python_come_out_the_same() {
    for (id, text, count) in GROUPS {
        let cases = Kat::parse(text).unwrap().cases;
        assert_eq!(cases.len(), count);
        let kem = kem(id);
        for case in cases {
            let value = |name| case.value(name).unwrap();
            let seed = SecretForm::Seed(value("seed"));
            let derived = kem.import_decapsulation_key(seed).unwrap();
            assert_eq!(
                exported(&*derived, SecretKind::Expanded).unwrap(),
                value("dk")
            );
            let expanded = SecretForm::Expanded(value("dk"));
            let imported = kem.import_decapsulation_key(expanded).unwrap();
            let mut secret = vec![0; value("ss").len()];
            imported.decapsulate(value("ct"), &mut secret).unwrap();
            assert_eq!(secret, value("ss"), "{id}");
        }
    }
}

#[test]
fn the_ephemeral_keys_of_the_known_answers_give_their_ciphertexts_and_secrets() {
    for (id, ..) in GROUPS {
        let mut checked = 0;
        for case in known_answers(id).cases {
            let Some(ephemeral) = case.value("ephemeral") else {
                continue;
            };
            let value = |name| case.value(name).unwrap();
            let key = kem(id).import_encapsulation_key(value("ek")).unwrap();
            let (mut ciphertext, mut secret) = (value("ct").to_vec(), value("ss").to_vec());
            ciphertext.fill(0);
            secret.fill(0);
            let mut random = Scripted(ephemeral.to_vec());
            key.encapsulate(&mut random, &mut ciphertext, &mut secret)
                .unwrap();
            assert_eq!(
                (&ciphertext[..], &secret[..]),
                (value("ct"), value("ss")),
                "{id}"
            );
            checked += 1;
        }
        assert!(checked > 0, "{id}");
    }
}

#[test]
fn a_seed_comes_back_from_the_key_that_it_made_and_from_no_other() {
    for (id, ..) in GROUPS {
        let kem = kem(id);
        let answers = known_answers(id);
        let seed = answers.cases[0].value("seed").unwrap();
        let derived = kem
            .import_decapsulation_key(SecretForm::Seed(seed))
            .unwrap();
        assert_eq!(exported(&*derived, SecretKind::Seed).unwrap(), seed);
        let expanded = exported(&*derived, SecretKind::Expanded).unwrap();
        let expanded = SecretForm::Expanded(&expanded);
        let unsupported = Err(KemError::FormUnsupported(SecretKind::Seed));
        for key in [
            kem.import_decapsulation_key(expanded).unwrap(),
            kem.generate(&mut rng(1)).unwrap(),
        ] {
            assert_eq!(exported(&*key, SecretKind::Seed), unsupported, "{id}");
        }
    }
}

#[test]
fn a_storable_key_has_a_seed() {
    let registry = registry();
    for (id, ..) in GROUPS {
        let (mut gate, mut random) = (rng(1), rng(2));
        let mut resolver = Resolver::new(&registry, &mut gate, &[], &[], "2026-11-21");
        let key = resolver
            .kem(id)
            .unwrap()
            .generate_storable(&mut random)
            .unwrap();
        let seed = key.export(SecretKind::Seed).unwrap();
        assert!(seed.constant_time_eq(&{
            let mut bytes = vec![0; seed.len()];
            chacha20::rand_core::Rng::fill_bytes(&mut rng(2), &mut bytes);
            bytes
        }));
    }
}

#[test]
fn the_same_random_bytes_give_the_same_keys_and_ciphertexts() {
    for (id, ..) in GROUPS {
        let kem = kem(id);
        let (ciphertext_length, secret_length) = lengths(id);
        let run = |seed| {
            let mut random = rng(seed);
            let key = kem.generate(&mut random).unwrap();
            let public = kem
                .import_encapsulation_key(&key.encapsulation_key())
                .unwrap();
            assert_eq!(public.to_bytes(), key.encapsulation_key());
            let mut ciphertext = vec![0; ciphertext_length];
            let [mut theirs, mut ours] = [(); 2].map(|()| vec![0; secret_length]);
            public
                .encapsulate(&mut random, &mut ciphertext, &mut theirs)
                .unwrap();
            key.decapsulate(&ciphertext, &mut ours).unwrap();
            assert_eq!(ours, theirs, "{id}");
            (
                exported(&*key, SecretKind::Expanded).unwrap(),
                ciphertext,
                ours,
            )
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    for (id, ..) in GROUPS {
        let kem = kem(id);
        let key = kem.generate(&mut rng(1)).unwrap();
        let (ek, dk) = (
            key.encapsulation_key(),
            exported(&*key, SecretKind::Expanded).unwrap(),
        );
        let (ciphertext, secret) = lengths(id);
        for bytes in [&[], &dk[1..], &[dk.as_slice(), &[1]].concat()[..]] {
            for form in [SecretForm::Expanded(bytes), SecretForm::Seed(bytes)] {
                let refused = kem.import_decapsulation_key(form).err();
                assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid), "{id}");
            }
        }
        for bytes in [&[], &ek[1..], &[ek.as_slice(), &[1]].concat()[..]] {
            let refused = kem.import_encapsulation_key(bytes).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid), "{id}");
            let refused = key.decapsulate(bytes, &mut vec![0; secret]);
            assert_eq!(refused, Err(KemError::CiphertextInvalid), "{id}");
        }
        let public = kem.import_encapsulation_key(&ek).unwrap();
        for (ciphertext, secret) in [
            (ciphertext - 1, secret),
            (ciphertext + 1, secret),
            (ciphertext, secret - 1),
            (ciphertext, secret + 1),
        ] {
            let (mut ciphertext, mut secret) = (vec![7; ciphertext], vec![7; secret]);
            let refused = public.encapsulate(&mut rng(2), &mut ciphertext, &mut secret);
            assert_eq!(refused, Err(KemError::ProviderFailed), "{id}");
            assert!(
                ciphertext.iter().all(|byte| *byte == 7),
                "a refusal writes nothing"
            );
        }
        let refused = key.decapsulate(&ek, &mut vec![0; secret + 1]);
        assert_eq!(refused, Err(KemError::ProviderFailed), "{id}");
    }
}
