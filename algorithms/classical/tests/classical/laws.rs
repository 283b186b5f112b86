//! Laws, on random values: both sides agree, what is accepted comes back, and no bytes panic.

use pqfw_framework::catalogue::Sizes;
use pqfw_framework::secret::{SecretForm, SecretKind};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{kem, registry, rng, signature};

const KEMS: [&str; 4] = ["X25519", "P-256", "P-384", "brainpoolP512r1"];
const SIGNATURES: [&str; 3] = ["Ed25519", "ECDSA-P256", "ECDSA-P384"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn both_sides_of_a_kem_agree(material in vec(any::<u8>(), 64), seed in any::<u64>()) {
        for id in KEMS {
            let Sizes::Kem(sizes) = registry().find(id).unwrap().sizes else {
                panic!("{id} is no KEM")
            };
            let form = SecretForm::Seed(&material[..sizes.seed.unwrap()]);
            let ours = kem(id).import_decapsulation_key(form).unwrap();
            let seed_again = ours.export(SecretKind::Seed).unwrap();
            prop_assert_eq!(seed_again.expose(), form.expose());
            let theirs = kem(id).import_encapsulation_key(&ours.encapsulation_key()).unwrap();
            let mut ciphertext = vec![0; sizes.ciphertext];
            let [mut sent, mut received] = [(); 2].map(|()| vec![0; sizes.shared_secret]);
            theirs.encapsulate(&mut rng(seed), &mut ciphertext, &mut sent).unwrap();
            ours.decapsulate(&ciphertext, &mut received).unwrap();
            prop_assert_eq!(sent, received);
        }
    }

    #[test]
    fn a_signature_is_of_its_message_however_that_is_cut(
        message in vec(any::<u8>(), 0..100),
        cut in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let (head, tail) = message.split_at(cut.index(message.len() + 1));
        for id in SIGNATURES {
            let signer = signature(id).generate(&mut rng(seed)).unwrap();
            let key = signature(id).import_verifying_key(&signer.verifying_key()).unwrap();
            prop_assert_eq!(key.to_bytes(), signer.verifying_key());
            let signed = signer.sign(&mut rng(seed), &[head, tail], b"").unwrap();
            prop_assert!(key.verify(&[&message], b"", &signed).is_ok());
            prop_assert!(key.verify(&[&message, b"."], b"", &signed).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_are_refused_or_come_back(bytes in vec(any::<u8>(), 0..140), first in 0..8u8) {
        for id in KEMS {
            let Sizes::Kem(sizes) = registry().find(id).unwrap().sizes else {
                panic!("{id} is no KEM")
            };
            let mut fitting = bytes.clone();
            fitting.resize(sizes.encapsulation_key, first);
            fitting[0] = first;
            for bytes in [&bytes, &fitting] {
                if let Ok(key) = kem(id).import_encapsulation_key(bytes) {
                    prop_assert_eq!(&key.to_bytes(), bytes);
                }
            }
            let mut fitting = bytes.clone();
            fitting.resize(sizes.decapsulation_key, first);
            for bytes in [&bytes, &fitting] {
                let form = SecretForm::Expanded(bytes);
                if let Ok(key) = kem(id).import_decapsulation_key(form) {
                    let exported = key.export(SecretKind::Expanded).unwrap();
                    prop_assert_eq!(exported.expose(), bytes);
                }
            }
        }
        for id in SIGNATURES {
            if let Ok(key) = signature(id).import_verifying_key(&bytes) {
                prop_assert_eq!(&key.to_bytes(), &bytes);
            }
            let key = signature(id).generate(&mut rng(1)).unwrap().verifying_key();
            let key = signature(id).import_verifying_key(&key).unwrap();
            prop_assert!(key.verify(&[b"m"], b"", &bytes).is_err());
        }
    }
}
