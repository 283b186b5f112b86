//! From a Diffie-Hellman output to a secret: ExtractAndExpand of DHKEM, or the output as it is.
//!
//! RFC 9180 sections 4 and 4.1. The crate `pqfw-classical` has the same few lines over RustCrypto:
//! siblings do not import each other.

use pqfw_framework::kdf::Kdf;
use pqfw_framework::kem::KemError;
use pqfw_framework::secret::SecretBytes;

use crate::hkdf::{HKDF_SHA256, HKDF_SHA384, Hkdf};

/// What becomes of a Diffie-Hellman output.
#[derive(Clone, Copy)]
pub(crate) enum Secret {
    /// The KEM's secret.
    Dhkem(&'static Dhkem),
    /// The output itself, for protocols that bind it by themselves: RFC 8446 section 7.4.2.
    Bare,
}

impl Secret {
    /// Fills `shared_secret` from the Diffie-Hellman output and `kem_context` = enc ‖ pkR.
    pub(crate) fn derive(
        self,
        dh: &[u8],
        enc: &[u8],
        recipient: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        match self {
            Self::Dhkem(dhkem) => dhkem.extract_and_expand(dh, enc, recipient, shared_secret),
            Self::Bare if dh.len() == shared_secret.len() => {
                shared_secret.copy_from_slice(dh);
                Ok(())
            }
            Self::Bare => Err(KemError::ProviderFailed),
        }
    }
}

/// A group and its hash.
pub(crate) struct Dhkem {
    /// `"KEM" ‖ I2OSP(kem_id, 2)`; RFC 9180 section 7.1, table 2.
    suite_id: &'static [u8; 5],
    hkdf: &'static Hkdf,
    /// The output of the hash, in bytes.
    prk: usize,
}

pub(crate) static X25519: Dhkem = Dhkem {
    suite_id: b"KEM\x00\x20",
    hkdf: &HKDF_SHA256,
    prk: 32,
};
pub(crate) static P256: Dhkem = Dhkem {
    suite_id: b"KEM\x00\x10",
    hkdf: &HKDF_SHA256,
    prk: 32,
};
pub(crate) static P384: Dhkem = Dhkem {
    suite_id: b"KEM\x00\x11",
    hkdf: &HKDF_SHA384,
    prk: 48,
};

impl Dhkem {
    /// Fills `shared_secret` from the Diffie-Hellman output and `kem_context` = enc ‖ pkR.
    fn extract_and_expand(
        &self,
        dh: &[u8],
        enc: &[u8],
        recipient: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let length = u16::try_from(shared_secret.len()).map_err(|_| KemError::ProviderFailed)?;
        // LabeledExtract("", "eae_prk", dh)
        let labeled_ikm: [&[u8]; 4] = [b"HPKE-v1", self.suite_id, b"eae_prk", dh];
        let labeled_ikm = SecretBytes::own(labeled_ikm.concat());
        let mut eae_prk = SecretBytes::zeroed(self.prk);
        self.hkdf
            .extract(b"", labeled_ikm.expose(), eae_prk.expose_mut())
            .map_err(|_| KemError::ProviderFailed)?;
        // LabeledExpand(eae_prk, "shared_secret", kem_context, Nsecret)
        let info: [&[u8]; 6] = [
            &length.to_be_bytes(),
            b"HPKE-v1",
            self.suite_id,
            b"shared_secret",
            enc,
            recipient,
        ];
        self.hkdf
            .expand(eae_prk.expose(), &info, shared_secret)
            .map_err(|_| KemError::ProviderFailed)
    }
}
