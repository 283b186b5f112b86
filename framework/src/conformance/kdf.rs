//! What an extract-and-expand KDF must do and refuse (RFC 5869).

use rand_core::CryptoRng;

use super::damage::{flipped, random};
use super::law::{Law, Subject, Verdict, ensure, not_applicable, without_panic};
use crate::catalogue::KdfSizes;
use crate::kdf::{Kdf, KdfError};

/// A KDF under test.
pub(super) type KdfSubject<'a> = Subject<'a, dyn Kdf, KdfSizes>;

/// Every check of a KDF.
pub(super) const LAWS: &[Law<dyn Kdf, KdfSizes>] = &[
    Law {
        name: "deterministic",
        what: "the same input gives the same output, every time",
        run: deterministic,
    },
    Law {
        name: "salt-matters",
        what: "another salt, in any byte, gives another key",
        run: salt_matters,
    },
    Law {
        name: "input-matters",
        what: "other keying material gives another key: every byte of it, and its length",
        run: input_matters,
    },
    Law {
        name: "prk-matters",
        what: "another pseudo-random key, in any byte, gives another output",
        run: prk_matters,
    },
    Law {
        name: "info-matters",
        what: "other info gives another output: every byte of it, and its length",
        run: info_matters,
    },
    Law {
        name: "info-parts",
        what: "info is the concatenation of its parts, however it is parted",
        run: info_parts,
    },
    Law {
        name: "prefix",
        what: "a shorter output is the beginning of a longer one (RFC 5869 section 2.3)",
        run: prefix,
    },
    Law {
        name: "empty-inputs",
        what: "empty salt, material and info are inputs like others; no salt is a salt of zeros",
        run: empty_inputs,
    },
    Law {
        name: "length-limit",
        what: "the longest output is given in full, and one byte more is refused",
        run: length_limit,
    },
    Law {
        name: "wrong-lengths",
        what: "a pseudo-random key that is too short is refused, without a panic",
        run: refuse_wrong_lengths,
    },
];

fn extract(subject: &KdfSubject<'_>, salt: &[u8], ikm: &[u8]) -> Result<Vec<u8>, KdfError> {
    let mut prk = vec![0; subject.sizes.prk];
    subject.code.extract(salt, ikm, &mut prk)?;
    Ok(prk)
}

fn expand(
    subject: &KdfSubject<'_>,
    prk: &[u8],
    info: &[&[u8]],
    length: usize,
) -> Result<Vec<u8>, KdfError> {
    let mut okm = vec![0; length];
    subject.code.expand(prk, info, &mut okm)?;
    Ok(okm)
}

fn deterministic(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (salt, ikm, info) = (random(32, rng), random(32, rng), random(32, rng));
    let prk = extract(subject, &salt, &ikm)?;
    let okm = expand(subject, &prk, &[&info], 100)?;
    extract(subject, &info, &salt)?;
    expand(subject, &prk, &[&salt], 50)?;
    ensure(
        extract(subject, &salt, &ikm)? == prk,
        "two extractions differ",
    )?;
    ensure(
        expand(subject, &prk, &[&info], 100)? == okm,
        "two expansions differ",
    )?;
    let filled = |bytes: &[u8]| bytes.iter().rev().take(8).any(|byte| *byte != 0);
    ensure(
        filled(&prk) && filled(&okm),
        "the end of an output stays as it was",
    )
}

fn salt_matters(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in [1, 32, 64, 128, 200] {
        let (salt, ikm) = (random(length, rng), random(32, rng));
        let first = extract(subject, &salt, &ikm)?;
        for at in 0..length {
            let other = extract(subject, &flipped(&salt, at), &ikm)?;
            ensure(
                other != first,
                format!("byte {at} of {length} does not matter"),
            )?;
        }
    }
    Ok(())
}

fn input_matters(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for length in [1, 32, 64, 200] {
        let (salt, ikm) = (random(32, rng), random(length, rng));
        let first = extract(subject, &salt, &ikm)?;
        let mut others: Vec<_> = (0..length).map(|at| flipped(&ikm, at)).collect();
        others.push([&ikm[..], &[0]].concat());
        others.push(ikm[..length - 1].to_vec());
        for other in others {
            let seen = format!("other material of {} bytes gives the same key", other.len());
            ensure(extract(subject, &salt, &other)? != first, seen)?;
        }
    }
    Ok(())
}

fn prk_matters(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let prk = random(subject.sizes.prk, rng);
    let first = expand(subject, &prk, &[b"info"], 64)?;
    for at in 0..prk.len() {
        let other = expand(subject, &flipped(&prk, at), &[b"info"], 64)?;
        ensure(other != first, format!("byte {at} does not matter"))?;
    }
    Ok(())
}

fn info_matters(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let prk = random(subject.sizes.prk, rng);
    for length in [1, 16, 64, 300] {
        let info = random(length, rng);
        let first = expand(subject, &prk, &[&info], 64)?;
        let mut others: Vec<_> = (0..length).map(|at| flipped(&info, at)).collect();
        others.push([&info[..], &[0]].concat());
        others.push(info[..length - 1].to_vec());
        for other in others {
            let seen = format!("other info of {} bytes gives the same output", other.len());
            ensure(expand(subject, &prk, &[&other], 64)? != first, seen)?;
        }
    }
    Ok(())
}

fn info_parts(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (prk, info) = (random(subject.sizes.prk, rng), random(40, rng));
    let first = expand(subject, &prk, &[&info], 64)?;
    for at in 0..=info.len() {
        let (head, tail) = info.split_at(at);
        for parts in [
            &[head, tail][..],
            &[head, &[], tail],
            &[&[], head, tail, &[]],
        ] {
            let seen = format!("parted at byte {at} it gives another output");
            ensure(expand(subject, &prk, parts, 64)? == first, seen)?;
        }
    }
    let other = expand(subject, &prk, &[&info, b"!"], 64)?;
    ensure(other != first, "a second part does not matter")
}

fn prefix(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let prk = random(subject.sizes.prk, rng);
    let longest = expand(subject, &prk, &[b"info"], 300.min(subject.sizes.max_output))?;
    for length in [0, 1, 16, subject.sizes.prk, subject.sizes.prk + 1, 255] {
        let Some(expected) = longest.get(..length) else {
            continue;
        };
        let seen = format!("{length} bytes are no beginning of {}", longest.len());
        ensure(expand(subject, &prk, &[b"info"], length)? == expected, seen)?;
    }
    Ok(())
}

fn empty_inputs(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let ikm = random(32, rng);
    let none = extract(subject, &[], &ikm)?;
    // RFC 5869 section 2.2: if there is none, the salt is HashLen zeros.
    let zeros = extract(subject, &vec![0; subject.sizes.prk], &ikm)?;
    ensure(none == zeros, "no salt is another than a salt of zeros")?;
    ensure(
        extract(subject, &ikm, &[])? != none,
        "empty material gives the same key",
    )?;
    let okm = expand(subject, &none, &[], 64)?;
    ensure(
        okm == expand(subject, &none, &[&[]], 64)?,
        "empty info is not no info",
    )
}

fn length_limit(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (prk, limit) = (random(subject.sizes.prk, rng), subject.sizes.max_output);
    let longest = expand(subject, &prk, &[], limit)?;
    let blocks: Vec<_> = longest.chunks(subject.sizes.prk).rev().take(2).collect();
    let repeated = matches!(blocks.as_slice(), [last, before] if last == before);
    ensure(
        !repeated,
        "the last block of the longest output repeats the one before it",
    )?;
    let refused = without_panic(|| expand(subject, &prk, &[], limit + 1).map(drop))?;
    ensure(refused.is_err(), format!("{} bytes are given", limit + 1))
}

fn refuse_wrong_lengths(subject: &KdfSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let prk = random(subject.sizes.prk, rng);
    if prk.is_empty() {
        return not_applicable("there is no pseudo-random key");
    }
    // RFC 5869 section 2.3 asks for at least HashLen bytes: longer ones may be taken.
    for length in [0, 1, prk.len() / 2, prk.len() - 1] {
        let outcome = without_panic(|| expand(subject, &prk[..length], &[], 16).map(drop))?;
        ensure(
            outcome.is_err(),
            format!("a key of {length} bytes is taken"),
        )?;
    }
    Ok(())
}
