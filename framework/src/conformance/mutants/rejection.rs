//! Mutants of ML-KEM: what a forged ciphertext gives.

use std::sync::atomic::{AtomicU64, Ordering};

use super::kem_shell::{KemFault, kem};
use super::{Given, Mutant, base};
use crate::conformance::Tools;
use crate::kem::{Decapsulate, KemError};
use crate::secret::{SecretBytes, SecretKind};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "explicit-rejection",
        what: "a forged ciphertext gives an error",
        base: base!("ML-KEM-768"),
        plant: |given| kem(given, Rejecting(Rejection::of(given)?, |_, _| None)),
    },
    Mutant {
        name: "rejection-oracle",
        what: "every other forged ciphertext gives an error, which depends on the private key",
        base: base!("ML-KEM-768"),
        plant: |given| {
            let answer: Answer = |value, _| (value.good[0] & 1 == 0).then(|| value.good.to_vec());
            kem(given, Rejecting(Rejection::of(given)?, answer))
        },
    },
    Mutant {
        name: "rejection-value-wrong",
        what: "a forged ciphertext gives J(c ‖ z) and not J(z ‖ c)",
        base: base!("ML-KEM-768"),
        plant: |given| {
            let answer: Answer = |value, tools| tools.shake256(&[value.ciphertext, value.z]);
            kem(given, Rejecting(Rejection::of(given)?, answer))
        },
    },
    Mutant {
        name: "rejection-ignores-ciphertext",
        what: "every forged ciphertext gives the same secret",
        base: base!("ML-KEM-768"),
        plant: |given| {
            let answer: Answer = |value, tools| tools.shake256(&[value.z]);
            kem(given, Rejecting(Rejection::of(given)?, answer))
        },
    },
    Mutant {
        name: "rejection-ignores-key",
        what: "a forged ciphertext gives a secret that everybody can compute",
        base: base!("ML-KEM-768"),
        plant: |given| {
            let answer: Answer = |value, tools| tools.shake256(&[value.ciphertext]);
            kem(given, Rejecting(Rejection::of(given)?, answer))
        },
    },
    Mutant {
        name: "rejection-random",
        what: "a forged ciphertext gives another secret each time",
        base: base!("ML-KEM-768"),
        plant: |given| {
            let answer: Answer = |value, tools| {
                let count = value.count.to_le_bytes();
                tools.shake256(&[value.z, value.ciphertext, &count])
            };
            kem(given, Rejecting(Rejection::of(given)?, answer))
        },
    },
];

/// Tells a rejection from an honest secret, as only the owner of the key can.
pub(super) struct Rejection {
    tools: Tools,
    calls: AtomicU64,
}

impl Rejection {
    /// `None` without a SHAKE256 to compute with.
    pub(super) fn of(given: &Given<'_>) -> Option<Self> {
        let tools = given.tools.clone();
        tools.shake256(&[])?;
        let calls = AtomicU64::new(0);
        Some(Self { tools, calls })
    }

    /// z, the end of the expanded key (FIPS 203, Algorithm 16).
    pub(super) fn z(key: &dyn Decapsulate) -> Result<SecretBytes, KemError> {
        let expanded = key.export(SecretKind::Expanded)?;
        let z = expanded.expose().last_chunk::<32>();
        Ok(SecretBytes::copy_of(z.ok_or(KemError::ProviderFailed)?))
    }

    /// Whether `secret` is what FIPS 203, Algorithm 18, line 7, gives for a forged ciphertext.
    pub(super) fn is(&self, z: &SecretBytes, ciphertext: &[u8], secret: &[u8]) -> bool {
        let value = self.tools.shake256(&[z.expose(), ciphertext]);
        value.is_some_and(|value| value == secret)
    }
}

/// What a rejection may be computed from.
struct Value<'a> {
    good: &'a [u8],
    z: &'a [u8],
    ciphertext: &'a [u8],
    count: u64,
}

/// What takes the place of the right value; an error where it is `None`.
type Answer = fn(&Value<'_>, &Tools) -> Option<Vec<u8>>;

struct Rejecting(Rejection, Answer);

impl KemFault for Rejecting {
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
        let value = Value {
            good: shared_secret,
            z: z.expose(),
            ciphertext,
            count: self.0.calls.fetch_add(1, Ordering::Relaxed),
        };
        let answer = (self.1)(&value, &self.0.tools).ok_or(KemError::CiphertextInvalid)?;
        shared_secret.copy_from_slice(&answer);
        Ok(())
    }
}
