//! Private keys under a passphrase: EncryptedPrivateKeyInfo of RFC 5958 section 3, with PBES2 of
//! RFC 8018 section 6.2.
//!
//! Written is AES-256-CBC, which every OpenSSL reads, under scrypt (RFC 7914) or PBKDF2 with
//! HMAC-SHA-256. AES-CBC has no tag: a wrong passphrase shows by what does not parse afterwards,
//! and somebody who can write the file can garble the key; importing it shows that, as far as the
//! algorithm's own checks do. The passphrase's work is PKCS #5's code, `docs/decisions/0006`.

use std::fmt;

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, Encode, Error, Reader, SliceReader};
use pkcs8::pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf};
use pkcs8::pkcs5::{self, scrypt};
use pkcs8::{AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{KeyCodecError, cost, pem};
use crate::secret::SecretBytes;

const KIND: &str = "EncryptedPrivateKeyInfo";
const SALT_BYTES: usize = 16;
const AES_BLOCK_BYTES: usize = 16;

/// One of the settings that the OWASP cheat sheet on password storage holds for equal, and the one
/// that stays below the 32 MiB which OpenSSL grants scrypt.
const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 5;
/// The same cheat sheet, for PBKDF2 with HMAC-SHA-256.
const PBKDF2_ITERATIONS: u32 = 600_000;

/// How a passphrase becomes a key, in what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassphraseKdf {
    /// scrypt with N = 2^14, r = 8, p = 5: a guess costs memory as well as time.
    #[default]
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256, 600 000 times: where FIPS 140 modules must read the file.
    Pbkdf2HmacSha256,
}

/// How a file says it is encrypted, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// The KDF with its cost.
    pub kdf: String,
    /// The cipher.
    pub cipher: String,
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under {}", self.cipher, self.kdf)
    }
}

/// Encrypts what [`private_to_der`](super::private_to_der) wrote, as DER. Salt and initialisation
/// vector come from `rng`.
///
/// # Errors
/// [`KeyCodecError::EmptyPassphrase`]; [`KeyCodecError::Der`] when `der` is no private key.
pub fn encrypt_private(
    der: &SecretBytes,
    passphrase: &SecretBytes,
    kdf: PassphraseKdf,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyCodecError> {
    if passphrase.is_empty() {
        return Err(KeyCodecError::EmptyPassphrase);
    }
    PrivateKeyInfoRef::from_der(der.expose()).map_err(|_| KeyCodecError::Der("PrivateKeyInfo"))?;
    let failed = |error: pkcs5::Error| KeyCodecError::Encryption(error.to_string());
    let (mut salt, mut iv) = ([0; SALT_BYTES], [0; AES_BLOCK_BYTES]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut iv);
    let parameters = match kdf {
        PassphraseKdf::Scrypt => {
            let cost = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P);
            let cost = cost.map_err(|error| KeyCodecError::Encryption(error.to_string()))?;
            Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
        }
        PassphraseKdf::Pbkdf2HmacSha256 => {
            Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, iv)
        }
    };
    let parameters = parameters.map_err(failed)?;
    // In place, with room for the padding: no copy of the key is left behind.
    let mut buffer = SecretBytes::zeroed(der.len() + AES_BLOCK_BYTES);
    let (front, _) = buffer.expose_mut().split_at_mut(der.len());
    front.copy_from_slice(der.expose());
    let sealed = parameters.encrypt_in_place(passphrase.expose(), buffer.expose_mut(), der.len());
    let not_der = |_| KeyCodecError::Der(KIND);
    let file = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.clone().into(),
        encrypted_data: OctetStringRef::new(sealed.map_err(failed)?).map_err(not_der)?,
    };
    file.to_der().map_err(not_der)
}

/// Puts what [`encrypt_private`] wrote into PEM.
///
/// # Errors
/// [`KeyCodecError::Pem`] for what no file holds.
pub fn encrypted_der_to_pem(der: &[u8]) -> Result<Zeroizing<String>, KeyCodecError> {
    pem::write(pem::ENCRYPTED, der)
}

/// Decrypts a file, PEM or DER, to the DER that [`private_from_file`](super::private_from_file)
/// and [`identify`](super::identify) read.
///
/// # Errors
/// [`KeyCodecError::Passphrase`]; [`KeyCodecError::PassphraseCost`], before any work is done;
/// [`KeyCodecError::Encryption`] for an unknown scheme; [`KeyCodecError::NotEncrypted`] and other
/// faults of the file.
pub fn decrypt_private(
    file: &[u8],
    passphrase: &SecretBytes,
) -> Result<SecretBytes, KeyCodecError> {
    let der = pem::open_labelled(file, pem::ENCRYPTED)?;
    let Some((algorithm, sealed)) = outer(&der) else {
        let plain = PrivateKeyInfoRef::from_der(&der).is_ok();
        return Err(if plain {
            KeyCodecError::NotEncrypted
        } else {
            KeyCodecError::Der(KIND)
        });
    };
    let scheme = scheme(&algorithm)?;
    cost::check(&scheme.kdf)?;
    let mut buffer = SecretBytes::copy_of(sealed);
    let opened = scheme.decrypt_in_place(passphrase.expose(), buffer.expose_mut());
    let opened = opened.map_err(|error| match error {
        pkcs5::Error::DecryptFailed => KeyCodecError::Passphrase,
        other => KeyCodecError::Encryption(other.to_string()),
    })?;
    // A wrong passphrase gives good padding once in 256 times.
    PrivateKeyInfoRef::from_der(opened).map_err(|_| KeyCodecError::Passphrase)?;
    Ok(SecretBytes::copy_of(opened))
}

/// Whether DER is an EncryptedPrivateKeyInfo, by whatever scheme.
pub(super) fn is_encrypted(der: &[u8]) -> bool {
    outer(der).is_some()
}

/// How an EncryptedPrivateKeyInfo is encrypted.
pub(super) fn describe(der: &[u8]) -> Result<Encryption, KeyCodecError> {
    let (algorithm, _) = outer(der).ok_or(KeyCodecError::Der(KIND))?;
    let Ok(scheme) = scheme(&algorithm) else {
        return Ok(Encryption {
            kdf: "an unknown key derivation".into(),
            cipher: algorithm.oid.to_string(),
        });
    };
    let kdf = match &scheme.kdf {
        Kdf::Pbkdf2(Pbkdf2Params {
            iteration_count,
            prf,
            ..
        }) => format!("PBKDF2-{} i={iteration_count}", prf_name(*prf)),
        Kdf::Scrypt(cost) => format!(
            "scrypt N={} r={} p={}",
            cost.cost_parameter, cost.block_size, cost.parallelization
        ),
        other => other.oid().to_string(),
    };
    let cipher = match scheme.encryption {
        EncryptionScheme::Aes128Cbc { .. } => "AES-128-CBC".into(),
        EncryptionScheme::Aes192Cbc { .. } => "AES-192-CBC".into(),
        EncryptionScheme::Aes256Cbc { .. } => "AES-256-CBC".into(),
        EncryptionScheme::Aes128Gcm { .. } => "AES-128-GCM".into(),
        EncryptionScheme::Aes256Gcm { .. } => "AES-256-GCM".into(),
        other => other.oid().to_string(),
    };
    Ok(Encryption { kdf, cipher })
}

fn prf_name(prf: Pbkdf2Prf) -> &'static str {
    match prf {
        Pbkdf2Prf::HmacWithSha1 => "HMAC-SHA1",
        Pbkdf2Prf::HmacWithSha224 => "HMAC-SHA224",
        Pbkdf2Prf::HmacWithSha256 => "HMAC-SHA256",
        Pbkdf2Prf::HmacWithSha384 => "HMAC-SHA384",
        Pbkdf2Prf::HmacWithSha512 => "HMAC-SHA512",
        _ => "another HMAC",
    }
}

/// `SEQUENCE { AlgorithmIdentifier, OCTET STRING }`, to its last byte.
fn outer(der: &[u8]) -> Option<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der).ok()?;
    let both = reader.sequence(|fields| {
        let algorithm = AlgorithmIdentifierRef::decode(fields)?;
        let sealed = <&OctetStringRef>::decode(fields)?;
        Ok::<_, Error>((algorithm, sealed.as_bytes()))
    });
    let both = both.ok()?;
    reader.finish().ok()?;
    Some(both)
}

/// PBES2 with parameters that are known; PBES1 and the PKCS #12 schemes are too weak to be read.
fn scheme(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Parameters, KeyCodecError> {
    let unknown = || KeyCodecError::Encryption(format!("the scheme {}", algorithm.oid));
    match pkcs5::EncryptionScheme::try_from(*algorithm) {
        Ok(pkcs5::EncryptionScheme::Pbes2(parameters)) => Ok(parameters),
        Ok(_) | Err(_) => Err(unknown()),
    }
}
