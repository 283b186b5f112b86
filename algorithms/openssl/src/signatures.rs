//! ML-DSA (FIPS 204) and SLH-DSA (FIPS 205): pure, hedged with the caller's randomness, with
//! contexts.
//!
//! Of an expanded key of ML-DSA OpenSSL checks the coefficients of s1 and s2, and computes t0 and
//! tr again; only K may be any bytes. Of one of SLH-DSA it checks nothing until it is asked to,
//! which costs as much as a key generation; only SK.prf may be any bytes.

use std::ffi::CStr;

use openssl::error::ErrorStack;
use openssl::md_ctx::MdCtx;
use openssl::pkey::{PKey, Private, Public};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::evp::{self, Params};
use crate::message::joined;
use crate::provider;

/// FIPS 204 section 5.2 and FIPS 205 section 10.2.
const LONGEST_CONTEXT: usize = 255;

pub(crate) fn offer(mut plugin: Plugin) -> Plugin {
    let sets = [
        ParameterSet::ml_dsa(c"ML-DSA-44", 1312, 2560),
        ParameterSet::ml_dsa(c"ML-DSA-65", 1952, 4032),
        ParameterSet::ml_dsa(c"ML-DSA-87", 2592, 4896),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-128s", 16),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-128f", 16),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-192s", 24),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-192f", 24),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-256s", 32),
        ParameterSet::slh_dsa(c"SLH-DSA-SHA2-256f", 32),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-128s", 16),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-128f", 16),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-192s", 24),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-192f", 24),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-256s", 32),
        ParameterSet::slh_dsa(c"SLH-DSA-SHAKE-256f", 32),
    ];
    for set in sets {
        // OpenSSL has the names of the standards, as the catalogue has.
        let id = set.name.to_string_lossy();
        plugin = plugin.signature(&id, provider().native_context(), set);
    }
    plugin
}

/// A parameter set: OpenSSL's name, and lengths in bytes.
#[derive(Clone, Copy)]
struct ParameterSet {
    name: &'static CStr,
    family: Family,
    /// The seed of a key generation: ξ (FIPS 204), SK.seed ‖ SK.prf ‖ PK.seed (FIPS 205).
    seed: usize,
    /// The randomness of a signature: rnd (FIPS 204), addrnd (FIPS 205).
    randomizer: usize,
    verifying_key: usize,
    signing_key: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    MlDsa,
    SlhDsa,
}

impl ParameterSet {
    const fn ml_dsa(name: &'static CStr, verifying_key: usize, signing_key: usize) -> Self {
        Self {
            name,
            family: Family::MlDsa,
            seed: 32,
            randomizer: 32,
            verifying_key,
            signing_key,
        }
    }

    /// FIPS 205, Algorithms 18 and 21: all follows from n.
    const fn slh_dsa(name: &'static CStr, n: usize) -> Self {
        Self {
            name,
            family: Family::SlhDsa,
            seed: 3 * n,
            randomizer: n,
            verifying_key: 2 * n,
            signing_key: 4 * n,
        }
    }

    fn private(self, key: PKey<Private>) -> Result<Box<dyn Sign>, SignatureError> {
        let mut verifying_key = vec![0; self.verifying_key];
        evp::octets(&key, c"pub", &mut verifying_key)
            .map_err(|_| SignatureError::ProviderFailed)?;
        Ok(Box::new(SecretKey {
            set: self,
            key,
            verifying_key,
        }))
    }

    fn read_expanded(self, bytes: &[u8]) -> Result<PKey<Private>, ErrorStack> {
        let key = evp::private_key(self.name, Params::new().octets(c"priv", bytes))?;
        if self.family == Family::SlhDsa {
            evp::check_pair(&key)?;
        }
        Ok(key)
    }
}

impl Signature for ParameterSet {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(self.seed);
        rng.fill_bytes(seed.expose_mut());
        let key = evp::from_seed(self.name, seed.expose());
        self.private(key.map_err(|_| SignatureError::ProviderFailed)?)
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let invalid = SignatureError::SigningKeyInvalid;
        let key = match form {
            // OpenSSL takes an empty seed for none, and draws its own.
            SecretForm::Seed(seed) if seed.len() == self.seed => evp::from_seed(self.name, seed),
            SecretForm::Seed(_) => return Err(invalid),
            SecretForm::Expanded(bytes) => self.read_expanded(bytes),
            _ => return Err(SignatureError::FormUnsupported(form.kind())),
        };
        self.private(key.map_err(|_| invalid)?)
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 204, Algorithm 23, and FIPS 205 section 9.1: every string of the right length is a
        // public key.
        let key = evp::public_key(self.name, Params::new().octets(c"pub", bytes));
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        let bytes = bytes.to_vec();
        Ok(Box::new(PublicKey { key, bytes }))
    }
}

struct SecretKey {
    set: ParameterSet,
    /// Held by OpenSSL, which wipes it; one of ML-DSA with its seed, if it was made of one.
    key: PKey<Private>,
    verifying_key: Vec<u8>,
}

impl SecretKey {
    fn sign_with(
        &self,
        randomizer: &[u8],
        message: &[u8],
        context: &[u8],
    ) -> Result<Vec<u8>, ErrorStack> {
        let mut operation = MdCtx::new()?;
        let parameters = operation.digest_sign_init(None, &self.key)?;
        let params = Params::new().octets(c"test-entropy", randomizer);
        evp::set(parameters, with_context(params, context))?;
        let mut signature = vec![0; self.key.size()];
        let length = operation.digest_sign(message, Some(&mut signature))?;
        signature.truncate(length);
        Ok(signature)
    }
}

impl Sign for SecretKey {
    fn verifying_key(&self) -> Vec<u8> {
        self.verifying_key.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let unsupported = SignatureError::FormUnsupported(kind);
        let (part, length) = match (kind, self.set.family) {
            (SecretKind::Expanded, _) => (c"priv", self.set.signing_key),
            (SecretKind::Seed, Family::MlDsa) => (c"seed", self.set.seed),
            // FIPS 205, Algorithm 18: a private key begins with its seed.
            (SecretKind::Seed, Family::SlhDsa) => {
                let key = self.export(SecretKind::Expanded)?;
                let seed = key.expose().get(..self.set.seed).ok_or(unsupported)?;
                return Ok(SecretBytes::copy_of(seed));
            }
            _ => return Err(unsupported),
        };
        let mut bytes = SecretBytes::zeroed(length);
        evp::octets(&self.key, part, bytes.expose_mut()).map_err(|_| unsupported)?;
        Ok(bytes)
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        refuse_long(context)?;
        let mut randomizer = SecretBytes::zeroed(self.set.randomizer);
        rng.fill_bytes(randomizer.expose_mut());
        let signature = self.sign_with(randomizer.expose(), &joined(message), context);
        signature.map_err(|_| SignatureError::ProviderFailed)
    }
}

struct PublicKey {
    key: PKey<Public>,
    bytes: Vec<u8>,
}

impl PublicKey {
    fn accepts(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<bool, ErrorStack> {
        let mut operation = MdCtx::new()?;
        let parameters = operation.digest_verify_init(None, &self.key)?;
        evp::set(parameters, with_context(Params::new(), context))?;
        operation.digest_verify(message, signature)
    }
}

impl Verify for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_long(context)?;
        match self.accepts(&joined(message), context, signature) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(SignatureError::Rejected),
        }
    }
}

fn with_context<'a>(params: Params<'a>, context: &'a [u8]) -> Params<'a> {
    if context.is_empty() {
        params
    } else {
        params.octets(c"context-string", context)
    }
}

fn refuse_long(context: &[u8]) -> Result<(), SignatureError> {
    if context.len() > LONGEST_CONTEXT {
        return Err(SignatureError::ContextTooLong(context.len()));
    }
    Ok(())
}
