//! Mutants of ML-KEM and X25519: keys, chance and lengths.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::CryptoRng;

use super::kem_shell::{KemFault, Posing, kem};
use super::rng::{constant, stretched};
use super::{Mutant, base};
use crate::catalogue::{KemSizes, Sizes};
use crate::conformance::Tools;
use crate::conformance::damage::with_bit_flipped;
use crate::conformance::mutants::rejection::Rejection;
use crate::kem::{Decapsulate, Encapsulate, Kem, KemError};
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// The modulus q of FIPS 203 section 2.3.
const Q: u16 = 3329;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "no-modulus-check",
        what: "ML-KEM reduces the coefficients of a public key instead of refusing it",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, NoModulusCheck),
    },
    Mutant {
        name: "no-hash-check",
        what: "ML-KEM does not compare a private key's public part with its hash",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, NoHashCheck(given.tools.clone())),
    },
    Mutant {
        name: "last-ciphertext-byte-ignored",
        what: "a flipped bit in the last byte of a ciphertext gives the honest secret",
        base: base!("ML-KEM-512"),
        plant: |given| kem(given, LastByteIgnored(Rejection::of(given)?)),
    },
    Mutant {
        name: "coins-reused",
        what: "every encapsulation uses the same randomness",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, CoinsReused),
    },
    Mutant {
        name: "keygen-ignores-randomness",
        what: "every generated key is the same",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, KeygenIgnoresRandomness),
    },
    Mutant {
        name: "two-byte-seed",
        what: "a key depends on two random bytes, well stretched",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, TwoByteSeed(given.tools.clone())),
    },
    Mutant {
        name: "own-randomness-unsaid",
        what: "chance comes from a generator within, although the provider says it is injected",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, OwnRandomness(given.tools.clone(), AtomicU64::new(0))),
    },
    Mutant {
        name: "seed-ignored",
        what: "every seed gives the same key",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, SeedIgnored),
    },
    Mutant {
        name: "wrong-sizes",
        what: "public keys come out with a byte too many",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, WrongSizes),
    },
    Mutant {
        name: "public-key-cached",
        what: "a public key is looked up by its first 32 bytes in a cache",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, PublicKeyCached::default()),
    },
    Mutant {
        name: "long-input-cut",
        what: "keys and ciphertexts that are too long are cut to their length",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, LongInputCut(sizes(given)?)),
    },
    Mutant {
        name: "panic-on-short-input",
        what: "a slice is indexed without a look at its length",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, PanicOnShortInput(sizes(given)?)),
    },
    Mutant {
        name: "panic-on-damaged-key",
        what: "a private key that does not decode ends the process",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, PanicOnDamagedKey),
    },
    Mutant {
        name: "key-in-error",
        what: "the error for a damaged private key quotes it",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, KeyInError),
    },
    Mutant {
        name: "private-key-published",
        what: "the private key is given out as the public one",
        base: base!("X25519"),
        plant: |given| kem(given, PrivateKeyPublished),
    },
];

fn sizes(given: &super::Given<'_>) -> Option<KemSizes> {
    match given.info.sizes {
        Sizes::Kem(sizes) => Some(sizes),
        _ => None,
    }
}

struct NoModulusCheck;

impl KemFault for NoModulusCheck {
    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        base.import_encapsulation_key(bytes).or_else(|_| {
            let key = base.import_encapsulation_key(&reduced(bytes))?;
            let bytes = bytes.to_vec();
            Ok(Box::new(Posing { key, bytes }))
        })
    }
}

/// ByteEncode₁₂ of ByteDecode₁₂ modulo q (FIPS 203, Algorithms 5 and 6).
fn reduced(key: &[u8]) -> Vec<u8> {
    let coefficients = key.len().saturating_sub(32);
    let (packed, rho) = key.split_at(coefficients);
    let (triples, odd) = packed.as_chunks::<3>();
    let reduced = triples.iter().flat_map(|&[low, middle, high]| {
        let [low, middle, high] = [low, middle, high].map(u16::from);
        let [one, two] = [low | (middle & 0xf) << 8, middle >> 4 | high << 4].map(|c| c % Q);
        let [low, rest] = one.to_le_bytes();
        let [mixed, high] = (two << 4 | u16::from(rest)).to_le_bytes();
        [low, mixed, high]
    });
    let reduced: Vec<_> = reduced.collect();
    [&reduced, odd, rho].concat()
}

struct NoHashCheck(Tools);

impl KemFault for NoHashCheck {
    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        base.import_decapsulation_key(form).or_else(|error| {
            let fixed = with_right_hash(form.expose(), &self.0).ok_or(error)?;
            base.import_decapsulation_key(SecretForm::Expanded(fixed.expose()))
        })
    }
}

/// dk_PKE ‖ ek ‖ H(ek) ‖ z (FIPS 203, Algorithm 16), with the hash that belongs there.
fn with_right_hash(key: &[u8], tools: &Tools) -> Option<SecretBytes> {
    let k = key.len().checked_sub(96)? / 768;
    let mut key = SecretBytes::copy_of(key);
    let (head, tail) = key.expose_mut().split_at_mut_checked(768 * k + 32)?;
    let hash = tools.sha3_256(&[head.get(384 * k..)?])?;
    tail.get_mut(..32)?.copy_from_slice(&hash);
    Some(key)
}

struct LastByteIgnored(Rejection);

impl KemFault for LastByteIgnored {
    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.decapsulate(ciphertext, shared_secret)?;
        let z = Rejection::z(key)?;
        if !self.0.is(&z, ciphertext, shared_secret) {
            return Ok(());
        }
        // Whichever bit was flipped: its repair is accepted.
        let last = ciphertext.len().saturating_sub(1);
        let mut secret = SecretBytes::zeroed(shared_secret.len());
        for bit in 0..8 {
            let repaired = with_bit_flipped(ciphertext, last, bit);
            key.decapsulate(&repaired, secret.expose_mut())?;
            if !self.0.is(&z, &repaired, secret.expose()) {
                shared_secret.copy_from_slice(secret.expose());
                break;
            }
        }
        Ok(())
    }
}

struct CoinsReused;

impl KemFault for CoinsReused {
    fn encapsulate(
        &self,
        key: &dyn Encapsulate,
        _: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.encapsulate(&mut constant(), ciphertext, shared_secret)
    }
}

struct KeygenIgnoresRandomness;

impl KemFault for KeygenIgnoresRandomness {
    fn generate(
        &self,
        base: &dyn Kem,
        _: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        base.generate(&mut constant())
    }
}

struct TwoByteSeed(Tools);

impl KemFault for TwoByteSeed {
    fn generate(
        &self,
        base: &dyn Kem,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut seed = vec![0; 2];
        rng.fill_bytes(&mut seed);
        base.generate(&mut stretched(&self.0, seed))
    }
}

struct OwnRandomness(Tools, AtomicU64);

impl KemFault for OwnRandomness {
    fn generate(
        &self,
        base: &dyn Kem,
        _: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let call = self.1.fetch_add(1, Ordering::Relaxed);
        base.generate(&mut stretched(&self.0, call.to_le_bytes().to_vec()))
    }
}

struct SeedIgnored;

impl KemFault for SeedIgnored {
    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        match form {
            SecretForm::Seed(seed) => {
                base.import_decapsulation_key(SecretForm::Seed(&vec![7; seed.len()]))
            }
            SecretForm::Expanded(_) => base.import_decapsulation_key(form),
        }
    }
}

struct WrongSizes;

impl KemFault for WrongSizes {
    fn public_of(&self, key: &dyn Decapsulate) -> Vec<u8> {
        [&key.encapsulation_key()[..], &[0]].concat()
    }

    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        base.import_encapsulation_key(bytes).or_else(|_| {
            base.import_encapsulation_key(bytes.split_last().map_or(bytes, |(_, b)| b))
        })
    }
}

/// Public keys by their first bytes.
#[derive(Default)]
struct PublicKeyCached(Mutex<BTreeMap<Vec<u8>, Arc<dyn Encapsulate>>>);

impl KemFault for PublicKeyCached {
    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        let name: Vec<_> = bytes.iter().copied().take(32).collect();
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = cache.get(&name) {
            return Ok(Box::new(Cached(key.clone())));
        }
        let key: Arc<dyn Encapsulate> = base.import_encapsulation_key(bytes)?.into();
        cache.insert(name, key.clone());
        Ok(Box::new(Cached(key)))
    }
}

struct Cached(Arc<dyn Encapsulate>);

impl Encapsulate for Cached {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        self.0.encapsulate(rng, ciphertext, shared_secret)
    }
}

struct LongInputCut(KemSizes);

fn cut(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

impl KemFault for LongInputCut {
    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        base.import_encapsulation_key(cut(bytes, self.0.encapsulation_key))
    }

    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.decapsulate(cut(ciphertext, self.0.ciphertext), shared_secret)
    }
}

struct PanicOnShortInput(KemSizes);

impl KemFault for PanicOnShortInput {
    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.decapsulate(&ciphertext[..self.0.ciphertext], shared_secret)
    }
}

struct PanicOnDamagedKey;

impl KemFault for PanicOnDamagedKey {
    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let key = base.import_decapsulation_key(form);
        assert!(key.is_ok(), "a private key always decodes");
        key
    }
}

struct KeyInError;

impl KemFault for KeyInError {
    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let bytes = form.expose();
        let quote = |_| KemError::DecapsulationKeyLength {
            algorithm: format!("{bytes:02x?}"),
            got: bytes.len(),
            expected: bytes.len(),
        };
        base.import_decapsulation_key(form).map_err(quote)
    }
}

struct PrivateKeyPublished;

impl KemFault for PrivateKeyPublished {
    fn public_of(&self, key: &dyn Decapsulate) -> Vec<u8> {
        let private = key.export(SecretKind::Expanded);
        private.map_or_else(|_| Vec::new(), |key| key.expose().to_vec())
    }
}
