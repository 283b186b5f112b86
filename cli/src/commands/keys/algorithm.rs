//! A KEM or a signature algorithm, where a command takes either.

use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, KemError};
use pqfw_framework::keys::{KeyImportError, PrivateKeyParts};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Registry, ResolveError};
use pqfw_framework::secret::{SecretBytes, SecretKind};
use pqfw_framework::signature::{AdmittedSignature, SignatureError, SigningKey};

use crate::error::CliError;
use crate::output::Output;

/// An admitted algorithm that has key pairs.
pub(super) enum Algorithm {
    Kem(AdmittedKem),
    Signature(AdmittedSignature),
}

/// A key pair in every form that it exists in.
pub(super) struct Pair {
    pub(super) secret: PrivateKeyParts,
    pub(super) public: Vec<u8>,
}

impl Algorithm {
    /// Resolves `id` or `id@provider`.
    pub(super) fn resolve(
        name: &str,
        registry: &Registry,
        output: &Output,
    ) -> Result<Self, CliError> {
        super::super::resolve(registry, output, |resolver| match resolver.kem(name) {
            Err(ResolveError::WrongKind {
                got: Kind::Signature,
                ..
            }) => resolver.signature(name).map(Self::Signature),
            other => other.map(Self::Kem),
        })
        .map_err(|error| error.during("a KEM or a signature algorithm has keys"))
    }

    pub(super) fn info(&self) -> &AlgorithmInfo {
        match self {
            Self::Kem(kem) => kem.info(),
            Self::Signature(signature) => signature.info(),
        }
    }

    pub(super) fn provider(&self) -> &ProviderInfo {
        match self {
            Self::Kem(kem) => kem.provider(),
            Self::Signature(signature) => signature.provider(),
        }
    }

    pub(super) fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Pair, CliError> {
        match self {
            Self::Kem(kem) => Ok(kem_pair(&kem.generate_storable(rng)?)?),
            Self::Signature(signature) => Ok(signature_pair(&signature.generate_storable(rng)?)?),
        }
    }

    /// Imports a private key after comparing whatever its file holds twice.
    pub(super) fn import(&self, parts: &PrivateKeyParts) -> Result<Pair, KeyImportError> {
        match self {
            Self::Kem(kem) => Ok(kem_pair(&kem.import_private_key(parts)?)?),
            Self::Signature(signature) => {
                Ok(signature_pair(&signature.import_private_key(parts)?)?)
            }
        }
    }

    /// Runs the specification's checks on a public key.
    pub(super) fn check_public(&self, public: &[u8]) -> Result<(), KeyImportError> {
        match self {
            Self::Kem(kem) => drop(kem.import_encapsulation_key(public)?),
            Self::Signature(signature) => drop(signature.import_verifying_key(public)?),
        }
        Ok(())
    }
}

fn kem_pair(key: &DecapsulationKey) -> Result<Pair, KemError> {
    let export = |kind| match key.export(kind) {
        Err(KemError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    };
    let (seed, expanded) = (export(SecretKind::Seed)?, export(SecretKind::Expanded)?);
    Ok(pair(seed, expanded, key.encapsulation_key()))
}

fn signature_pair(key: &SigningKey) -> Result<Pair, SignatureError> {
    let export = |kind| match key.export(kind) {
        Err(SignatureError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    };
    let (seed, expanded) = (export(SecretKind::Seed)?, export(SecretKind::Expanded)?);
    Ok(pair(seed, expanded, key.verifying_key()))
}

fn pair(seed: Option<SecretBytes>, expanded: Option<SecretBytes>, public: Vec<u8>) -> Pair {
    let secret = PrivateKeyParts {
        seed,
        expanded,
        public_key: Some(public.clone()),
    };
    Pair { secret, public }
}
