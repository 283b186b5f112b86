//! Signatures of every family: forms, messages in parts, contexts, damage, lengths.

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;

use super::{expanded, import, rng, signature};

/// Of each family the fastest sets.
const IDS: [&str; 9] = [
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "Dilithium2",
    "Dilithium3",
    "Dilithium5",
    "SPHINCS+-SHA2-128f-simple",
    "Falcon-512",
    "Falcon-1024",
];

#[test]
fn a_key_read_back_has_its_public_key_and_signs() {
    for id in IDS {
        let (code, sizes) = signature(id);
        let generated = code.generate(&mut rng()).unwrap();
        let bytes = expanded(&*generated);
        assert_eq!(bytes.len(), sizes.signing_key, "{id}");
        let imported = import(&*code, &bytes).unwrap();
        assert_eq!(expanded(&*imported), bytes, "{id}");
        let vk = generated.verifying_key();
        assert_eq!(imported.verifying_key(), vk, "{id}");
        let made = imported
            .sign(&mut rng(), &[b"me", b"", b"ssage"], b"")
            .unwrap();
        let key = code.import_verifying_key(&vk).unwrap();
        assert_eq!(key.to_bytes(), vk, "{id}");
        assert_eq!(key.verify(&[b"message"], b"", &made), Ok(()), "{id}");
        let rejected = Err(SignatureError::Rejected);
        assert_eq!(key.verify(&[b"messagE"], b"", &made), rejected, "{id}");
    }
}

#[test]
fn there_is_no_seed_form() {
    for id in IDS {
        let (code, _) = signature(id);
        let unsupported = Some(SignatureError::FormUnsupported(SecretKind::Seed));
        let refused = code.import_signing_key(SecretForm::Seed(&[0; 32])).err();
        assert_eq!(refused, unsupported, "{id}");
        let key = code.generate(&mut rng()).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported, "{id}");
    }
}

#[test]
fn a_signature_that_is_damaged_or_of_another_length_is_rejected() {
    for id in IDS {
        let (code, sizes) = signature(id);
        let signer = code.generate(&mut rng()).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let made = signer.sign(&mut rng(), &[b"m"], b"").unwrap();
        let rejected = Err(SignatureError::Rejected);
        for at in [0, 1, made.len() / 2, made.len() - 1] {
            let mut damaged = made.clone();
            damaged[at] ^= 1;
            assert_eq!(key.verify(&[b"m"], b"", &damaged), rejected, "{id}: {at}");
        }
        let longer = [&made[..], &[0]].concat();
        let too_long = vec![0; sizes.signature + 1];
        for other in [
            &made[1..],
            &made[..made.len() - 1],
            &made[..1],
            &longer,
            &too_long,
            b"",
        ] {
            assert_eq!(key.verify(&[b"m"], b"", other), rejected, "{id}");
        }
    }
}

#[test]
fn only_ml_dsa_takes_a_context_and_binds_it() {
    for id in IDS {
        let (code, _) = signature(id);
        let signer = code.generate(&mut rng()).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        if !id.starts_with("ML-DSA") {
            let unsupported = SignatureError::ContextUnsupported;
            let refused = signer.sign(&mut rng(), &[b"m"], b"c");
            assert_eq!(refused, Err(unsupported.clone()), "{id}");
            assert_eq!(key.verify(&[b"m"], b"c", &[0; 9]), Err(unsupported), "{id}");
            continue;
        }
        let rejected = Err(SignatureError::Rejected);
        for context in [&b""[..], b"c", &[7; 255]] {
            let made = signer.sign(&mut rng(), &[b"m"], context).unwrap();
            assert_eq!(key.verify(&[b"m"], context, &made), Ok(()), "{id}");
            assert_eq!(key.verify(&[b"m"], b"other", &made), rejected, "{id}");
        }
        let too_long = SignatureError::ContextTooLong(256);
        let refused = signer.sign(&mut rng(), &[b"m"], &[0; 256]);
        assert_eq!(refused, Err(too_long.clone()), "{id}");
        assert_eq!(key.verify(&[b"m"], &[0; 256], &[]), Err(too_long), "{id}");
    }
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    for id in IDS {
        let (code, sizes) = signature(id);
        let (sk, vk) = (sizes.signing_key, sizes.verifying_key);
        for length in [0, 1, 31, 63, vk, sk - 1, sk + 1] {
            let refused = import(&*code, &vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid), "{id}");
        }
        for length in [0, 1, vk - 1, vk + 1] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid), "{id}");
        }
    }
}

#[test]
fn damage_to_a_sphincs_plus_key_is_not_seen_until_a_signature_fails() {
    let (code, _) = signature("SPHINCS+-SHA2-128f-simple");
    let signer = code.generate(&mut rng()).unwrap();
    let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
    let mut damaged = expanded(&*signer);
    damaged[0] ^= 1;
    let made = import(&*code, &damaged)
        .unwrap()
        .sign(&mut rng(), &[b"m"], b"")
        .unwrap();
    let verdict = key.verify(&[b"m"], b"", &made);
    assert_eq!(verdict, Err(SignatureError::Rejected));
}
