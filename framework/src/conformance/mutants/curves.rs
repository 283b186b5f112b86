//! Mutants over curves: points and scalars that are taken although they are none, and ECDSA in BER.

use rand_core::CryptoRng;

use super::kem_shell::{KemFault, Posing, kem};
use super::signature_shell::{SignatureFault, signature};
use super::{Given, Mutant, base};
use crate::catalogue::{AlgorithmInfo, Kat, Kind, Sizes};
use crate::conformance::family::Family;
use crate::conformance::signature::lenient_der;
use crate::kem::{Decapsulate, Encapsulate, Kem, KemError};
use crate::secret::{SecretBytes, SecretForm};
use crate::signature::{Sign, Signature, SignatureError, Verify};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "small-order-accepted",
        what: "X25519 takes points of small order, and everybody knows the secret",
        base: base!("X25519"),
        plant: |given| kem(given, SmallOrderAccepted),
    },
    Mutant {
        name: "off-curve-accepted",
        what: "a Diffie-Hellman KEM takes what is no point of its curve",
        base: |row| is_curve(row, Kind::Kem),
        plant: |given| kem(given, OffCurveAccepted(known(given, &["ek"])?)),
    },
    Mutant {
        name: "zero-scalar-accepted",
        what: "a Diffie-Hellman KEM takes private scalars out of range",
        base: |row| is_curve(row, Kind::Kem),
        plant: |given| kem(given, ScalarAccepted(known(given, &["dk"])?)),
    },
    Mutant {
        name: "off-curve-key-accepted",
        what: "ECDSA takes a public key that is no point of its curve",
        base: |row| is_curve(row, Kind::Signature),
        plant: |given| signature(given, OffCurveAccepted(known(given, &["vk"])?)),
    },
    Mutant {
        name: "zero-signing-scalar-accepted",
        what: "ECDSA takes private scalars out of range",
        base: |row| is_curve(row, Kind::Signature),
        plant: |given| signature(given, ScalarAccepted(known(given, &["sk", "seed"])?)),
    },
    Mutant {
        name: "ber-accepted",
        what: "ECDSA takes a signature in BER",
        base: |row| match row.sizes {
            Sizes::Signature(sizes) => sizes.variable_length && is_curve(row, Kind::Signature),
            _ => false,
        },
        plant: |given| signature(given, BerAccepted),
    },
];

fn is_curve(row: &AlgorithmInfo, kind: Kind) -> bool {
    row.kind() == kind && Family::of(row) == Family::Weierstrass
}

/// A value from the row's known answers: something good to put in the place of the bad.
fn known(given: &Given<'_>, names: &[&str]) -> Option<Vec<u8>> {
    let kat = Kat::parse(&given.info.known_answers).ok()?;
    let mut values = kat
        .cases
        .iter()
        .flat_map(|case| names.iter().filter_map(|name| case.value(name)));
    values.next().map(<[u8]>::to_vec)
}

struct SmallOrderAccepted;

impl KemFault for SmallOrderAccepted {
    fn encapsulate(
        &self,
        key: &dyn Encapsulate,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.encapsulate(rng, ciphertext, shared_secret)
            .or_else(|_| {
                shared_secret.fill(0);
                Ok(())
            })
    }

    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        match key.decapsulate(ciphertext, shared_secret) {
            Err(KemError::CiphertextInvalid) => {
                shared_secret.fill(0);
                Ok(())
            }
            other => other,
        }
    }
}

/// Puts a known good point in the place of a bad one.
struct OffCurveAccepted(Vec<u8>);

impl KemFault for OffCurveAccepted {
    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        base.import_encapsulation_key(bytes).or_else(|_| {
            let key = base.import_encapsulation_key(&self.0)?;
            let bytes = bytes.to_vec();
            Ok(Box::new(Posing { key, bytes }))
        })
    }

    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.decapsulate(ciphertext, shared_secret)
            .or_else(|_| key.decapsulate(&self.0, shared_secret))
    }
}

impl SignatureFault for OffCurveAccepted {
    fn import_public(
        &self,
        base: &dyn Signature,
        bytes: &[u8],
    ) -> Result<Box<dyn Verify>, SignatureError> {
        base.import_verifying_key(bytes)
            .or_else(|_| base.import_verifying_key(&self.0))
    }
}

/// Puts a known good scalar in the place of a bad one.
struct ScalarAccepted(Vec<u8>);

impl ScalarAccepted {
    fn good(&self) -> SecretBytes {
        SecretBytes::copy_of(&self.0)
    }
}

impl KemFault for ScalarAccepted {
    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        base.import_decapsulation_key(form)
            .or_else(|_| base.import_decapsulation_key(SecretForm::Expanded(self.good().expose())))
    }
}

impl SignatureFault for ScalarAccepted {
    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        base.import_signing_key(form)
            .or_else(|_| base.import_signing_key(SecretForm::Expanded(self.good().expose())))
    }
}

struct BerAccepted;

impl SignatureFault for BerAccepted {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let der = lenient_der(signature).ok_or(SignatureError::Rejected)?;
        key.verify(message, context, &der)
    }
}
