//! The provider `rustcrypto`: the crate `ml-kem` behind the framework's KEM.
//!
//! The checks of FIPS 203 sections 7.2 and 7.3 are the crate's own, and our tests fire both. What
//! it leaves behind: the message m of an encapsulation and the seed of a key generation pass over
//! its stack and are not wiped there.

#![expect(
    deprecated,
    reason = "ml-kem deprecates the expanded form, which AWS-LC, liboqs and Kyber exchange"
)]

use std::marker::PhantomData;

use ml_kem::array::sizes::U32;
use ml_kem::kem::{Decapsulate as _, Decapsulator as _, Encapsulate as _};
use ml_kem::kem::{KeyExport as _, KeyInit, TryKeyInit as _};
use ml_kem::{ExpandedKeyEncoding, MlKem512, MlKem768, MlKem1024};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use zeroize::Zeroize;

/// Bytes of the seed d ‖ z, whatever the parameter set (FIPS 203, Algorithm 19).
const SEED: usize = 64;

pub(crate) fn provider() -> ProviderInfo {
    ProviderInfo::new("rustcrypto", "ml-kem 0.3.4").constant_time(
        ConstantTime::Claimed,
        "CHANGELOGs of ml-kem (0.3.3: no secret-dependent table lookups; 0.3.4: hardened \
         reduction) and module-lattice (0.2.2: no UDIV; 0.2.4: hardened reduction)",
    )
}

/// What the crate gives for a parameter set of FIPS 203 section 8.
pub(crate) trait ParameterSet:
    ml_kem::Kem<
        SharedKeySize = U32,
        DecapsulationKey: KeyInit
                              + ExpandedKeyEncoding
                              + ml_kem::Decapsulate<Kem = Self>
                              + Send
                              + Sync
                              + 'static,
        EncapsulationKey: Send + Sync + 'static,
    >
{
}

impl ParameterSet for MlKem512 {}
impl ParameterSet for MlKem768 {}
impl ParameterSet for MlKem1024 {}

/// ML-KEM with the parameter set `P`.
pub(crate) struct RustCrypto<P>(PhantomData<P>);

impl<P: ParameterSet> RustCrypto<P> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }

    fn expand(seed: &[u8]) -> Result<SecretKey<P>, KemError> {
        let key = P::DecapsulationKey::new_from_slice(seed);
        Ok(SecretKey {
            key: key.map_err(|_| KemError::DecapsulationKeyInvalid)?,
            seed: Some(SecretBytes::copy_of(seed)),
        })
    }

    fn read_expanded(bytes: &[u8]) -> Result<SecretKey<P>, KemError> {
        let bytes = bytes
            .try_into()
            .map_err(|_| KemError::DecapsulationKeyInvalid)?;
        // FIPS 203 section 7.3, the hash check; and section 7.2, the modulus check, of the
        // encapsulation key within.
        let key = P::DecapsulationKey::from_expanded_bytes(bytes)
            .map_err(|_| KemError::DecapsulationKeyInvalid)?;
        Ok(SecretKey { key, seed: None })
    }
}

impl<P: ParameterSet> Kem for RustCrypto<P> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut seed = SecretBytes::zeroed(SEED);
        rng.fill_bytes(seed.expose_mut());
        Ok(Box::new(Self::expand(seed.expose())?))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // FIPS 203 section 7.2: the type check and the modulus check.
        let key = P::EncapsulationKey::new_from_slice(bytes)
            .map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(PublicKey::<P>(key)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        match form {
            SecretForm::Seed(seed) => Ok(Box::new(Self::expand(seed)?)),
            SecretForm::Expanded(bytes) => Ok(Box::new(Self::read_expanded(bytes)?)),
            _ => Err(KemError::FormUnsupported(form.kind())),
        }
    }
}

struct PublicKey<P: ParameterSet>(P::EncapsulationKey);

impl<P: ParameterSet> Encapsulate for PublicKey<P> {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let (sent, mut secret) = self.0.encapsulate_with_rng(rng);
        ciphertext.copy_from_slice(&sent);
        shared_secret.copy_from_slice(&secret);
        secret.as_mut_slice().zeroize();
        Ok(())
    }
}

struct SecretKey<P: ParameterSet> {
    key: P::DecapsulationKey,
    /// What the key was expanded from; a key read in expanded form has none.
    seed: Option<SecretBytes>,
}

impl<P: ParameterSet> Decapsulate for SecretKey<P> {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.key.encapsulation_key().to_bytes().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Expanded, _) => {
                let mut expanded = self.key.to_expanded_bytes();
                let copy = SecretBytes::copy_of(&expanded);
                expanded.as_mut_slice().zeroize();
                Ok(copy)
            }
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let secret = self.key.decapsulate_slice(ciphertext);
        let mut secret = secret.map_err(|_| KemError::CiphertextInvalid)?;
        shared_secret.copy_from_slice(&secret);
        secret.as_mut_slice().zeroize();
        Ok(())
    }
}
