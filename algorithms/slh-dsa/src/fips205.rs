//! The provider `fips205`: the crate of that name behind the framework's signature.
//!
//! The crate draws from a generator of `rand_core` 0.6; [`Previous`] lends it the caller's. It
//! checks the root of a private key itself. What it leaves behind: it takes and gives private keys
//! as arrays by value, and says itself that such copies can remain on the stack.

use std::marker::PhantomData;

use fips205::traits::{KeyGen, SerDes, Signer, Verifier};
use fips205::{
    slh_dsa_sha2_128f, slh_dsa_sha2_128s, slh_dsa_sha2_192f, slh_dsa_sha2_192s, slh_dsa_sha2_256f,
    slh_dsa_sha2_256s, slh_dsa_shake_128f, slh_dsa_shake_128s, slh_dsa_shake_192f,
    slh_dsa_shake_192s, slh_dsa_shake_256f, slh_dsa_shake_256s,
};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use zeroize::Zeroize;

use crate::message::joined;

/// Offers parameter sets: their id in the catalogue and their module in the crate.
macro_rules! sets {
    ($plugin:expr, $($id:literal: $set:ident,)*) => {
        $plugin$(.signature($id, provider(), Fips205::<$set::KG, { $set::N }>(PhantomData)))*
    };
}

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    sets! {
        plugin,
        "SLH-DSA-SHA2-128s": slh_dsa_sha2_128s,
        "SLH-DSA-SHA2-128f": slh_dsa_sha2_128f,
        "SLH-DSA-SHA2-192s": slh_dsa_sha2_192s,
        "SLH-DSA-SHA2-192f": slh_dsa_sha2_192f,
        "SLH-DSA-SHA2-256s": slh_dsa_sha2_256s,
        "SLH-DSA-SHA2-256f": slh_dsa_sha2_256f,
        "SLH-DSA-SHAKE-128s": slh_dsa_shake_128s,
        "SLH-DSA-SHAKE-128f": slh_dsa_shake_128f,
        "SLH-DSA-SHAKE-192s": slh_dsa_shake_192s,
        "SLH-DSA-SHAKE-192f": slh_dsa_shake_192f,
        "SLH-DSA-SHAKE-256s": slh_dsa_shake_256s,
        "SLH-DSA-SHAKE-256f": slh_dsa_shake_256f,
    }
}

fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("fips205", "fips205 0.5.0").native_context();
    provider.constant_time(
        ConstantTime::Claimed,
        "README of fips205: no branch, loop or index on secret data in key generation and \
         signing, by review, by counting hash calls and by dudect measurements, which its CI does \
         not run",
    )
}

/// The caller's generator as `rand_core` 0.6 has it.
struct Previous<'a>(&'a mut dyn CryptoRng);

impl fips205::RngCore for Previous<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), fips205::RngError> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl fips205::CryptoRng for Previous<'_> {}

/// An array of bytes of any length, as the crate takes and gives keys and signatures.
trait Bytes: AsRef<[u8]> + Copy + for<'a> TryFrom<&'a [u8]> + Zeroize {}

impl<const LENGTH: usize> Bytes for [u8; LENGTH] {}

/// Reads a key; `None` when its length or the crate's check says no.
fn read<T: SerDes<ByteArray: Bytes>>(bytes: &[u8]) -> Option<T> {
    let mut array = T::ByteArray::try_from(bytes).ok()?;
    let key = T::try_from_bytes(array).ok();
    array.zeroize();
    key
}

/// One parameter set, whose values are of `N` bytes (FIPS 205 table 2: n).
struct Fips205<K, const N: usize>(PhantomData<fn() -> K>);

impl<K: KeyGen + 'static, const N: usize> Fips205<K, N> {
    /// FIPS 205, Algorithm 18, of SK.seed ‖ SK.prf ‖ PK.seed; `None` for another length.
    fn expand(seed: &[u8]) -> Option<K::PrivateKey> {
        let (parts, []) = seed.as_chunks::<N>() else {
            return None;
        };
        let [sk_seed, sk_prf, pk_seed] = parts else {
            return None;
        };
        Some(K::keygen_from_seed(sk_seed, sk_prf, pk_seed).1)
    }
}

impl<K: KeyGen + 'static, const N: usize> Signature for Fips205<K, N>
where
    K::PrivateKey: SerDes<ByteArray: Bytes>,
    K::PublicKey: SerDes<ByteArray: Bytes>,
    SecretKey<K::PrivateKey, N>: Sign + 'static,
    PublicKey<K::PublicKey>: Verify + 'static,
{
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let keys = K::try_keygen_with_rng(&mut Previous(rng));
        let (_, key) = keys.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(Box::new(SecretKey::<_, N>(key)))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let key = match form {
            SecretForm::Seed(seed) => Self::expand(seed),
            // FIPS 205 section 9.1: the crate generates the key again and compares the roots.
            SecretForm::Expanded(bytes) => read(bytes),
            _ => return Err(SignatureError::FormUnsupported(form.kind())),
        };
        let key = key.ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(SecretKey::<_, N>(key)))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 205 section 9.1: every string of the right length is a public key.
        let key = read(bytes).ok_or(SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }
}

struct SecretKey<S, const N: usize>(S);

impl<S, const N: usize> Sign for SecretKey<S, N>
where
    S: SerDes<ByteArray: Bytes> + Clone + Send + Sync,
    S: Signer<Signature: Bytes, PublicKey: SerDes<ByteArray: Bytes>>,
{
    fn verifying_key(&self) -> Vec<u8> {
        self.0.get_public_key().into_bytes().as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let mut bytes = self.0.clone().into_bytes();
        let exported = match kind {
            SecretKind::Expanded => Some(bytes.as_ref()),
            // FIPS 205 section 9.1: the seed is all but the root.
            SecretKind::Seed => bytes.as_ref().get(..3 * N),
            _ => None,
        };
        let exported = exported.map(SecretBytes::copy_of);
        bytes.zeroize();
        exported.ok_or(SignatureError::FormUnsupported(kind))
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        if context.len() > 255 {
            return Err(SignatureError::ContextTooLong(context.len()));
        }
        // FIPS 205, Algorithm 22: hedged, with addrnd of n bytes from the caller's generator.
        let (mut rng, hedged) = (Previous(rng), true);
        let signature = self
            .0
            .try_sign_with_rng(&mut rng, &joined(message), context, hedged);
        let signature = signature.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(signature.as_ref().to_vec())
    }
}

struct PublicKey<P>(P);

impl<P> Verify for PublicKey<P>
where
    P: SerDes<ByteArray: Bytes> + Verifier<Signature: Bytes> + Clone + Send + Sync,
{
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes().as_ref().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let signature = P::Signature::try_from(signature);
        let signature = signature.map_err(|_| SignatureError::Rejected)?;
        if self.0.verify(&joined(message), &signature, context) {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}
