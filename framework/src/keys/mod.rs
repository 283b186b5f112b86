//! Key files: SubjectPublicKeyInfo and PKCS#8, in DER and PEM, plain and encrypted; fingerprints;
//! backups.
//!
//! ```text
//!  file ──▶ identify ──▶ what it is, whose, in which form
//!       └─▶ (decrypt_private) ──▶ private_from_file ──▶ PrivateKeyParts ──▶ import_private_key
//! ```
//!
//! Follows RFC 5280 (SPKI), RFC 5958 (PKCS#8 as OneAsymmetricKey), RFC 7468 (PEM), RFC 8018
//! (encryption), and for the private keys RFC 9935 (ML-KEM), RFC 9881 (ML-DSA), RFC 9909
//! (SLH-DSA), RFC 8410 (X25519, Ed25519) and RFC 5915 (named curves). Only DER is read: another
//! encoding of the same key is refused. Seeds are written where there is a seed and nobody asks for
//! another form.

pub mod backup;
mod cost;
mod encrypted;
mod error;
mod fingerprint;
mod identifier;
mod identify;
mod identity;
mod import;
mod kem_key;
mod parts;
mod pem;
mod private;
mod public;
mod short;
mod stored;
mod value;

pub use cost::{PBKDF2_MOST_ITERATIONS, SCRYPT_MOST_MEMORY_BYTES, SCRYPT_MOST_WORK};
pub use encrypted::{
    Encryption, PassphraseKdf, decrypt_private, encrypt_private, encrypted_der_to_pem,
};
pub use error::KeyCodecError;
pub use fingerprint::Fingerprint;
pub use identifier::identifier_content;
pub use identify::{Container, Content, Identified, Part, by_length, identify};
pub use identity::{IdentityError, identity_key, new_identity, stored_identity};
pub use import::KeyImportError;
pub use kem_key::{kem_key, new_kem_key, stored_kem_key};
pub use parts::{KeyLengths, PrivateKeyForm, PrivateKeyParts};
pub use private::{
    private_der_to_pem, private_from_file, private_pem_to_der, private_to_der, private_to_pem,
};
pub use public::{public_from_file, public_to_der, public_to_pem};
pub use short::short_vectors_are_in_range;
