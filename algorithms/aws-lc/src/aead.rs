//! AES-GCM (SP 800-38D), AES-GCM-SIV (RFC 8452) and ChaCha20-Poly1305 (RFC 8439), in place, without
//! an allocation.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_128_GCM_SIV, AES_256_GCM, AES_256_GCM_SIV, Aad, Algorithm, CHACHA20_POLY1305,
    LessSafeKey, Nonce, UnboundKey,
};
use pqfw_framework::aead::{Aead, AeadCipher, AeadError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let aes = || {
        provider(
            "AWS-LC: constant-time AES-GCM in hardware (openssl/aead.h) and bitsliced without it \
             (aes_nohw.c, gcm_nohw.c)",
        )
    };
    let siv = || {
        provider(
            "AWS-LC: AES in hardware or bitsliced (aes_nohw.c), POLYVAL by carry-less \
             multiplication or gcm_nohw.c; no statement on the whole",
        )
    };
    let chacha = provider(
        "AWS-LC has no statement on it: ChaCha20 and Poly1305 have no table or branch on a \
         secret, tags are compared by CRYPTO_memcmp (openssl/mem.h), and a timing difference is \
         treated as a vulnerability (CVE-2026-3337)",
    );
    plugin
        .aead("AES-128-GCM", aes(), AwsLc(&AES_128_GCM))
        .aead("AES-256-GCM", aes(), AwsLc(&AES_256_GCM))
        .aead("AES-128-GCM-SIV", siv(), AwsLc(&AES_128_GCM_SIV))
        .aead("AES-256-GCM-SIV", siv(), AwsLc(&AES_256_GCM_SIV))
        .aead("ChaCha20-Poly1305", chacha, AwsLc(&CHACHA20_POLY1305))
}

fn provider(source: &str) -> ProviderInfo {
    super::provider().constant_time(ConstantTime::Claimed, source)
}

/// An AEAD of AWS-LC.
struct AwsLc(&'static Algorithm);

impl Aead for AwsLc {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let key = UnboundKey::new(self.0, bytes).map_err(|_| AeadError::ProviderFailed)?;
        Ok(Box::new(Cipher(LessSafeKey::new(key))))
    }
}

/// A key held by AWS-LC, which wipes it. "Less safe" because the caller answers for the nonces.
struct Cipher(LessSafeKey);

impl AeadCipher for Cipher {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        let failed = |_| AeadError::ProviderFailed;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(failed)?;
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), buffer);
        tag.copy_from_slice(sealed.map_err(failed)?.as_ref());
        Ok(())
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let rejected = |_| AeadError::Rejected;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(rejected)?;
        let opened = self
            .0
            .open_in_place_separate_tag(nonce, Aad::from(aad), tag, buffer);
        opened.map(drop).map_err(rejected)
    }
}
