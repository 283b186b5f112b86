//! The keys of a node in files: one of the signature, one of the KEM, and the statement that they
//! follow others.
//!
//! `rotate` makes new keys that follow those which are there. The former stay beside them under
//! `former-NAME`, for an operator who has to go back; the node does not read them.

use pqfw_framework::keys;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use thiserror::Error;

use crate::identity::{Identity, IdentityError, Rotation};
use crate::peer_id::PeerId;
use crate::suites::Suites;

/// The names of a node's key files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNames {
    /// The signature's key.
    pub signature: String,
    /// The KEM's key.
    pub kem: String,
}

/// Keys that cannot be had.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// The machine's or operator's fault, or a provider's: a key file.
    #[error(transparent)]
    Keys(#[from] keys::IdentityError),
    /// The machine's or operator's fault: another file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The keys make no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The operator's fault: a statement that is not about these keys.
    #[error("{0} is no rotation statement for these keys; remove it, or restore it")]
    Statement(String),
    /// The operator's fault: there is nothing that new keys could follow.
    #[error("there are no keys in {0} yet; a node makes them when it starts, or `vpn keys make`")]
    Nothing(String),
}

/// The identity in the files, made where there is none; the second value says so.
///
/// # Errors
/// [`KeyringError`]. A file that is there and cannot be read is never replaced.
pub fn identity(
    files: &dyn KeyFiles,
    names: &KeyNames,
    suites: &Suites,
    rng: &mut dyn CryptoRng,
) -> Result<(Identity, bool), KeyringError> {
    let suite = &suites.first().suite;
    let (signing, made_one) = keys::identity_key(files, &names.signature, &suite.signature, rng)?;
    let (kem, made_other) = keys::kem_key(files, &names.kem, &suite.kem, rng)?;
    let identity = Identity::new(suites, signing, kem)?;
    let name = statement_name(identity.id());
    let Some(bytes) = files.read(&name)? else {
        return Ok((identity, made_one || made_other));
    };
    let statement = Rotation::of_file(bytes.expose(), suite, identity.id());
    let wrong = || KeyringError::Statement(format!("{}/{name}", files.describe()));
    let identity = identity.following(statement.ok_or_else(wrong)?)?;
    Ok((identity, false))
}

/// The identity in the files; makes nothing.
///
/// # Errors
/// [`KeyringError::Nothing`] and all others.
pub fn stored(
    files: &dyn KeyFiles,
    names: &KeyNames,
    suites: &Suites,
) -> Result<Identity, KeyringError> {
    let suite = &suites.first().suite;
    let nothing = || KeyringError::Nothing(files.describe());
    let signing = keys::stored_identity(files, &names.signature, &suite.signature)?;
    let kem = keys::stored_kem_key(files, &names.kem, &suite.kem)?;
    let identity = Identity::new(
        suites,
        signing.ok_or_else(nothing)?,
        kem.ok_or_else(nothing)?,
    );
    Ok(identity?)
}

/// Makes new keys that follow those in the files, and says who they were and are.
///
/// # Errors
/// [`KeyringError`]; then the files are as they were, or the former keys are under `former-NAME`.
pub fn rotate(
    files: &dyn KeyFiles,
    names: &KeyNames,
    suites: &Suites,
    rng: &mut dyn CryptoRng,
) -> Result<(PeerId, PeerId), KeyringError> {
    let suite = &suites.first().suite;
    let former = stored(files, names, suites)?;
    for name in [&names.signature, &names.kem] {
        if let Some(bytes) = files.read(name)? {
            let kept = format!("former-{name}");
            files.write(&kept, bytes.expose(), true)?;
        }
    }
    // The new keys are written elsewhere first: with a statement about them, and then in place.
    let fresh = |name: &str| format!("next-{name}");
    let next = KeyNames {
        signature: fresh(&names.signature),
        kem: fresh(&names.kem),
    };
    let signing = keys::new_identity(files, &next.signature, &suite.signature, rng)?;
    let kem = keys::new_kem_key(files, &next.kem, &suite.kem, rng)?;
    let follower = Identity::new(suites, signing, kem)?;
    let statement = former.rotate_to(suite, follower.id(), rng)?;
    files.write(&statement_name(follower.id()), &statement.bytes(), false)?;
    for (from, to) in [(&next.signature, &names.signature), (&next.kem, &names.kem)] {
        if let Some(bytes) = files.read(from)? {
            files.write(to, bytes.expose(), true)?;
        }
    }
    Ok((former.id(), follower.id()))
}

/// A statement's file has the name of whom it is about.
fn statement_name(id: PeerId) -> String {
    let id = id.to_string();
    let digits = id.rsplit(':').next().unwrap_or_default();
    format!("rotation-{}.bin", digits.get(..16).unwrap_or(digits))
}
