//! The provider `rustcrypto`: the crate `slh-dsa` behind the framework's signature.

use std::marker::PhantomData;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use slh_dsa::{ParameterSet, SigningKey, VerifyingKey};
use slh_dsa::{Sha2_128f, Sha2_128s, Sha2_192f, Sha2_192s, Sha2_256f, Sha2_256s};
use slh_dsa::{Shake128f, Shake128s, Shake192f, Shake192s, Shake256f, Shake256s};
use zeroize::Zeroize;

use crate::message::joined;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let plugin = set::<Sha2_128s, 16>(plugin);
    let plugin = set::<Sha2_128f, 16>(plugin);
    let plugin = set::<Sha2_192s, 24>(plugin);
    let plugin = set::<Sha2_192f, 24>(plugin);
    let plugin = set::<Sha2_256s, 32>(plugin);
    let plugin = set::<Sha2_256f, 32>(plugin);
    let plugin = set::<Shake128s, 16>(plugin);
    let plugin = set::<Shake128f, 16>(plugin);
    let plugin = set::<Shake192s, 24>(plugin);
    let plugin = set::<Shake192f, 24>(plugin);
    let plugin = set::<Shake256s, 32>(plugin);
    set::<Shake256f, 32>(plugin)
}

/// Offers the parameter set `P`, whose n is `N`.
fn set<P: ParameterSet + Send + Sync + 'static, const N: usize>(plugin: Plugin) -> Plugin {
    plugin.signature(P::NAME, provider(), RustCrypto::<P, N>(PhantomData))
}

fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("rustcrypto", "slh-dsa 0.2.0-rc.5").native_context();
    provider.constant_time(
        ConstantTime::Unclaimed,
        "slh-dsa claims nothing; SLH-DSA hashes its secrets and indexes by public values alone",
    )
}

/// SLH-DSA with the parameter set `P`, whose values are of `N` bytes (FIPS 205 table 2: n).
struct RustCrypto<P, const N: usize>(PhantomData<P>);

impl<P: ParameterSet + Send + Sync + 'static, const N: usize> RustCrypto<P, N> {
    /// FIPS 205, Algorithm 18, of SK.seed ‖ SK.prf ‖ PK.seed; `None` for another length.
    fn expand(seed: &[u8]) -> Option<SigningKey<P>> {
        let (parts, []) = seed.as_chunks::<N>() else {
            return None;
        };
        let [sk_seed, sk_prf, pk_seed] = parts else {
            return None;
        };
        Some(SigningKey::slh_keygen_internal(sk_seed, sk_prf, pk_seed))
    }

    fn read(expanded: &[u8]) -> Option<SigningKey<P>> {
        let key = SigningKey::<P>::try_from(expanded).ok()?;
        // FIPS 205 section 9.1: SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root. The last follows from the
        // first and the third: generating the key again finds damage to any of the three. SK.prf
        // may be any bytes.
        let again = Self::expand(expanded.get(..3 * N)?)?;
        (again.as_ref() == key.as_ref()).then_some(key)
    }
}

impl<P: ParameterSet + Send + Sync + 'static, const N: usize> Signature for RustCrypto<P, N> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        Ok(Box::new(SecretKey::<P, N>(SigningKey::new(rng))))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let key = match form {
            SecretForm::Seed(seed) => Self::expand(seed),
            SecretForm::Expanded(bytes) => Self::read(bytes),
            _ => return Err(SignatureError::FormUnsupported(form.kind())),
        };
        let key = key.ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(SecretKey::<P, N>(key)))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 205 section 9.1: every string of the right length is a public key.
        let key = VerifyingKey::<P>::try_from(bytes);
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }
}

struct SecretKey<P: ParameterSet, const N: usize>(SigningKey<P>);

impl<P: ParameterSet + Send + Sync, const N: usize> Sign for SecretKey<P, N> {
    fn verifying_key(&self) -> Vec<u8> {
        self.0.as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let mut bytes = self.0.to_bytes();
        let exported = match kind {
            SecretKind::Expanded => bytes.get(..),
            // FIPS 205 section 9.1: the seed is all but the root.
            SecretKind::Seed => bytes.get(..3 * N),
            _ => None,
        };
        let exported = exported.map(SecretBytes::copy_of);
        bytes.as_mut_slice().zeroize();
        exported.ok_or(SignatureError::FormUnsupported(kind))
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        // FIPS 205, Algorithm 22: addrnd, of n bytes.
        let mut randomizer = SecretBytes::zeroed(N);
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
