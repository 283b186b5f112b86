//! HKDF, RFC 5869.
//!
//! `aws_lc_rs::hkdf` never shows the pseudo-random key, so extraction is written as RFC 5869
//! section 2.2 defines it: one HMAC. The tag of that HMAC cannot be wiped through its interface,
//! and lies on the stack until something overwrites it.

use aws_lc_rs::hkdf::{HKDF_SHA256 as SHA256, HKDF_SHA384 as SHA384, HKDF_SHA512};
use aws_lc_rs::hkdf::{KeyType, Prk};
use aws_lc_rs::hmac;
use pqfw_framework::kdf::{Kdf, KdfError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

/// HKDF-SHA256, also the one of DHKEM over X25519 and P-256.
pub(crate) static HKDF_SHA256: Hkdf = Hkdf(SHA256);
/// HKDF-SHA384, also the one of DHKEM over P-384.
pub(crate) static HKDF_SHA384: Hkdf = Hkdf(SHA384);

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kdf("HKDF-SHA256", provider(), Hkdf(SHA256))
        .kdf("HKDF-SHA384", provider(), Hkdf(SHA384))
        .kdf("HKDF-SHA512", provider(), Hkdf(HKDF_SHA512))
}

fn provider() -> ProviderInfo {
    super::provider().constant_time(
        ConstantTime::Unclaimed,
        "AWS-LC claims nothing for HMAC; SHA-2 has no branch or table that its input could steer",
    )
}

/// HKDF over a hash function of AWS-LC.
pub(crate) struct Hkdf(aws_lc_rs::hkdf::Algorithm);

/// An output of so many bytes.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Kdf for Hkdf {
    fn extract(&self, salt: &[u8], ikm: &[u8], prk: &mut [u8]) -> Result<(), KdfError> {
        let key = hmac::Key::new(self.0.hmac_algorithm(), salt);
        prk.copy_from_slice(hmac::sign(&key, ikm).as_ref());
        Ok(())
    }

    fn expand(&self, prk: &[u8], info: &[&[u8]], okm: &mut [u8]) -> Result<(), KdfError> {
        let expected = self.0.hmac_algorithm().tag_len();
        if prk.len() != expected {
            let got = prk.len();
            return Err(KdfError::PrkLength { got, expected });
        }
        let (got, limit) = (okm.len(), 255 * expected);
        let prk = Prk::new_less_safe(self.0, prk);
        let output = prk.expand(info, Length(got));
        let output = output.map_err(|_| KdfError::OutputTooLong { got, limit })?;
        output.fill(okm).map_err(|_| KdfError::ProviderFailed)
    }
}
