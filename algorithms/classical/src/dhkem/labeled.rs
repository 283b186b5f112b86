//! LabeledExtract and LabeledExpand of RFC 9180 section 4, without a salt.

use hkdf::hmac::EagerHash;
use hkdf::{Hkdf, HkdfExtract};
use pqfw_framework::kem::KemError;
use zeroize::Zeroize;

const VERSION: &[u8] = b"HPKE-v1";

/// A pseudorandom key, ready to be expanded.
pub(crate) struct LabeledPrk<H: EagerHash> {
    suite_id: [u8; 5],
    hkdf: Hkdf<H>,
}

impl<H: EagerHash> LabeledPrk<H> {
    /// LabeledExtract("", label, ikm) of the KEM `kem_id`.
    pub(crate) fn extract(kem_id: u16, label: &[u8], ikm: &[u8]) -> Self {
        let [high, low] = kem_id.to_be_bytes();
        // RFC 9180 section 4.1.
        let suite_id = [b'K', b'E', b'M', high, low];
        let mut extract = HkdfExtract::<H>::new(None);
        for part in [VERSION, &suite_id, label, ikm] {
            extract.input_ikm(part);
        }
        let (mut prk, hkdf) = extract.finalize();
        prk.as_mut_slice().zeroize();
        Self { suite_id, hkdf }
    }

    /// LabeledExpand(prk, label, info, L) with L the length of `output`.
    pub(crate) fn expand(
        &self,
        label: &[u8],
        info: [&[u8]; 2],
        output: &mut [u8],
    ) -> Result<(), KemError> {
        let failed = KemError::ProviderFailed;
        let length = u16::try_from(output.len()).map_err(|_| failed.clone())?;
        let [first, second] = info;
        let labeled: [&[u8]; 6] = [
            &length.to_be_bytes(),
            VERSION,
            &self.suite_id,
            label,
            first,
            second,
        ];
        let outcome = self.hkdf.expand_multi_info(&labeled, output);
        outcome.map_err(|_| failed)
    }
}
