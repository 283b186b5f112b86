//! What a KEM must do and refuse.
//!
//! `agreement` is about honest use and chance, `rejection` about forged ciphertexts, `keys` about
//! what is imported and exported, `points` about the keys of Diffie-Hellman.

mod agreement;
mod keys;
mod points;
mod rejection;

use rand_core::CryptoRng;

use super::law::{Law, Stop, Subject, Wiped};
use crate::catalogue::KemSizes;
use crate::kem::{Decapsulate, Encapsulate, Kem, KemError};
use crate::secret::{SecretBytes, SecretKind};

/// A KEM under test.
pub(super) type KemSubject<'a> = Subject<'a, dyn Kem, KemSizes>;

type KemLaw = Law<dyn Kem, KemSizes>;

/// Every check of a KEM.
pub(super) const LAWS: &[KemLaw] = &[
    Law {
        name: "round-trip",
        what: "both ends get the same secret, with generated and with imported keys",
        run: agreement::round_trip,
    },
    Law {
        name: "sizes",
        what: "every output has the length of the catalogue's row",
        run: agreement::sizes,
    },
    Law {
        name: "fresh-keys",
        what: "two generated keys differ, in their public and in their private part",
        run: agreement::fresh_keys,
    },
    Law {
        name: "fresh-secrets",
        what: "two encapsulations to one key give two ciphertexts and two secrets",
        run: agreement::fresh_secrets,
    },
    Law {
        name: "injected-randomness",
        what: "the same random bytes give the same key, ciphertext and secret; others give others",
        run: agreement::injected_randomness,
    },
    Law {
        name: "enough-randomness",
        what: "a key and an encapsulation each depend on at least 16 bytes of the generator's",
        run: agreement::enough_randomness,
    },
    Law {
        name: "ciphertext-matters",
        what: "a flipped bit, in any byte of a ciphertext, changes the secret or is refused",
        run: rejection::ciphertext_matters,
    },
    Law {
        name: "public-key-matters",
        what: "a flipped bit in a public key is refused or leads to another secret",
        run: keys::public_key_matters,
    },
    Law {
        name: "foreign-ciphertext",
        what: "an honest ciphertext for another key gives another secret and no error",
        run: rejection::foreign_ciphertext,
    },
    Law {
        name: "public-rejection",
        what: "a ciphertext that one key refuses, every key refuses: errors tell of no secret",
        run: rejection::public_rejection,
    },
    Law {
        name: "implicit-rejection",
        what: "no ciphertext of the right length gives an error, where the specification rejects \
               implicitly",
        run: rejection::implicit_rejection,
    },
    Law {
        name: "stable-rejection",
        what: "a forged ciphertext gives the same answer every time, also after the key is \
               imported again",
        run: rejection::stable_rejection,
    },
    Law {
        name: "rejection-per-ciphertext",
        what: "two forged ciphertexts give two secrets",
        run: rejection::rejection_per_ciphertext,
    },
    Law {
        name: "rejection-per-key",
        what: "a forged ciphertext gives another secret with another key",
        run: rejection::rejection_per_key,
    },
    Law {
        name: "rejection-value",
        what: "the secret of a forged ciphertext is the one that the specification fixes",
        run: rejection::rejection_value,
    },
    Law {
        name: "modulus-check",
        what: "a public key with a coefficient that is not reduced is refused (FIPS 203 section \
               7.2)",
        run: keys::modulus_check,
    },
    Law {
        name: "hash-check",
        what: "a private key whose public part does not match its hash is refused (FIPS 203 \
               section 7.3)",
        run: keys::hash_check,
    },
    Law {
        name: "key-forms",
        what: "a key comes back the same from each form in which it can be exported",
        run: keys::key_forms,
    },
    Law {
        name: "seed-matters",
        what: "a seed gives the same key every time, and any other byte in it another key",
        run: keys::seed_matters,
    },
    Law {
        name: "wrong-lengths",
        what: "keys, seeds and ciphertexts of a wrong length are refused, without a panic",
        run: keys::refuse_wrong_lengths,
    },
    Law {
        name: "garbage",
        what: "strings of the right length that nobody made cause no panic",
        run: keys::survive_garbage,
    },
    Law {
        name: "bad-points",
        what: "points off the curve, at infinity, unreduced, compressed or hybrid are refused",
        run: points::bad_points_refused,
    },
    Law {
        name: "small-order",
        what: "points of small order are refused (RFC 9180 section 7.1.4)",
        run: points::small_order,
    },
    Law {
        name: "scalar-range",
        what: "a private scalar of zero, or beyond the order of the curve, is refused",
        run: points::scalar_range,
    },
    Law {
        name: "silent-errors",
        what: "no error's text holds bytes of the private key or of a secret",
        run: keys::silent_errors,
    },
    Law {
        name: "silent-outputs",
        what: "no public key or ciphertext holds bytes of the private key, the seed or the secret",
        run: keys::silent_outputs,
    },
];

/// A generated key pair, ready for both ends.
struct Pair {
    private: Box<dyn Decapsulate>,
    public: Box<dyn Encapsulate>,
    public_bytes: Vec<u8>,
}

impl KemSubject<'_> {
    fn pair(&self, rng: &mut dyn CryptoRng) -> Result<Pair, Stop> {
        let private = self.code.generate(rng)?;
        let public_bytes = private.encapsulation_key();
        let public = self.code.import_encapsulation_key(&public_bytes)?;
        Ok(Pair {
            private,
            public,
            public_bytes,
        })
    }

    fn encapsulate(
        &self,
        public: &dyn Encapsulate,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, Wiped), KemError> {
        let mut ciphertext = vec![0; self.sizes.ciphertext];
        let mut secret = Wiped::new(vec![0; self.sizes.shared_secret]);
        public.encapsulate(rng, &mut ciphertext, &mut secret)?;
        Ok((ciphertext, secret))
    }

    fn decapsulate(&self, private: &dyn Decapsulate, ciphertext: &[u8]) -> Result<Wiped, KemError> {
        let mut secret = Wiped::new(vec![0; self.sizes.shared_secret]);
        private.decapsulate(ciphertext, &mut secret)?;
        Ok(secret)
    }
}

/// The key in this form; `None` when it does not exist in it.
fn exported(private: &dyn Decapsulate, kind: SecretKind) -> Result<Option<SecretBytes>, Stop> {
    match private.export(kind) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(KemError::FormUnsupported(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
