//! The framework's signature over any signature algorithm of liboqs.

mod falcon;
mod module_lattice;

use std::borrow::Cow;
use std::sync::Arc;

use ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use oqs::sig::{Algorithm, Sig as Scheme};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

/// What liboqs does not check of a key's content.
#[derive(Clone, Copy)]
struct Checks {
    /// Whether bytes of the right length are a public key.
    is_public_key: fn(&[u8]) -> bool,
    /// The public key of a private key; `None` when that is damaged, as far as it shows.
    public_key: fn(&[u8]) -> Option<Vec<u8>>,
}

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let plugin = offer_ml_dsa(plugin);
    let plugin = offer_dilithium(plugin);
    let plugin = offer_sphincs_plus(plugin);
    plugin
        .signature(
            "Falcon-512",
            super::doubtful(),
            Liboqs::new(Algorithm::Falcon512, falcon::CHECKS_512),
        )
        .signature(
            "Falcon-1024",
            super::doubtful(),
            Liboqs::new(Algorithm::Falcon1024, falcon::CHECKS_1024),
        )
}

fn offer_ml_dsa(plugin: Plugin) -> Plugin {
    let sets = [
        (
            "ML-DSA-44",
            Algorithm::MlDsa44,
            module_lattice::ml_dsa::<MlDsa44>(),
        ),
        (
            "ML-DSA-65",
            Algorithm::MlDsa65,
            module_lattice::ml_dsa::<MlDsa65>(),
        ),
        (
            "ML-DSA-87",
            Algorithm::MlDsa87,
            module_lattice::ml_dsa::<MlDsa87>(),
        ),
    ];
    sets.into_iter()
        .fold(plugin, |plugin, (id, algorithm, checks)| {
            let code = Liboqs::new(algorithm, checks);
            plugin.signature(id, super::claimed().native_context(), code)
        })
}

fn offer_dilithium(plugin: Plugin) -> Plugin {
    let sets = [
        (
            "Dilithium2",
            Algorithm::Dilithium2,
            module_lattice::dilithium::<MlDsa44>(),
        ),
        (
            "Dilithium3",
            Algorithm::Dilithium3,
            module_lattice::dilithium::<MlDsa65>(),
        ),
        (
            "Dilithium5",
            Algorithm::Dilithium5,
            module_lattice::dilithium::<MlDsa87>(),
        ),
    ];
    sets.into_iter()
        .fold(plugin, |plugin, (id, algorithm, checks)| {
            plugin.signature(id, super::claimed(), Liboqs::new(algorithm, checks))
        })
}

fn offer_sphincs_plus(plugin: Plugin) -> Plugin {
    // SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root ends with the public key. That the root follows from
    // the rest cannot be checked: liboqs has no way to compute it but from fresh random bytes.
    let checks = Checks {
        is_public_key: |_| true,
        public_key: |secret| secret.get(secret.len() / 2..).map(<[u8]>::to_vec),
    };
    let sets = [
        ("SHA2-128s", Algorithm::SphincsSha2128sSimple),
        ("SHA2-128f", Algorithm::SphincsSha2128fSimple),
        ("SHA2-192s", Algorithm::SphincsSha2192sSimple),
        ("SHA2-192f", Algorithm::SphincsSha2192fSimple),
        ("SHA2-256s", Algorithm::SphincsSha2256sSimple),
        ("SHA2-256f", Algorithm::SphincsSha2256fSimple),
        ("SHAKE-128s", Algorithm::SphincsShake128sSimple),
        ("SHAKE-128f", Algorithm::SphincsShake128fSimple),
        ("SHAKE-192s", Algorithm::SphincsShake192sSimple),
        ("SHAKE-192f", Algorithm::SphincsShake192fSimple),
        ("SHAKE-256s", Algorithm::SphincsShake256sSimple),
        ("SHAKE-256f", Algorithm::SphincsShake256fSimple),
    ];
    sets.into_iter().fold(plugin, |plugin, (set, algorithm)| {
        let id = format!("SPHINCS+-{set}-simple");
        plugin.signature(&id, super::doubtful(), Liboqs::new(algorithm, checks))
    })
}

/// One signature algorithm of liboqs.
struct Liboqs {
    /// Absent when the liboqs that is linked was built without the algorithm: then every operation
    /// fails, and the admission gate with them.
    scheme: Option<Arc<Scheme>>,
    checks: Checks,
}

impl Liboqs {
    fn new(algorithm: Algorithm, checks: Checks) -> Self {
        let scheme = Scheme::new(algorithm).ok().map(Arc::new);
        Self { scheme, checks }
    }

    fn scheme(&self) -> Result<&Arc<Scheme>, SignatureError> {
        self.scheme.as_ref().ok_or(SignatureError::ProviderFailed)
    }
}

fn failed(_: oqs::Error) -> SignatureError {
    SignatureError::ProviderFailed
}

impl Signature for Liboqs {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let scheme = self.scheme()?;
        let (public, key) = scheme.keypair().map_err(failed)?;
        Ok(Box::new(Signer {
            scheme: scheme.clone(),
            key: SecretBytes::own(key.into_vec()),
            public: public.into_vec(),
        }))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let scheme = self.scheme()?;
        let right_length = bytes.len() == scheme.length_secret_key();
        let public = right_length.then(|| (self.checks.public_key)(bytes));
        let public = public.flatten().ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(Signer {
            scheme: scheme.clone(),
            key: SecretBytes::copy_of(bytes),
            public,
        }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let scheme = self.scheme()?;
        let right_length = bytes.len() == scheme.length_public_key();
        if !right_length || !(self.checks.is_public_key)(bytes) {
            return Err(SignatureError::VerifyingKeyInvalid);
        }
        Ok(Box::new(Verifier {
            scheme: scheme.clone(),
            bytes: bytes.to_vec(),
        }))
    }
}

struct Signer {
    scheme: Arc<Scheme>,
    key: SecretBytes,
    public: Vec<u8>,
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.key.expose())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        check_context(&self.scheme, context)?;
        let key = self.scheme.secret_key_from_bytes(self.key.expose());
        let key = key.ok_or(SignatureError::ProviderFailed)?;
        let message = joined(message);
        let signature = if context.is_empty() {
            self.scheme.sign(&message, key)
        } else {
            self.scheme.sign_with_ctx_str(&message, context, key)
        };
        Ok(signature.map_err(failed)?.into_vec())
    }
}

struct Verifier {
    scheme: Arc<Scheme>,
    bytes: Vec<u8>,
}

impl Verify for Verifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        check_context(&self.scheme, context)?;
        let key = self.scheme.public_key_from_bytes(&self.bytes);
        let key = key.ok_or(SignatureError::ProviderFailed)?;
        let signature = self.scheme.signature_from_bytes(signature);
        let signature = signature.ok_or(SignatureError::Rejected)?;
        let message = joined(message);
        let verdict = if context.is_empty() {
            self.scheme.verify(&message, signature, key)
        } else {
            self.scheme
                .verify_with_ctx_str(&message, signature, context, key)
        };
        verdict.map_err(|_| SignatureError::Rejected)
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

fn check_context(scheme: &Scheme, context: &[u8]) -> Result<(), SignatureError> {
    match context.len() {
        0 => Ok(()),
        _ if !scheme.has_ctx_str_support() => Err(SignatureError::ContextUnsupported),
        // FIPS 204 section 5.2.
        1..=255 => Ok(()),
        longer => Err(SignatureError::ContextTooLong(longer)),
    }
}
