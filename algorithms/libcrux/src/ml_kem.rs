//! ML-KEM, FIPS 203.
//!
//! libcrux has the checks of FIPS 203 sections 7.2 and 7.3 and leaves their calling to us. Beyond
//! them, the secret vector of an expanded key must be reduced: no key generation gives another,
//! and what libcrux proves of its arithmetic is for reduced coefficients.

use libcrux_ml_kem::{
    MlKemCiphertext, MlKemKeyPair, MlKemPrivateKey, MlKemPublicKey, MlKemSharedSecret,
};
use libcrux_ml_kem::{mlkem512, mlkem768, mlkem1024};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the seed d ‖ z (FIPS 203, Algorithm 19).
const SEED: usize = 64;

/// Bytes of the message m (FIPS 203, Algorithm 20), and of H(ek) and z.
const LENGTH: usize = 32;

/// The modulus q (FIPS 203 section 2.3).
const Q: u16 = 3329;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    macro_rules! parameter_set {
        ($set:ident) => {
            Libcrux {
                generate: $set::generate_key_pair,
                encapsulate: $set::encapsulate,
                decapsulate: $set::decapsulate,
                is_reduced: $set::validate_public_key,
                is_whole: $set::validate_private_key,
            }
        };
    }
    plugin
        .kem("ML-KEM-512", provider(), parameter_set!(mlkem512))
        .kem("ML-KEM-768", provider(), parameter_set!(mlkem768))
        .kem("ML-KEM-1024", provider(), parameter_set!(mlkem1024))
}

fn provider() -> ProviderInfo {
    ProviderInfo::new("libcrux", "libcrux-ml-kem 0.0.11").constant_time(
        ConstantTime::Claimed,
        "README of libcrux-ml-kem, Secret Independence: the types of libcrux-secrets check the \
         portable code, best effort beyond it; valgrind tracks secrets in its CI \
         (libcrux-ct-test)",
    )
}

/// ML-KEM with what libcrux has for a parameter set, whose lengths are `DK`, `EK` and `CT`.
#[derive(Clone, Copy)]
struct Libcrux<const DK: usize, const EK: usize, const CT: usize> {
    generate: fn([u8; SEED]) -> MlKemKeyPair<DK, EK>,
    encapsulate: fn(&MlKemPublicKey<EK>, [u8; LENGTH]) -> (MlKemCiphertext<CT>, MlKemSharedSecret),
    decapsulate: fn(&MlKemPrivateKey<DK>, &MlKemCiphertext<CT>) -> MlKemSharedSecret,
    /// FIPS 203 section 7.2, the modulus check.
    is_reduced: fn(&MlKemPublicKey<EK>) -> bool,
    /// FIPS 203 section 7.3, the hash check; of the ciphertext only the length counts.
    is_whole: fn(&MlKemPrivateKey<DK>, &MlKemCiphertext<CT>) -> bool,
}

impl<const DK: usize, const EK: usize, const CT: usize> Libcrux<DK, EK, CT> {
    fn expand(&self, seed: &[u8; SEED]) -> SecretKey<DK, EK, CT> {
        let (key, public) = (self.generate)(*seed).into_parts();
        SecretKey {
            libcrux: *self,
            key: PrivateKey(key),
            public,
            seed: Some(SecretBytes::copy_of(seed)),
        }
    }

    fn read_expanded(&self, bytes: &[u8]) -> Option<SecretKey<DK, EK, CT>> {
        let key = PrivateKey(bytes.try_into().ok()?);
        // FIPS 203, Algorithm 16: dk_PKE ‖ ek ‖ H(ek) ‖ z.
        let (secret_vector, rest) = bytes.split_at_checked(DK - EK - 2 * LENGTH)?;
        let public = rest.get(..EK)?.try_into().ok()?;
        let valid = is_reduced(secret_vector)
            && (self.is_reduced)(&public)
            && (self.is_whole)(&key.0, &MlKemCiphertext::from([0; CT]));
        valid.then_some(SecretKey {
            libcrux: *self,
            key,
            public,
            seed: None,
        })
    }
}

impl<const DK: usize, const EK: usize, const CT: usize> Kem for Libcrux<DK, EK, CT> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut seed = Zeroizing::new([0; SEED]);
        rng.fill_bytes(&mut *seed);
        Ok(Box::new(self.expand(&seed)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let invalid = KemError::EncapsulationKeyInvalid;
        let key = MlKemPublicKey::<EK>::try_from(bytes).map_err(|_| invalid.clone())?;
        if !(self.is_reduced)(&key) {
            return Err(invalid);
        }
        Ok(Box::new(PublicKey {
            libcrux: *self,
            key,
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let invalid = KemError::DecapsulationKeyInvalid;
        match form {
            SecretForm::Seed(seed) => {
                let seed = seed.try_into().map_err(|_| invalid)?;
                Ok(Box::new(self.expand(seed)))
            }
            SecretForm::Expanded(bytes) => Ok(Box::new(self.read_expanded(bytes).ok_or(invalid)?)),
            _ => Err(KemError::FormUnsupported(form.kind())),
        }
    }
}

/// Whether every coefficient of an encoded vector is below q. A secret vector takes the same time
/// as any other, unless it is refused.
fn is_reduced(vector: &[u8]) -> bool {
    let (triples, _) = vector.as_chunks::<3>();
    triples.iter().all(|&[low, middle, high]| {
        let [low, middle, high] = [low, middle, high].map(u16::from);
        (low | (middle & 0xf) << 8) < Q && (middle >> 4 | high << 4) < Q
    })
}

struct PublicKey<const DK: usize, const EK: usize, const CT: usize> {
    libcrux: Libcrux<DK, EK, CT>,
    key: MlKemPublicKey<EK>,
}

impl<const DK: usize, const EK: usize, const CT: usize> Encapsulate for PublicKey<DK, EK, CT> {
    fn to_bytes(&self) -> Vec<u8> {
        self.key.as_slice().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let mut message = Zeroizing::new([0; LENGTH]);
        rng.fill_bytes(&mut *message);
        let (sent, secret) = (self.libcrux.encapsulate)(&self.key, *message);
        let secret = Zeroizing::new(secret);
        ciphertext.copy_from_slice(sent.as_slice());
        shared_secret.copy_from_slice(&*secret);
        Ok(())
    }
}

/// A private key of libcrux's, which does not wipe it.
struct PrivateKey<const DK: usize>(MlKemPrivateKey<DK>);

impl<const DK: usize> Drop for PrivateKey<DK> {
    fn drop(&mut self) {
        self.0[0..DK].zeroize();
    }
}

struct SecretKey<const DK: usize, const EK: usize, const CT: usize> {
    libcrux: Libcrux<DK, EK, CT>,
    key: PrivateKey<DK>,
    public: MlKemPublicKey<EK>,
    /// What the key was expanded from; a key read in expanded form has none.
    seed: Option<SecretBytes>,
}

impl<const DK: usize, const EK: usize, const CT: usize> Decapsulate for SecretKey<DK, EK, CT> {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.as_slice().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Expanded, _) => Ok(SecretBytes::copy_of(self.key.0.as_slice())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let ciphertext = ciphertext.try_into();
        let ciphertext = ciphertext.map_err(|_| KemError::CiphertextInvalid)?;
        let secret = Zeroizing::new((self.libcrux.decapsulate)(&self.key.0, &ciphertext));
        shared_secret.copy_from_slice(&*secret);
        Ok(())
    }
}
