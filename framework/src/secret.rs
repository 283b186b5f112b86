//! Secret bytes: wiped on drop, compared in constant time, never printed.
//!
//! Every secret of the framework travels in [`SecretBytes`]. It has no `Debug`, no `Clone` and no
//! `Serialize`; [`SecretBytes::expose`] is the one way in, so that a search for it finds every use.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A byte string that is wiped when it is dropped.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Makes a secret of `length` zero bytes, to be filled through [`Self::expose_mut`].
    #[must_use]
    pub fn zeroed(length: usize) -> Self {
        Self(Zeroizing::new(vec![0; length]))
    }

    /// Copies `bytes`; the caller's copy stays the caller's to wipe.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Takes the bytes for good; they are wiped when the secret is dropped.
    #[must_use]
    pub fn own(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Gives the bytes. Keep the borrow short and never log what is behind it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Gives the bytes to be written.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The length in bytes, which is no secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in time that depends on the lengths alone.
    #[must_use]
    pub fn constant_time_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

impl Zeroize for SecretBytes {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// The forms in which a private key can be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretKind {
    /// The seed from which the specification derives the key (FIPS 203: d‖z; FIPS 204: ξ).
    Seed,
    /// The specification's own encoding of the private key.
    Expanded,
}

/// A private key to be imported, in one of its forms.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum SecretForm<'a> {
    /// See [`SecretKind::Seed`].
    Seed(&'a [u8]),
    /// See [`SecretKind::Expanded`].
    Expanded(&'a [u8]),
}

impl<'a> SecretForm<'a> {
    /// Which form this is.
    #[must_use]
    pub fn kind(&self) -> SecretKind {
        match self {
            Self::Seed(_) => SecretKind::Seed,
            Self::Expanded(_) => SecretKind::Expanded,
        }
    }

    /// The bytes, whatever the form. Secret.
    #[must_use]
    pub fn expose(&self) -> &'a [u8] {
        match self {
            Self::Seed(bytes) | Self::Expanded(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_looks_at_every_byte_and_the_length() {
        let secret = SecretBytes::copy_of(b"abc");
        assert!(secret.constant_time_eq(b"abc"));
        assert!(!secret.constant_time_eq(b"abd"));
        assert!(!secret.constant_time_eq(b"xbc"));
        assert!(!secret.constant_time_eq(b"ab"));
    }

    #[test]
    fn zeroize_wipes() {
        let mut secret = SecretBytes::own(vec![7; 4]);
        secret.expose_mut().zeroize();
        assert!(secret.constant_time_eq(&[0; 4]));
    }
}
