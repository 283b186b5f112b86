//! What can be wrong with a key file.

use thiserror::Error;

use super::PrivateKeyForm;

/// A key file that cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyCodecError {
    /// The caller's fault: the algorithm has no object identifier, so no key file can name it.
    #[error("{0} has no object identifier; use the raw form")]
    NoIdentifier(String),
    /// The file's fault: it is not PEM with the expected label.
    #[error("not a PEM file with the label `{0}`")]
    Pem(&'static str),
    /// The file's fault: its DER is not what the format asks for.
    #[error("the DER inside is not a {0}")]
    Der(&'static str),
    /// The file's fault: it is no key file of any kind.
    #[error("not a key file: {0}")]
    Unrecognised(String),
    /// The file's or caller's fault: a key of another algorithm.
    #[error("the file holds a key with the identifier {got}; {expected} is {identifier}")]
    WrongAlgorithm {
        /// The identifier in the file.
        got: String,
        /// The algorithm that was asked for.
        expected: String,
        /// Its identifier.
        identifier: String,
    },
    /// The file's fault: the public key stands in it twice, and not the same.
    #[error("the file holds two public keys that differ; restore it from a backup")]
    PublicKeysDiffer,
    /// The caller's fault: there is nothing to write.
    #[error("there is no private key to write")]
    Empty,
    /// The caller's fault: the key cannot be written in this form.
    #[error("{algorithm}: no {form} form can be written: {reason}")]
    FormUnavailable {
        /// The algorithm.
        algorithm: String,
        /// The form that was asked for.
        form: PrivateKeyForm,
        /// Why there is none.
        reason: &'static str,
    },
    /// The caller's fault: an encrypted file was given where a plain one is read.
    #[error("the private key is encrypted; give its passphrase")]
    Encrypted,
    /// The caller's fault: a file that is not encrypted was given with a passphrase.
    #[error("the private key is not encrypted; leave the passphrase out")]
    NotEncrypted,
    /// The caller's fault: an empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The caller's or the file's fault: which of the two cannot be told apart.
    #[error("the passphrase is wrong, or the file is damaged")]
    Passphrase,
    /// The file's fault: it is encrypted in a way that is not read here.
    #[error("the private key is encrypted with {0}, which is not read here; encrypt it anew")]
    Encryption(String),
    /// The file's fault: opening it would take more time or memory than any honest file asks for.
    #[error("opening the file asks for {asked}; the most that is done is {limit}")]
    PassphraseCost {
        /// What the file asks for.
        asked: String,
        /// The limit.
        limit: String,
    },
}
