//! Mutants of AES-GCM.

use std::sync::{Arc, OnceLock};

use super::{Given, Mutant, base};
use crate::aead::{Aead, AeadCipher, AeadError};
use crate::registry::Code;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "tag-cut-to-12-bytes",
        what: "the last four bytes of a tag are not compared",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || TagCut),
    },
    Mutant {
        name: "tag-bit-ignored",
        what: "the lowest bit of a tag's last byte is not compared",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || TagBitIgnored),
    },
    Mutant {
        name: "short-tag-accepted",
        what: "of a tag as many bytes are compared as were sent, down to none",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || ShortTagAccepted),
    },
    Mutant {
        name: "nonce-length-unchecked",
        what: "a nonce of another length is cut or filled with zeros",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || NonceLengthUnchecked),
    },
    Mutant {
        name: "nonce-remembered",
        what: "the first nonce of a key is used for every message",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || NonceRemembered(OnceLock::new())),
    },
    Mutant {
        name: "associated-data-ignored",
        what: "associated data is not authenticated",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || AadCut(0)),
    },
    Mutant {
        name: "associated-data-cut",
        what: "of associated data the first 64 bytes are authenticated",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || AadCut(64)),
    },
    Mutant {
        name: "plaintext-released",
        what: "a message is decrypted before its tag is refused, and left in the buffer",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || PlaintextReleased),
    },
    Mutant {
        name: "tail-in-clear",
        what: "of a message the first 16 KiB are encrypted and authenticated",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || TailInClear),
    },
    Mutant {
        name: "empty-message-refused",
        what: "an empty message cannot be sealed",
        base: base!("AES-256-GCM"),
        plant: |given| aead(given, || EmptyMessageRefused),
    },
    Mutant {
        name: "half-a-key",
        what: "the second half of a key is not used",
        base: base!("AES-256-GCM"),
        plant: |given| {
            let Code::Aead(base) = given.code else {
                return None;
            };
            Some(Code::Aead(Arc::new(HalfAKey(base.clone()))))
        },
    },
];

/// What a fault may get its hands on. Each method does by itself what is right.
trait AeadFault: Send + Sync + 'static {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        base.seal_in_place(nonce, aad, buffer, tag)
    }

    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        base.open_in_place(nonce, aad, buffer, tag)
    }
}

/// Plants a fault, made anew for each key, in an AEAD.
fn aead<F: AeadFault>(given: &Given<'_>, fault: fn() -> F) -> Option<Code> {
    let Code::Aead(base) = given.code else {
        return None;
    };
    let base = base.clone();
    Some(Code::Aead(Arc::new(Shell { base, fault })))
}

struct Shell<F> {
    base: Arc<dyn Aead>,
    fault: fn() -> F,
}

struct Cipher<F> {
    base: Box<dyn AeadCipher>,
    fault: F,
}

impl<F: AeadFault> Aead for Shell<F> {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let (base, fault) = (self.base.key(bytes)?, (self.fault)());
        Ok(Box::new(Cipher { base, fault }))
    }
}

impl<F: AeadFault> AeadCipher for Cipher<F> {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        self.fault.seal(&*self.base, nonce, aad, buffer, tag)
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        self.fault.open(&*self.base, nonce, aad, buffer, tag)
    }
}

/// Opens whatever tag comes with it: sealing a ciphertext undoes a stream cipher, and sealing what
/// comes out gives the right tag. Puts the plaintext into `buffer` and gives that tag.
fn opened(
    base: &dyn AeadCipher,
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; 16], AeadError> {
    let mut tag = [0; 16];
    base.seal_in_place(nonce, aad, buffer, &mut tag)?;
    let mut again = buffer.to_vec();
    base.seal_in_place(nonce, aad, &mut again, &mut tag)?;
    Ok(tag)
}

/// Opens when what `keep` leaves of the right tag is what it leaves of the given one.
fn open_comparing(
    base: &dyn AeadCipher,
    nonce: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    equal: impl FnOnce(&[u8; 16]) -> bool,
) -> Result<(), AeadError> {
    let mut plaintext = buffer.to_vec();
    if !equal(&opened(base, nonce, aad, &mut plaintext)?) {
        return Err(AeadError::Rejected);
    }
    buffer.copy_from_slice(&plaintext);
    Ok(())
}

struct TagCut;

impl AeadFault for TagCut {
    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        open_comparing(base, nonce, aad, buffer, |right| {
            tag.len() == 16 && right[..12] == tag[..12]
        })
    }
}

struct TagBitIgnored;

impl AeadFault for TagBitIgnored {
    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        open_comparing(base, nonce, aad, buffer, |right| {
            tag.len() == 16 && right[..15] == tag[..15] && right[15] | 1 == tag[15] | 1
        })
    }
}

struct ShortTagAccepted;

impl AeadFault for ShortTagAccepted {
    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        open_comparing(base, nonce, aad, buffer, |right| right.starts_with(tag))
    }
}

struct NonceLengthUnchecked;

fn of_twelve(nonce: &[u8]) -> Vec<u8> {
    let mut nonce = nonce.to_vec();
    nonce.resize(12, 0);
    nonce
}

impl AeadFault for NonceLengthUnchecked {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        base.seal_in_place(&of_twelve(nonce), aad, buffer, tag)
    }

    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        base.open_in_place(&of_twelve(nonce), aad, buffer, tag)
    }
}

struct NonceRemembered(OnceLock<Vec<u8>>);

impl AeadFault for NonceRemembered {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        let nonce = self.0.get_or_init(|| nonce.to_vec());
        base.seal_in_place(nonce, aad, buffer, tag)
    }

    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let nonce = self.0.get_or_init(|| nonce.to_vec());
        base.open_in_place(nonce, aad, buffer, tag)
    }
}

/// Authenticates so many bytes of the associated data.
struct AadCut(usize);

impl AeadFault for AadCut {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        let aad = aad.get(..self.0).unwrap_or(aad);
        base.seal_in_place(nonce, aad, buffer, tag)
    }

    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let aad = aad.get(..self.0).unwrap_or(aad);
        base.open_in_place(nonce, aad, buffer, tag)
    }
}

struct PlaintextReleased;

impl AeadFault for PlaintextReleased {
    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        let right = opened(base, nonce, aad, buffer)?;
        if right == tag {
            return Ok(());
        }
        Err(AeadError::Rejected)
    }
}

struct TailInClear;

fn first_16_kib(buffer: &mut [u8]) -> &mut [u8] {
    let length = buffer.len().min(1 << 14);
    &mut buffer[..length]
}

impl AeadFault for TailInClear {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        base.seal_in_place(nonce, aad, first_16_kib(buffer), tag)
    }

    fn open(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        base.open_in_place(nonce, aad, first_16_kib(buffer), tag)
    }
}

struct EmptyMessageRefused;

impl AeadFault for EmptyMessageRefused {
    fn seal(
        &self,
        base: &dyn AeadCipher,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        if buffer.is_empty() {
            return Err(AeadError::ProviderFailed);
        }
        base.seal_in_place(nonce, aad, buffer, tag)
    }
}

struct HalfAKey(Arc<dyn Aead>);

impl Aead for HalfAKey {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let mut half = bytes.to_vec();
        half.iter_mut()
            .skip(bytes.len() / 2)
            .for_each(|byte| *byte = 0);
        self.0.key(&half)
    }
}
