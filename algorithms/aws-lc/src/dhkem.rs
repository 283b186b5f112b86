//! ExtractAndExpand of DHKEM(X25519, HKDF-SHA256): from a Diffie-Hellman output to a secret.
//!
//! RFC 9180 sections 4 and 4.1. The crate `pqfw-classical` has the same few lines over RustCrypto:
//! siblings do not import each other.

use pqfw_framework::kdf::Kdf;
use pqfw_framework::kem::KemError;
use zeroize::Zeroizing;

use crate::hkdf::HKDF_SHA256;

/// `"KEM" ‖ I2OSP(kem_id, 2)`; RFC 9180 section 7.1, table 2: 0x0020.
const SUITE_ID: &[u8] = b"KEM\x00\x20";

/// Fills `shared_secret` from the Diffie-Hellman output and `kem_context` = enc ‖ pkR.
pub(crate) fn extract_and_expand(
    dh: &[u8],
    enc: &[u8],
    recipient: &[u8],
    shared_secret: &mut [u8],
) -> Result<(), KemError> {
    let length = u16::try_from(shared_secret.len()).map_err(|_| KemError::ProviderFailed)?;
    // LabeledExtract("", "eae_prk", dh)
    let labeled_ikm = Zeroizing::new([b"HPKE-v1", SUITE_ID, b"eae_prk", dh].concat());
    let mut eae_prk = Zeroizing::new([0; 32]);
    let extracted = HKDF_SHA256.extract(b"", &labeled_ikm, &mut *eae_prk);
    extracted.map_err(|_| KemError::ProviderFailed)?;
    // LabeledExpand(eae_prk, "shared_secret", kem_context, Nsecret)
    let info: [&[u8]; 6] = [
        &length.to_be_bytes(),
        b"HPKE-v1",
        SUITE_ID,
        b"shared_secret",
        enc,
        recipient,
    ];
    let expanded = HKDF_SHA256.expand(&*eae_prk, &info, shared_secret);
    expanded.map_err(|_| KemError::ProviderFailed)
}
