//! The provider `rustcrypto`: every AEAD of RustCrypto's trait behind the framework's.

use std::marker::PhantomData;

use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use pqfw_framework::aead::{Aead, AeadCipher, AeadError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};

pub(crate) fn provider(version: &str) -> ProviderInfo {
    ProviderInfo::new("rustcrypto", version).constant_time(
        ConstantTime::Claimed,
        "READMEs of aes-gcm, aes and chacha20poly1305: designed for constant time, by intrinsics \
         or, without them, on processors that multiply in constant time",
    )
}

/// The AEAD `A`, as an algorithm.
pub(crate) struct RustCrypto<A>(PhantomData<fn() -> A>);

impl<A> RustCrypto<A> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A: AeadInOut + KeyInit + Send + Sync + 'static> Aead for RustCrypto<A> {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let cipher = A::new_from_slice(bytes).map_err(|_| AeadError::ProviderFailed)?;
        Ok(Box::new(Cipher(cipher)))
    }
}

/// The AEAD `A` under a key, which it wipes.
struct Cipher<A>(A);

impl<A: AeadInOut + Send + Sync> AeadCipher for Cipher<A> {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        let nonce: &Nonce<A> = nonce.try_into().map_err(|_| AeadError::ProviderFailed)?;
        let sealed = self.0.encrypt_inout_detached(nonce, aad, buffer.into());
        tag.copy_from_slice(&sealed.map_err(|_| AeadError::ProviderFailed)?);
        Ok(())
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let nonce: &Nonce<A> = nonce.try_into().map_err(|_| AeadError::Rejected)?;
        let tag: &Tag<A> = tag.try_into().map_err(|_| AeadError::Rejected)?;
        let opened = self
            .0
            .decrypt_inout_detached(nonce, aad, buffer.into(), tag);
        opened.map_err(|_| AeadError::Rejected)
    }
}
