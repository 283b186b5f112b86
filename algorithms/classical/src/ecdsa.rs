//! ECDSA of FIPS 186-5 section 6, by the crate `ecdsa`: P-256 with SHA-256, P-384 with SHA-384.
//!
//! Signing is hedged: the per-message secret is that of RFC 6979 with random bytes of the caller's
//! mixed in (section 3.6), so neither a weak generator nor a fault in one signature gives the key
//! away. Signatures are the DER of an ECDSA-Sig-Value (RFC 3279 section 2.2.3), and its one
//! encoding alone is accepted. Where (r, s) is valid (r, order − s) is too, as FIPS 186-5 has it:
//! a signature identifies no message.

use std::marker::PhantomData;
use std::ops::Add;

use ::ecdsa::der::MaxOverhead;
use ::ecdsa::signature::{MultipartVerifier, RandomizedMultipartSigner};
use ::ecdsa::{DigestAlgorithm, Signature as Pair, SigningKey, VerifyingKey};
use elliptic_curve::array::ArraySize;
use elliptic_curve::point::AffineCoordinates;
use elliptic_curve::{AffinePoint, Curve, CurveArithmetic, PublicKey, SecretKey};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use zeroize::Zeroizing;

use crate::candidates::first_key;
use crate::context::refuse_context;
use crate::sec1::{length, read_private, split_point, write_point};

/// A curve with the hash that goes with it, and with room for the DER of its signatures.
pub(crate) trait EcdsaWithDer:
    DigestAlgorithm
    + CurveArithmetic
    + Curve<FieldBytesSize: Add<Output: Add<MaxOverhead, Output: ArraySize> + ArraySize>>
{
}

impl<C> EcdsaWithDer for C where
    C: DigestAlgorithm
        + CurveArithmetic
        + Curve<FieldBytesSize: Add<Output: Add<MaxOverhead, Output: ArraySize> + ArraySize>>
{
}

/// ECDSA with the curve `C` and its hash.
pub(crate) struct Ecdsa<C>(PhantomData<C>);

impl<C> Ecdsa<C> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C: EcdsaWithDer> Signature for Ecdsa<C> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let fill = |_, candidate: &mut [u8]| {
            rng.fill_bytes(candidate);
            Ok(())
        };
        let key = first_key(length::<C>(), fill, read_private::<C>)?;
        Ok(Box::new(Signer::new(
            &key.ok_or(SignatureError::ProviderFailed)?,
        )))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let key = read_private::<C>(bytes).ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(Signer::new(&key)))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // Full validation of SP 800-186 Appendix D.1.1.2: the cofactor is 1.
        let point = split_point::<C>(bytes)
            .and_then(|(x, y)| AffinePoint::<C>::from_coordinates(x, y).into_option())
            .and_then(|point| PublicKey::<C>::from_affine(point).ok());
        let point = point.ok_or(SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(Verifier(VerifyingKey::from(point))))
    }
}

struct Signer<C: EcdsaWithDer>(SigningKey<C>);

impl<C: EcdsaWithDer> Signer<C> {
    fn new(key: &SecretKey<C>) -> Self {
        Self(SigningKey::from(key))
    }
}

impl<C: EcdsaWithDer> Sign for Signer<C> {
    fn verifying_key(&self) -> Vec<u8> {
        write_public(self.0.verifying_key())
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => {
                let bytes = Zeroizing::new(self.0.to_bytes());
                Ok(SecretBytes::copy_of(&bytes))
            }
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        refuse_context(context)?;
        let pair: Result<Pair<C>, _> = self.0.try_multipart_sign_with_rng(rng, message);
        let pair = pair.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(pair.to_der().as_bytes().to_vec())
    }
}

struct Verifier<C: EcdsaWithDer>(VerifyingKey<C>);

impl<C: EcdsaWithDer> Verify for Verifier<C> {
    fn to_bytes(&self) -> Vec<u8> {
        write_public(&self.0)
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_context(context)?;
        let rejected = |_| SignatureError::Rejected;
        let pair = Pair::<C>::from_der(signature).map_err(rejected)?;
        self.0.multipart_verify(message, &pair).map_err(rejected)
    }
}

fn write_public<C: EcdsaWithDer>(key: &VerifyingKey<C>) -> Vec<u8> {
    let point = *PublicKey::from(key).as_affine();
    write_point::<C>(&point.x(), &point.y())
}
