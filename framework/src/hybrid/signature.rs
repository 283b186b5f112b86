//! Several signature algorithms as one.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::LENGTH_BYTES;
use crate::catalogue::SignatureSizes;
use crate::hash::AdmittedHash;
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{
    AdmittedSignature, Sign, Signature, SignatureError, SigningKey, Verify, VerifyingKey,
};

/// What every leg's message begins with.
const MESSAGE_PREFIX: &[u8] = b"pqfw-hybrid-sig-1";

/// The code of a hybrid signature.
pub(crate) struct HybridSignature {
    name: Arc<str>,
    parts: Arc<[AdmittedSignature]>,
    shake256: AdmittedHash,
}

impl HybridSignature {
    pub(crate) fn new(name: &str, parts: Vec<AdmittedSignature>, shake256: AdmittedHash) -> Self {
        Self {
            name: name.into(),
            parts: parts.into(),
            shake256,
        }
    }

    fn private(&self, parts: Vec<SigningKey>, seed: Option<&[u8]>) -> PrivateKey {
        PrivateKey {
            name: self.name.clone(),
            parts,
            seed: seed.map(SecretBytes::copy_of),
        }
    }
}

impl Signature for HybridSignature {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let parts = self.parts.iter().map(|part| part.generate(rng));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Box::new(self.private(parts, None)))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let mut keys = Vec::new();
        match form {
            SecretForm::Seed(seed) => {
                for part in &*self.parts {
                    let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
                    let length = part.sizes().seed.ok_or(unsupported)?;
                    let own = super::expand_seed(&self.shake256, seed, &part.info().id, length);
                    keys.push(part.import_signing_key(SecretForm::Seed(own.expose()))?);
                }
                Ok(Box::new(self.private(keys, Some(seed))))
            }
            SecretForm::Expanded(bytes) => {
                let mut rest = bytes;
                for part in &*self.parts {
                    let (key, tail) = rest
                        .split_at_checked(part.sizes().signing_key)
                        .ok_or(SignatureError::SigningKeyInvalid)?;
                    keys.push(part.import_signing_key(SecretForm::Expanded(key))?);
                    rest = tail;
                }
                if !rest.is_empty() {
                    return Err(SignatureError::SigningKeyInvalid);
                }
                Ok(Box::new(self.private(keys, None)))
            }
        }
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let mut rest = bytes;
        let mut keys = Vec::new();
        for part in &*self.parts {
            let (key, tail) = rest
                .split_at_checked(part.sizes().verifying_key)
                .ok_or(SignatureError::VerifyingKeyInvalid)?;
            keys.push(part.import_verifying_key(key)?);
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(SignatureError::VerifyingKeyInvalid);
        }
        Ok(Box::new(PublicKey {
            name: self.name.clone(),
            sizes: self.parts.iter().map(|part| *part.sizes()).collect(),
            parts: keys,
        }))
    }
}

struct PrivateKey {
    name: Arc<str>,
    parts: Vec<SigningKey>,
    seed: Option<SecretBytes>,
}

impl Sign for PrivateKey {
    fn verifying_key(&self) -> Vec<u8> {
        let keys = self.parts.iter().map(SigningKey::verifying_key);
        keys.collect::<Vec<_>>().concat()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Seed, None) => Err(SignatureError::FormUnsupported(kind)),
            (SecretKind::Expanded, _) => {
                let parts = self.parts.iter().map(|part| part.export(kind));
                Ok(super::concatenated(&parts.collect::<Result<Vec<_>, _>>()?))
            }
        }
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        refuse_context(context)?;
        let header = header(&self.name, message)?;
        let message = [&[header.as_slice()], message].concat();
        let mut signature = Vec::new();
        for part in &self.parts {
            let own = part.sign(rng, &message)?;
            if part.sizes().variable_length {
                let length =
                    u32::try_from(own.len()).map_err(|_| SignatureError::ProviderFailed)?;
                signature.extend_from_slice(&length.to_be_bytes());
            }
            signature.extend_from_slice(&own);
        }
        Ok(signature)
    }
}

struct PublicKey {
    name: Arc<str>,
    parts: Vec<VerifyingKey>,
    sizes: Vec<SignatureSizes>,
}

impl Verify for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        let keys = self.parts.iter().map(VerifyingKey::to_bytes);
        keys.collect::<Vec<_>>().concat()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_context(context)?;
        let header = header(&self.name, message)?;
        let message = [&[header.as_slice()], message].concat();
        let signatures = split(&self.sizes, signature).ok_or(SignatureError::Rejected)?;
        // Every leg is evaluated, and all must accept.
        let accepted = self
            .parts
            .iter()
            .zip(signatures)
            .map(|(part, own)| part.verify(&message, &[], own).is_ok())
            .fold(true, |all, one| all & one);
        if accepted {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}

/// Each part's own signature; `None` unless the bytes are exactly that many.
fn split<'a>(sizes: &[SignatureSizes], signature: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let mut rest = signature;
    let mut own = Vec::new();
    for sizes in sizes {
        let length = if sizes.variable_length {
            let (length, tail) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            rest = tail;
            usize::try_from(u32::from_be_bytes(*length)).ok()?
        } else {
            sizes.signature
        };
        let (head, tail) = rest.split_at_checked(length)?;
        own.push(head);
        rest = tail;
    }
    rest.is_empty().then_some(own)
}

/// Prefix ‖ be16 len(name) ‖ name ‖ be64 len(message): stands before the message in every leg.
fn header(name: &str, message: &[&[u8]]) -> Result<Vec<u8>, SignatureError> {
    let failed = |_| SignatureError::ProviderFailed;
    let name_bytes = u16::try_from(name.len()).map_err(failed)?;
    let message_bytes: usize = message.iter().map(|part| part.len()).sum();
    let message_bytes = u64::try_from(message_bytes).map_err(failed)?;
    Ok([
        MESSAGE_PREFIX,
        &name_bytes.to_be_bytes(),
        name.as_bytes(),
        &message_bytes.to_be_bytes(),
    ]
    .concat())
}

fn refuse_context(context: &[u8]) -> Result<(), SignatureError> {
    if context.is_empty() {
        Ok(())
    } else {
        Err(SignatureError::ContextUnsupported)
    }
}
