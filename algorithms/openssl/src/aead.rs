//! AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439), in place.

use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use pqfw_framework::aead::{Aead, AeadCipher, AeadError};
use pqfw_framework::registry::Plugin;
use zeroize::Zeroize;

use crate::provider;

/// Bytes of a nonce and of a tag: OpenSSL would take others.
const NONCE: usize = 12;
const TAG: usize = 16;

/// OpenSSL counts the bytes of a call in an `int`; whole blocks, so that a cut changes nothing.
const LARGEST_CALL: usize = 1 << 30;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .aead("AES-128-GCM", provider(), OpenSsl(Cipher::aes_128_gcm))
        .aead("AES-256-GCM", provider(), OpenSsl(Cipher::aes_256_gcm))
        .aead(
            "ChaCha20-Poly1305",
            provider(),
            OpenSsl(Cipher::chacha20_poly1305),
        )
}

/// An AEAD of OpenSSL.
struct OpenSsl(fn() -> &'static CipherRef);

impl OpenSsl {
    fn prepare(&self, key: &[u8]) -> Result<CipherCtx, ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.encrypt_init(Some((self.0)()), Some(key), None)?;
        Ok(context)
    }
}

impl Aead for OpenSsl {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        // The crate would take the first bytes of more, and panic at fewer.
        if bytes.len() != (self.0)().key_length() {
            return Err(AeadError::ProviderFailed);
        }
        let context = self.prepare(bytes);
        let context = context.map_err(|_| AeadError::ProviderFailed)?;
        Ok(Box::new(Prepared(context)))
    }
}

/// A key, expanded once; each message works on a copy. OpenSSL wipes both.
struct Prepared(CipherCtx);

impl Prepared {
    fn seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.copy(&self.0)?;
        context.encrypt_init(None, None, Some(nonce))?;
        process(&mut context, aad, buffer)?;
        context.cipher_final(&mut [])?;
        context.tag(tag)
    }

    fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.copy(&self.0)?;
        context.decrypt_init(None, None, Some(nonce))?;
        process(&mut context, aad, buffer)?;
        context.set_tag(tag)?;
        // Here the tag is compared.
        context.cipher_final(&mut []).map(drop)
    }
}

fn process(context: &mut CipherCtx, aad: &[u8], buffer: &mut [u8]) -> Result<(), ErrorStack> {
    for part in aad.chunks(LARGEST_CALL) {
        context.cipher_update(part, None)?;
    }
    for part in buffer.chunks_mut(LARGEST_CALL) {
        context.cipher_update_inplace(part, part.len())?;
    }
    Ok(())
}

impl AeadCipher for Prepared {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        if nonce.len() != NONCE || tag.len() != TAG {
            return Err(AeadError::ProviderFailed);
        }
        let sealed = self.seal(nonce, aad, buffer, tag);
        sealed.map_err(|_| AeadError::ProviderFailed)
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        if nonce.len() != NONCE || tag.len() != TAG {
            return Err(AeadError::Rejected);
        }
        let opened = self.open(nonce, aad, buffer, tag);
        opened.map_err(|_| {
            // OpenSSL decrypts before it compares: what was never authenticated is in the buffer.
            buffer.zeroize();
            AeadError::Rejected
        })
    }
}
