//! HKDF, RFC 5869.

use std::marker::PhantomData;

use ::hkdf::Hkdf;
use ::hkdf::hmac::EagerHash;
use pqfw_framework::kdf::{Kdf, KdfError};
use sha2::Digest;
use zeroize::Zeroize;

/// HKDF over the hash function `H`.
pub(crate) struct RustCryptoHkdf<H>(PhantomData<fn() -> H>);

impl<H> RustCryptoHkdf<H> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H: EagerHash + Digest> Kdf for RustCryptoHkdf<H> {
    fn extract(&self, salt: &[u8], ikm: &[u8], prk: &mut [u8]) -> Result<(), KdfError> {
        let (mut extracted, _) = Hkdf::<H>::extract(Some(salt), ikm);
        prk.copy_from_slice(&extracted);
        extracted.as_mut_slice().zeroize();
        Ok(())
    }

    fn expand(&self, prk: &[u8], info: &[&[u8]], okm: &mut [u8]) -> Result<(), KdfError> {
        let expected = <H as Digest>::output_size();
        let hkdf = Hkdf::<H>::from_prk(prk);
        let hkdf = hkdf.map_err(|_| KdfError::PrkLength {
            got: prk.len(),
            expected,
        })?;
        let (got, limit) = (okm.len(), 255 * expected);
        hkdf.expand_multi_info(info, okm)
            .map_err(|_| KdfError::OutputTooLong { got, limit })
    }
}
