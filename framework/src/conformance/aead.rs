//! What an AEAD must do and refuse.
//!
//! Checked twice where it matters: at the provider's own trait, since nobody should rely on being
//! called through handles alone, and through the handle that the framework puts around it.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::damage::{flipped, random, with_bit_flipped, wrong_lengths};
use super::law::{Law, Stop, Subject, Verdict, ensure, fail, without_panic};
use crate::aead::{AdmittedAead, Aead, AeadCipher, AeadError};
use crate::catalogue::AeadSizes;

/// An AEAD under test. Handles own their code, so the subject does too.
pub(super) type AeadSubject<'a> = Subject<'a, Arc<dyn Aead>, AeadSizes>;

const AAD: &[u8] = b"associated data of more than one block";

/// Around the blocks of AES, ChaCha20 and Poly1305, and more than any that are taken at a time.
const LENGTHS: [usize; 18] = [
    0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 1350, 16_385,
];

/// Every check of an AEAD.
pub(super) const LAWS: &[Law<Arc<dyn Aead>, AeadSizes>] = &[
    Law {
        name: "round-trip",
        what: "what is sealed opens, for lengths around every block",
        run: round_trip,
    },
    Law {
        name: "stateless",
        what: "the same key, nonce, data and message give the same bytes, whatever came between",
        run: stateless,
    },
    Law {
        name: "tag-matters",
        what: "a tag with any one bit flipped is refused",
        run: tag_matters,
    },
    Law {
        name: "ciphertext-matters",
        what: "a ciphertext with a bit flipped, cut or lengthened is refused",
        run: ciphertext_matters,
    },
    Law {
        name: "associated-data-matters",
        what: "other associated data is refused: every byte of it, and its length",
        run: associated_data_matters,
    },
    Law {
        name: "nonce-matters",
        what: "another nonce, in any byte, gives another ciphertext and is refused",
        run: nonce_matters,
    },
    Law {
        name: "key-matters",
        what: "another key, in any byte, gives another ciphertext and is refused",
        run: key_matters,
    },
    Law {
        name: "wrong-lengths",
        what: "keys, nonces and tags of a wrong length are refused by the provider itself, without \
               a panic",
        run: refuse_wrong_lengths,
    },
    Law {
        name: "no-early-plaintext",
        what: "after a refusal the provider leaves no plaintext in the buffer",
        run: no_early_plaintext,
    },
    Law {
        name: "handle",
        what: "through the framework's handle: same bytes, wrong lengths refused, the buffer wiped",
        run: handle,
    },
];

/// A key, a nonce and one sealed message.
struct Sealed {
    cipher: Box<dyn AeadCipher>,
    key: Vec<u8>,
    nonce: Vec<u8>,
    plaintext: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

fn sealed(
    subject: &AeadSubject<'_>,
    length: usize,
    rng: &mut dyn CryptoRng,
) -> Result<Sealed, Stop> {
    let key = random(subject.sizes.key, rng);
    let (nonce, plaintext) = (random(subject.sizes.nonce, rng), random(length, rng));
    let cipher = subject.code.key(&key)?;
    let (ciphertext, tag) = seal(&*cipher, &nonce, AAD, &plaintext, subject.sizes.tag)?;
    Ok(Sealed {
        cipher,
        key,
        nonce,
        plaintext,
        ciphertext,
        tag,
    })
}

fn seal(
    cipher: &dyn AeadCipher,
    nonce: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    tag: usize,
) -> Result<(Vec<u8>, Vec<u8>), AeadError> {
    let (mut buffer, mut tag) = (plaintext.to_vec(), vec![0; tag]);
    cipher.seal_in_place(nonce, aad, &mut buffer, &mut tag)?;
    Ok((buffer, tag))
}

/// What opening gave, and what it left in the buffer.
fn open(
    cipher: &dyn AeadCipher,
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> (Result<(), AeadError>, Vec<u8>) {
    let mut buffer = ciphertext.to_vec();
    let outcome = cipher.open_in_place(nonce, aad, &mut buffer, tag);
    (outcome, buffer)
}

/// An opening that must have been refused, with the one error that there is for it.
fn refused(outcome: Result<(), AeadError>, what: &str) -> Verdict {
    match outcome {
        Err(AeadError::Rejected) => Ok(()),
        Ok(()) => fail(format!("{what} is accepted")),
        Err(error) => fail(format!("{what} gave the wrong error: {error}")),
    }
}

fn round_trip(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in LENGTHS {
        let it = sealed(subject, length, rng)?;
        for aad in [AAD, &AAD[..1], &[]] {
            let (ciphertext, tag) = seal(&*it.cipher, &it.nonce, aad, &it.plaintext, it.tag.len())?;
            let (outcome, opened) = open(&*it.cipher, &it.nonce, aad, &ciphertext, &tag);
            let seen = format!("{length} bytes under {} of data do not open", aad.len());
            ensure(outcome.is_ok() && opened == it.plaintext, seen)?;
        }
    }
    Ok(())
}

fn stateless(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 100, rng)?;
    let fresh = subject.code.key(&it.key)?;
    for cipher in [&*it.cipher, &*fresh] {
        let other = random(it.nonce.len(), rng);
        seal(cipher, &other, &[], &it.ciphertext, it.tag.len())?;
        let _ = open(cipher, &other, AAD, &it.ciphertext, &it.tag);
        let again = seal(cipher, &it.nonce, AAD, &it.plaintext, it.tag.len())?;
        let same = again == (it.ciphertext.clone(), it.tag.clone());
        ensure(same, "the same message is sealed in two ways")?;
    }
    Ok(())
}

fn tag_matters(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in [0, 33] {
        let it = sealed(subject, length, rng)?;
        for bit in 0..8 * it.tag.len() {
            let forged = with_bit_flipped(&it.tag, bit / 8, bit);
            let (outcome, _) = open(&*it.cipher, &it.nonce, AAD, &it.ciphertext, &forged);
            refused(outcome, &format!("a tag with bit {bit} flipped"))?;
        }
        for forged in [vec![0; it.tag.len()], vec![0xff; it.tag.len()]] {
            let (outcome, _) = open(&*it.cipher, &it.nonce, AAD, &it.ciphertext, &forged);
            refused(outcome, "a tag that nobody made")?;
        }
    }
    Ok(())
}

fn ciphertext_matters(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in [1, 16, 47, 1350, 20_000] {
        let it = sealed(subject, length, rng)?;
        let clear = it
            .ciphertext
            .chunks_exact(16)
            .zip(it.plaintext.chunks_exact(16));
        let clear = clear.filter(|(sealed, plain)| sealed == plain).count();
        ensure(
            clear == 0,
            format!("of {length} bytes some blocks are not encrypted"),
        )?;
        let flips = subject.positions(length, rng).into_iter();
        let mut forged: Vec<_> = flips.map(|at| flipped(&it.ciphertext, at)).collect();
        forged.push(it.ciphertext[1..].to_vec());
        forged.push(it.ciphertext[..length - 1].to_vec());
        forged.push([&it.ciphertext[..], &[0]].concat());
        forged.push(Vec::new());
        for forged in forged {
            let (outcome, _) = open(&*it.cipher, &it.nonce, AAD, &forged, &it.tag);
            refused(outcome, "another ciphertext")?;
        }
    }
    Ok(())
}

fn associated_data_matters(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 33, rng)?;
    for length in [0, 1, 12, 16, 64, 1000] {
        let aad = random(length, rng);
        let (ciphertext, tag) = seal(&*it.cipher, &it.nonce, &aad, &it.plaintext, it.tag.len())?;
        let flips = subject.positions(length, rng).into_iter();
        let mut others: Vec<_> = flips.map(|at| flipped(&aad, at)).collect();
        others.push([&aad[..], &[0]].concat());
        others.push([&[0], &aad[..]].concat());
        if let Some((_, rest)) = aad.split_last() {
            others.push(rest.to_vec());
            others.push(Vec::new());
        }
        others.retain(|other| *other != aad);
        for other in others {
            let (outcome, _) = open(&*it.cipher, &it.nonce, &other, &ciphertext, &tag);
            refused(
                outcome,
                &format!("{} other bytes of data for {length}", other.len()),
            )?;
        }
    }
    Ok(())
}

fn nonce_matters(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 33, rng)?;
    for at in 0..it.nonce.len() {
        let other = flipped(&it.nonce, at);
        let (outcome, _) = open(&*it.cipher, &other, AAD, &it.ciphertext, &it.tag);
        refused(outcome, &format!("a nonce with another byte {at}"))?;
        let (ciphertext, _) = seal(&*it.cipher, &other, AAD, &it.plaintext, it.tag.len())?;
        let seen = format!("byte {at} of the nonce does not change the ciphertext");
        ensure(ciphertext != it.ciphertext, seen)?;
    }
    Ok(())
}

fn key_matters(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 33, rng)?;
    for at in 0..it.key.len() {
        let other = subject.code.key(&flipped(&it.key, at))?;
        let (outcome, _) = open(&*other, &it.nonce, AAD, &it.ciphertext, &it.tag);
        refused(outcome, &format!("a key with another byte {at}"))?;
        let (ciphertext, _) = seal(&*other, &it.nonce, AAD, &it.plaintext, it.tag.len())?;
        let seen = format!("byte {at} of the key does not change the ciphertext");
        ensure(ciphertext != it.ciphertext, seen)?;
    }
    Ok(())
}

fn refuse_wrong_lengths(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 33, rng)?;
    let taken = |what: &str, bytes: &[u8]| format!("{what} of {} bytes is taken", bytes.len());
    for key in wrong_lengths(&it.key, &[]) {
        let outcome = without_panic(|| subject.code.key(&key).map(drop))?;
        ensure(outcome.is_err(), taken("a key", &key))?;
    }
    for nonce in wrong_lengths(&it.nonce, &[8, 12, 16, 24]) {
        let sealed = without_panic(|| {
            seal(&*it.cipher, &nonce, AAD, &it.plaintext, it.tag.len()).map(drop)
        })?;
        ensure(sealed.is_err(), taken("to seal, a nonce", &nonce))?;
        let work = || open(&*it.cipher, &nonce, AAD, &it.ciphertext, &it.tag).0;
        ensure(
            without_panic(work)?.is_err(),
            taken("to open, a nonce", &nonce),
        )?;
    }
    for tag in wrong_lengths(&it.tag, &[4, 8, 12, 15]) {
        let work = || open(&*it.cipher, &it.nonce, AAD, &it.ciphertext, &tag).0;
        ensure(without_panic(work)?.is_err(), taken("a tag", &tag))?;
    }
    Ok(())
}

/// SP 800-38D section 7.2 and RFC 5116 section 2.2: FAIL, and no plaintext. The framework's handle
/// wipes the buffer, whatever the provider left in it; here it is seen before that.
fn no_early_plaintext(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in [16, 100, 1350] {
        let it = sealed(subject, length, rng)?;
        for forged in [flipped(&it.tag, 0), flipped(&it.tag, it.tag.len() - 1)] {
            let (outcome, left) = open(&*it.cipher, &it.nonce, AAD, &it.ciphertext, &forged);
            refused(outcome, "a forged tag")?;
            let mut blocks = left.chunks_exact(16).zip(it.plaintext.chunks_exact(16));
            let held = blocks.any(|(left, plaintext)| left == plaintext);
            ensure(
                !held,
                "plaintext is in the buffer although the tag was refused",
            )?;
        }
    }
    Ok(())
}

fn handle(subject: &AeadSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let it = sealed(subject, 33, rng)?;
    let (info, provider) = (subject.info.clone(), subject.provider.clone());
    let admitted = AdmittedAead::new(
        Arc::new(info),
        subject.sizes,
        Arc::new(provider),
        subject.code.clone(),
    );
    let key = admitted.key(&it.key)?;
    let whole = key.seal(&it.nonce, AAD, &it.plaintext)?;
    let same = whole == [&it.ciphertext[..], &it.tag].concat();
    ensure(same, "the handle seals to other bytes than the provider")?;
    let opened = key.open(&it.nonce, AAD, &whole)?;
    ensure(opened == it.plaintext, "the handle opens to other bytes")?;

    let mut buffer = it.ciphertext.clone();
    let outcome = key.open_in_place(&it.nonce, AAD, &mut buffer, &flipped(&it.tag, 3));
    refused(outcome, "a forged tag")?;
    let wiped = buffer.iter().all(|byte| *byte == 0);
    ensure(wiped, "after a refusal something is left in the buffer")?;
    for wrong in wrong_lengths(&it.nonce, &[]) {
        let outcome = key.open(&wrong, AAD, &whole).map(drop);
        let refused = matches!(outcome, Err(AeadError::NonceLength { .. }));
        ensure(
            refused,
            format!("a nonce of {} bytes: {outcome:?}", wrong.len()),
        )?;
    }
    for length in 0..it.tag.len() {
        let outcome = key.open(&it.nonce, AAD, &whole[..length]).map(drop);
        let refused = matches!(outcome, Err(AeadError::TagLength { .. }));
        ensure(refused, format!("{length} bytes in all: {outcome:?}"))?;
    }
    Ok(())
}
