//! ExtractAndExpand of DHKEM(X25519, HKDF-SHA256): from a Diffie-Hellman output to a secret.
//!
//! RFC 9180 sections 4 and 4.1. The crate `pqfw-aws-lc` has the same few lines over its own HMAC:
//! siblings do not import each other.

use hkdf::{Hkdf, HkdfExtract};
use pqfw_framework::kem::KemError;
use sha2::Sha256;
use zeroize::Zeroize;

/// `"KEM" ‖ I2OSP(kem_id, 2)`; RFC 9180 section 7.1, table 2: 0x0020.
const SUITE_ID: &[u8] = b"KEM\x00\x20";

/// Fills `shared_secret` from the Diffie-Hellman output and `kem_context` = enc ‖ pkR.
pub(crate) fn extract_and_expand(
    dh: &[u8; 32],
    enc: &[u8; 32],
    recipient: &[u8; 32],
    shared_secret: &mut [u8],
) -> Result<(), KemError> {
    let failed = |_| KemError::ProviderFailed;
    let length = u16::try_from(shared_secret.len()).map_err(failed)?;
    // LabeledExtract("", "eae_prk", dh)
    let mut extract = HkdfExtract::<Sha256>::new(None);
    for part in [b"HPKE-v1", SUITE_ID, b"eae_prk", dh] {
        extract.input_ikm(part);
    }
    let (mut eae_prk, expand): (_, Hkdf<Sha256>) = extract.finalize();
    eae_prk.as_mut_slice().zeroize();
    // LabeledExpand(eae_prk, "shared_secret", kem_context, Nsecret)
    let info: [&[u8]; 6] = [
        &length.to_be_bytes(),
        b"HPKE-v1",
        SUITE_ID,
        b"shared_secret",
        enc,
        recipient,
    ];
    let outcome = expand.expand_multi_info(&info, shared_secret);
    outcome.map_err(|_| KemError::ProviderFailed)
}
