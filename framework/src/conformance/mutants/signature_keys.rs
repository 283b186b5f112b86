//! Mutants of ML-DSA, SLH-DSA and Ed25519: keys and where they come from.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::CryptoRng;

use super::rng::{constant, stretched};
use super::signature_shell::{SignatureFault, signature};
use super::{Mutant, base};
use crate::conformance::Tools;
use crate::conformance::curves::SMALL_ORDER_Y;
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{Sign, Signature, SignatureError, Verify};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "signing-key-cached",
        what: "an expanded private key of ML-DSA is looked up by its first 64 bytes in a cache",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, SigningKeyCached(64, Mutex::default())),
    },
    Mutant {
        name: "root-unchecked",
        what: "SLH-DSA does not compute the root of a private key again",
        base: base!("SLH-DSA-SHA2-128f"),
        plant: |given| signature(given, SigningKeyCached(48, Mutex::default())),
    },
    Mutant {
        name: "verifying-key-cached",
        what: "a public key is looked up by its first 16 bytes in a cache",
        base: base!("Ed25519"),
        plant: |given| signature(given, VerifyingKeyCached::default()),
    },
    Mutant {
        name: "weak-key-accepted",
        what: "Ed25519 takes public keys of small order",
        base: base!("Ed25519"),
        plant: |given| signature(given, WeakKeyAccepted),
    },
    Mutant {
        name: "signing-seed-ignored",
        what: "every seed gives the same signing key",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, SeedIgnored),
    },
    Mutant {
        name: "signing-keygen-ignores-randomness",
        what: "every generated signing key is the same",
        base: base!("Ed25519"),
        plant: |given| signature(given, KeygenIgnoresRandomness),
    },
    Mutant {
        name: "signing-two-byte-seed",
        what: "a signing key depends on two random bytes, well stretched",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, TwoByteSeed(given.tools.clone())),
    },
    Mutant {
        name: "signing-own-randomness-unsaid",
        what: "keys come from a generator within, although the provider says it is injected",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, OwnRandomness(given.tools.clone(), AtomicU64::new(0))),
    },
    Mutant {
        name: "long-verifying-key",
        what: "public keys come out with a byte too many, and are taken so",
        base: base!("Ed25519"),
        plant: |given| signature(given, LongVerifyingKey),
    },
    Mutant {
        name: "signing-key-in-error",
        what: "the error for a damaged signing key quotes it",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, KeyInError),
    },
    Mutant {
        name: "signing-panic-on-damaged-key",
        what: "a signing key that does not decode ends the process",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, PanicOnDamagedKey),
    },
    Mutant {
        name: "signing-key-published",
        what: "the signing key is given out as the public one",
        base: base!("Ed25519"),
        plant: |given| signature(given, SigningKeyPublished),
    },
];

/// Keys in expanded form by their first bytes, so many of them.
struct SigningKeyCached(usize, Mutex<BTreeMap<Vec<u8>, Arc<dyn Sign>>>);

impl SigningKeyCached {
    fn remember(&self, key: Box<dyn Sign>) -> Result<Box<dyn Sign>, SignatureError> {
        let key: Arc<dyn Sign> = key.into();
        let bytes = key.export(SecretKind::Expanded)?;
        let name: Vec<_> = bytes.expose().iter().copied().take(self.0).collect();
        let mut cache = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(name, key.clone());
        Ok(Box::new(CachedSigner(key)))
    }
}

impl SignatureFault for SigningKeyCached {
    fn generate(
        &self,
        base: &dyn Signature,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        self.remember(base.generate(rng)?)
    }

    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        let name: Vec<_> = form.expose().iter().copied().take(self.0).collect();
        let cache = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if let (SecretForm::Expanded(_), Some(key)) = (form, cache.get(&name)) {
            return Ok(Box::new(CachedSigner(key.clone())));
        }
        drop(cache);
        self.remember(base.import_signing_key(form)?)
    }
}

struct CachedSigner(Arc<dyn Sign>);

impl Sign for CachedSigner {
    fn verifying_key(&self) -> Vec<u8> {
        self.0.verifying_key()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        self.0.export(kind)
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        self.0.sign(rng, message, context)
    }
}

#[derive(Default)]
struct VerifyingKeyCached(Mutex<BTreeMap<Vec<u8>, Arc<dyn Verify>>>);

impl SignatureFault for VerifyingKeyCached {
    fn import_public(
        &self,
        base: &dyn Signature,
        bytes: &[u8],
    ) -> Result<Box<dyn Verify>, SignatureError> {
        let name: Vec<_> = bytes.iter().copied().take(16).collect();
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = cache.get(&name) {
            return Ok(Box::new(CachedVerifier(key.clone())));
        }
        let key: Arc<dyn Verify> = base.import_verifying_key(bytes)?.into();
        cache.insert(name, key.clone());
        Ok(Box::new(CachedVerifier(key)))
    }
}

struct CachedVerifier(Arc<dyn Verify>);

impl Verify for CachedVerifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.0.verify(message, context, signature)
    }
}

struct WeakKeyAccepted;

impl SignatureFault for WeakKeyAccepted {
    fn import_public(
        &self,
        base: &dyn Signature,
        bytes: &[u8],
    ) -> Result<Box<dyn Verify>, SignatureError> {
        base.import_verifying_key(bytes).or_else(|error| {
            let weak = SMALL_ORDER_Y.iter().any(|y| y == bytes);
            weak.then(|| Box::new(WeakVerifier(bytes.to_vec())) as Box<dyn Verify>)
                .ok_or(error)
        })
    }
}

/// What verification without checks comes to, for a key of small order and the neutral element
/// as R: whether S is zero.
struct WeakVerifier(Vec<u8>);

impl Verify for WeakVerifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn verify(&self, _: &[&[u8]], _: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let [neutral, ..] = SMALL_ORDER_Y;
        if signature == [neutral, [0; 32]].concat() {
            return Ok(());
        }
        Err(SignatureError::Rejected)
    }
}

struct SeedIgnored;

impl SignatureFault for SeedIgnored {
    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        match form {
            SecretForm::Seed(seed) => {
                base.import_signing_key(SecretForm::Seed(&vec![7; seed.len()]))
            }
            SecretForm::Expanded(_) => base.import_signing_key(form),
        }
    }
}

struct KeygenIgnoresRandomness;

impl SignatureFault for KeygenIgnoresRandomness {
    fn generate(
        &self,
        base: &dyn Signature,
        _: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        base.generate(&mut constant())
    }
}

struct TwoByteSeed(Tools);

impl SignatureFault for TwoByteSeed {
    fn generate(
        &self,
        base: &dyn Signature,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = vec![0; 2];
        rng.fill_bytes(&mut seed);
        base.generate(&mut stretched(&self.0, seed))
    }
}

struct OwnRandomness(Tools, AtomicU64);

impl SignatureFault for OwnRandomness {
    fn generate(
        &self,
        base: &dyn Signature,
        _: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        let call = self.1.fetch_add(1, Ordering::Relaxed);
        base.generate(&mut stretched(&self.0, call.to_le_bytes().to_vec()))
    }
}

struct LongVerifyingKey;

impl SignatureFault for LongVerifyingKey {
    fn public_of(&self, key: &dyn Sign) -> Vec<u8> {
        [&key.verifying_key()[..], &[0]].concat()
    }

    fn import_public(
        &self,
        base: &dyn Signature,
        bytes: &[u8],
    ) -> Result<Box<dyn Verify>, SignatureError> {
        base.import_verifying_key(bytes.get(..32).unwrap_or(bytes))
    }
}

struct KeyInError;

impl SignatureFault for KeyInError {
    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        let bytes = form.expose();
        let quote = |_| SignatureError::SigningKeyLength {
            algorithm: format!("{bytes:?}"),
            got: bytes.len(),
            expected: bytes.len(),
        };
        base.import_signing_key(form).map_err(quote)
    }
}

struct PanicOnDamagedKey;

impl SignatureFault for PanicOnDamagedKey {
    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        let key = base.import_signing_key(form);
        assert!(key.is_ok(), "a signing key always decodes");
        key
    }
}

struct SigningKeyPublished;

impl SignatureFault for SigningKeyPublished {
    fn public_of(&self, key: &dyn Sign) -> Vec<u8> {
        let private = key.export(SecretKind::Expanded);
        private.map_or_else(|_| Vec::new(), |key| key.expose().to_vec())
    }
}
