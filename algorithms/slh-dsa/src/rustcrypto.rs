//! The provider `rustcrypto`: the crate `slh-dsa` behind the framework's signature.

use std::borrow::Cow;
use std::marker::PhantomData;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use slh_dsa::{ParameterSet, SigningKey, VerifyingKey};
use zeroize::Zeroize;

pub(crate) fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("rustcrypto", "slh-dsa 0.2.0-rc.5").native_context();
    provider.constant_time(
        ConstantTime::Unclaimed,
        "slh-dsa claims nothing; SLH-DSA hashes its secrets and indexes by public values alone",
    )
}

/// SLH-DSA with the parameter set `P`.
pub(crate) struct RustCrypto<P>(PhantomData<P>);

impl<P> RustCrypto<P> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: ParameterSet + Send + Sync + 'static> Signature for RustCrypto<P> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        Ok(Box::new(SecretKey(SigningKey::<P>::new(rng))))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let key = SigningKey::<P>::try_from(bytes);
        let key = key.map_err(|_| SignatureError::SigningKeyInvalid)?;
        // FIPS 205 section 9.1: SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root, of n bytes each. The last
        // follows from the first and the third: generating the key again finds damage to any of
        // the three. SK.prf may be any bytes.
        let (sk_seed, rest) = bytes.split_at(bytes.len() / 4);
        let (sk_prf, rest) = rest.split_at(sk_seed.len());
        let (pk_seed, _) = rest.split_at(sk_seed.len());
        if SigningKey::<P>::slh_keygen_internal(sk_seed, sk_prf, pk_seed).as_ref() != key.as_ref() {
            return Err(SignatureError::SigningKeyInvalid);
        }
        Ok(Box::new(SecretKey(key)))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 205 section 9.1: every string of the right length is a public key.
        let key = VerifyingKey::<P>::try_from(bytes);
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }
}

struct SecretKey<P: ParameterSet>(SigningKey<P>);

impl<P: ParameterSet + Send + Sync> Sign for SecretKey<P> {
    fn verifying_key(&self) -> Vec<u8> {
        self.0.as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let SecretKind::Expanded = kind else {
            return Err(SignatureError::FormUnsupported(kind));
        };
        let mut bytes = self.0.to_bytes();
        let copy = SecretBytes::copy_of(&bytes);
        bytes.as_mut_slice().zeroize();
        Ok(copy)
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        // FIPS 205, Algorithm 22: addrnd, of n bytes as each half of the public key.
        let mut randomizer = SecretBytes::zeroed(self.0.as_ref().to_bytes().len() / 2);
        rng.fill_bytes(randomizer.expose_mut());
        let signature =
            self.0
                .try_sign_with_context(&joined(message), context, Some(randomizer.expose()));
        let signature = signature.map_err(|_| SignatureError::ContextTooLong(context.len()))?;
        Ok(signature.to_vec())
    }
}

struct PublicKey<P: ParameterSet>(VerifyingKey<P>);

impl<P: ParameterSet + Send + Sync> Verify for PublicKey<P> {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let rejected = |_| SignatureError::Rejected;
        let signature = slh_dsa::Signature::<P>::try_from(signature).map_err(rejected)?;
        let outcome = self
            .0
            .try_verify_with_context(&joined(message), context, &signature);
        outcome.map_err(rejected)
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}
