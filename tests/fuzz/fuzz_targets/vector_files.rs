//! Any bytes are a file of vectors or an error; what was read runs on any code, and each check of
//! each case is counted.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::kdf::{Kdf, KdfError};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use pqfw_framework::vectors::{self, VectorFile};

/// Code for every row: the real one for AEADs, and for the others code that accepts everything.
static CODE: LazyLock<Vec<(AlgorithmInfo, ProviderInfo, Code)>> = LazyLock::new(|| {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .build()
        .expect("one plugin");
    let real = registry.entries().map(|e| {
        (
            (**e.info()).clone(),
            (**e.provider()).clone(),
            e.code().clone(),
        )
    });
    let toys = registry.rows().filter_map(|row| {
        let code = match row.kind() {
            Kind::Kem => Code::Kem(Arc::new(Toy)),
            Kind::Signature => Code::Signature(Arc::new(Toy)),
            Kind::Kdf => Code::Kdf(Arc::new(Toy)),
            _ => return None,
        };
        Some(((**row).clone(), ProviderInfo::new("toy", "1"), code))
    });
    real.chain(toys).collect()
});

fuzz_target!(|bytes: &[u8]| {
    // A zero byte, which is in no JSON, parts the halves of a pair.
    let file = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => vectors::parse_pair(&bytes[..at], &bytes[at + 1..]),
        None => vectors::parse(bytes),
    };
    match file {
        Ok(file) => run(&file),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn run(file: &VectorFile) {
    for (info, provider, code) in CODE.iter() {
        let tally = vectors::run(file, info, provider, code);
        let ran = tally.passed
            + tally.failed.len()
            + tally.acceptable.accepted
            + tally.acceptable.refused;
        let not: usize = tally.not_applicable.values().sum();
        assert!(tally.applied <= tally.cases && tally.applied <= ran);
        assert!((tally.cases..=2 * tally.cases).contains(&(ran + not)));
    }
}

struct Toy;

impl Kem for Toy {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        rng.fill_bytes(&mut [0; 64]);
        Ok(Box::new(Toy))
    }

    fn import_encapsulation_key(&self, _: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        Ok(Box::new(Toy))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        match form.kind() {
            SecretKind::Seed => Err(KemError::FormUnsupported(SecretKind::Seed)),
            _ => Ok(Box::new(Toy)),
        }
    }
}

impl Encapsulate for Toy {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        _: &mut [u8],
        _: &mut [u8],
    ) -> Result<(), KemError> {
        rng.fill_bytes(&mut [0; 32]);
        Ok(())
    }
}

impl Decapsulate for Toy {
    fn encapsulation_key(&self) -> Vec<u8> {
        Vec::new()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        Err(KemError::FormUnsupported(kind))
    }

    fn decapsulate(&self, _: &[u8], _: &mut [u8]) -> Result<(), KemError> {
        Ok(())
    }
}

impl Signature for Toy {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        rng.fill_bytes(&mut [0; 32]);
        Ok(Box::new(Toy))
    }

    fn import_signing_key(&self, _: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        Ok(Box::new(Toy))
    }

    fn import_verifying_key(&self, _: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        Ok(Box::new(Toy))
    }
}

impl Sign for Toy {
    fn verifying_key(&self) -> Vec<u8> {
        Vec::new()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        Err(SignatureError::FormUnsupported(kind))
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        _: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        match context {
            [] => Ok(Vec::new()),
            _ => Err(SignatureError::ContextUnsupported),
        }
    }
}

impl Verify for Toy {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn verify(&self, _: &[&[u8]], _: &[u8], _: &[u8]) -> Result<(), SignatureError> {
        Ok(())
    }
}

impl Kdf for Toy {
    fn extract(&self, _: &[u8], _: &[u8], _: &mut [u8]) -> Result<(), KdfError> {
        Ok(())
    }

    fn expand(&self, _: &[u8], _: &[&[u8]], _: &mut [u8]) -> Result<(), KdfError> {
        Ok(())
    }
}
