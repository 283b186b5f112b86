//! Several KEMs as one.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::label;
use crate::catalogue::KemSizes;
use crate::hash::AdmittedHash;
use crate::kem::{
    AdmittedKem, Decapsulate, DecapsulationKey, Encapsulate, EncapsulationKey, Kem, KemError,
};
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// The code of a hybrid KEM: the parts, and the combiner.
pub(crate) struct HybridKem {
    parts: Arc<[AdmittedKem]>,
    combiner: Combiner,
    shake256: AdmittedHash,
}

/// The universal combiner of the CFRG hybrid-KEM draft:
/// SHA3-256(ss₁ ‖ … ‖ ssₙ ‖ ct₁ ‖ … ‖ ctₙ ‖ ek₁ ‖ … ‖ ekₙ ‖ label).
#[derive(Clone)]
struct Combiner {
    sha3_256: AdmittedHash,
    label: Arc<[u8]>,
}

impl Combiner {
    fn combine(&self, secrets: &[SecretBytes], ct: &[u8], ek: &[u8], output: &mut [u8]) {
        let mut state = self.sha3_256.start();
        for secret in secrets {
            state.update(secret.expose());
        }
        state.update(ct);
        state.update(ek);
        state.update(&self.label);
        state.finish(output);
    }
}

impl HybridKem {
    pub(crate) fn new(
        name: &str,
        parts: Vec<AdmittedKem>,
        sha3_256: AdmittedHash,
        shake256: AdmittedHash,
    ) -> Self {
        let combiner = Combiner {
            sha3_256,
            label: label(name).into(),
        };
        Self {
            parts: parts.into(),
            combiner,
            shake256,
        }
    }

    fn private(&self, parts: Vec<DecapsulationKey>, seed: Option<&[u8]>) -> PrivateKey {
        let keys = parts.iter().map(DecapsulationKey::encapsulation_key);
        PrivateKey {
            encapsulation_key: keys.collect::<Vec<_>>().concat(),
            parts,
            combiner: self.combiner.clone(),
            seed: seed.map(SecretBytes::copy_of),
        }
    }
}

impl Kem for HybridKem {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let parts = self.parts.iter().map(|part| part.generate(rng));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok(Box::new(self.private(parts, None)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let mut rest = bytes;
        let mut keys = Vec::new();
        for part in &*self.parts {
            let invalid = KemError::EncapsulationKeyInvalid;
            let (key, tail) = rest
                .split_at_checked(part.sizes().encapsulation_key)
                .ok_or(invalid)?;
            keys.push(part.import_encapsulation_key(key)?);
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(KemError::EncapsulationKeyInvalid);
        }
        Ok(Box::new(PublicKey {
            sizes: self.parts.iter().map(|part| *part.sizes()).collect(),
            parts: keys,
            bytes: bytes.to_vec(),
            combiner: self.combiner.clone(),
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut keys = Vec::new();
        match form {
            SecretForm::Seed(seed) => {
                for part in &*self.parts {
                    let unsupported = KemError::FormUnsupported(SecretKind::Seed);
                    let length = part.sizes().seed.ok_or(unsupported)?;
                    let own = super::expand_seed(&self.shake256, seed, &part.info().id, length);
                    keys.push(part.import_decapsulation_key(SecretForm::Seed(own.expose()))?);
                }
                Ok(Box::new(self.private(keys, Some(seed))))
            }
            SecretForm::Expanded(bytes) => {
                let mut rest = bytes;
                for part in &*self.parts {
                    let invalid = KemError::DecapsulationKeyInvalid;
                    let (key, tail) = rest
                        .split_at_checked(part.sizes().decapsulation_key)
                        .ok_or(invalid)?;
                    keys.push(part.import_decapsulation_key(SecretForm::Expanded(key))?);
                    rest = tail;
                }
                if !rest.is_empty() {
                    return Err(KemError::DecapsulationKeyInvalid);
                }
                Ok(Box::new(self.private(keys, None)))
            }
        }
    }
}

struct PublicKey {
    parts: Vec<EncapsulationKey>,
    sizes: Vec<KemSizes>,
    bytes: Vec<u8>,
    combiner: Combiner,
}

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let mut secrets = Vec::new();
        let mut rest = &mut *ciphertext;
        for (part, sizes) in self.parts.iter().zip(&self.sizes) {
            let (own, tail) = rest
                .split_at_mut_checked(sizes.ciphertext)
                .ok_or(KemError::ProviderFailed)?;
            let mut secret = SecretBytes::zeroed(sizes.shared_secret);
            part.encapsulate_into(rng, own, secret.expose_mut())?;
            secrets.push(secret);
            rest = tail;
        }
        self.combiner
            .combine(&secrets, ciphertext, &self.bytes, shared_secret);
        Ok(())
    }
}

struct PrivateKey {
    parts: Vec<DecapsulationKey>,
    encapsulation_key: Vec<u8>,
    combiner: Combiner,
    seed: Option<SecretBytes>,
}

impl Decapsulate for PrivateKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.encapsulation_key.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Seed, None) => Err(KemError::FormUnsupported(kind)),
            (SecretKind::Expanded, _) => {
                let parts = self.parts.iter().map(|part| part.export(kind));
                Ok(super::concatenated(&parts.collect::<Result<Vec<_>, _>>()?))
            }
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let mut rest = ciphertext;
        let mut outcomes = Vec::new();
        for part in &self.parts {
            let (own, tail) = rest
                .split_at_checked(part.sizes().ciphertext)
                .ok_or(KemError::CiphertextInvalid)?;
            // Every leg runs before any of them is asked how it went.
            outcomes.push(part.decapsulate(own));
            rest = tail;
        }
        let secrets = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.combiner
            .combine(&secrets, ciphertext, &self.encapsulation_key, shared_secret);
        Ok(())
    }
}
