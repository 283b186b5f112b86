//! What a hash or extendable-output function must do.
//!
//! An output buffer of a wrong length is the caller's bug, not input from outside, and no check
//! here.

use rand_core::CryptoRng;

use super::damage::{flipped, random};
use super::law::{Law, Subject, Verdict, ensure, not_applicable};
use crate::catalogue::HashSizes;
use crate::hash::{Hash, HashState};

/// A hash function under test.
pub(super) type HashSubject<'a> = Subject<'a, dyn Hash, HashSizes>;

/// Every check of a hash function.
pub(super) const LAWS: &[Law<dyn Hash, HashSizes>] = &[
    Law {
        name: "deterministic",
        what: "the same message gives the same digest, whatever was hashed between",
        run: deterministic,
    },
    Law {
        name: "message-matters",
        what: "another message gives another digest: every byte of it, and its length",
        run: message_matters,
    },
    Law {
        name: "split-updates",
        what: "a message in parts gives the digest of the whole, at every border of a block",
        run: split_updates,
    },
    Law {
        name: "byte-by-byte",
        what: "a message given one byte at a time gives the digest of the whole",
        run: byte_by_byte,
    },
    Law {
        name: "fork",
        what: "a copy of a state goes its own way, and the original its",
        run: fork,
    },
    Law {
        name: "long-message",
        what: "the last byte of a message of a million matters",
        run: long_message,
    },
    Law {
        name: "output-length",
        what: "an extendable output begins with every shorter one, and does not end early",
        run: output_length,
    },
];

fn finished(state: Box<dyn HashState>, length: usize) -> Vec<u8> {
    let mut digest = vec![0; length];
    state.finish(&mut digest);
    digest
}

fn digest(subject: &HashSubject<'_>, parts: &[&[u8]]) -> Vec<u8> {
    let mut state = subject.code.start();
    parts.iter().for_each(|part| state.update(part));
    finished(state, subject.sizes.digest)
}

fn deterministic(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let message = random(200, rng);
    let first = digest(subject, &[&message]);
    let mut abandoned = subject.code.start();
    abandoned.update(&message[..7]);
    let between = digest(subject, &[b"another"]);
    drop(abandoned);
    ensure(
        digest(subject, &[&message]) == first,
        "two digests of one message differ",
    )?;
    ensure(between != first, "another message has the same digest")?;
    let filled = first.iter().rev().take(8).any(|byte| *byte != 0);
    ensure(filled, "the end of the digest stays as it was")
}

fn message_matters(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let block = subject.sizes.block;
    for length in [1, block - 1, block, block + 1, 2 * block, 1000] {
        let message = random(length, rng);
        let first = digest(subject, &[&message]);
        let flips = subject.positions(length, rng).into_iter();
        let mut others: Vec<_> = flips.map(|at| flipped(&message, at)).collect();
        others.push([&message[..], &[0]].concat());
        others.push([&message[..], &[0x80]].concat());
        others.push(message[..length - 1].to_vec());
        for other in others {
            let seen = format!("{length} bytes have the digest of {} others", other.len());
            ensure(digest(subject, &[&other]) != first, seen)?;
        }
    }
    Ok(())
}

fn split_updates(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let block = subject.sizes.block;
    let message = random(3 * block + 5, rng);
    let first = digest(subject, &[&message]);
    for border in 0..=message.len() {
        let (head, tail) = message.split_at(border);
        let seen = format!("parted at byte {border} it has another digest");
        ensure(digest(subject, &[head, &[], tail]) == first, seen)?;
    }
    let blocks: Vec<_> = message.chunks(block).collect();
    ensure(
        digest(subject, &blocks) == first,
        "block by block it has another digest",
    )?;
    ensure(
        digest(subject, &[]) == digest(subject, &[&[]]),
        "an empty part changes the digest",
    )
}

fn byte_by_byte(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let message = random(2 * subject.sizes.block + 5, rng);
    let bytes: Vec<_> = message.chunks(1).collect();
    let same = digest(subject, &bytes) == digest(subject, &[&message]);
    ensure(same, "one byte at a time it has another digest")
}

fn fork(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (block, length) = (subject.sizes.block, subject.sizes.digest);
    let message = random(2 * block, rng);
    for at in [0, 1, block - 1, block, block + 1] {
        let (head, tail) = message.split_at(at);
        let mut state = subject.code.start();
        state.update(head);
        let mut copy = state.fork();
        copy.update(b"another way");
        let mut second = copy.fork();
        state.update(tail);
        second.update(tail);
        let seen = |what: &str| format!("forked after {at} bytes, the {what} is wrong");
        let expected = digest(subject, &[&message]);
        ensure(finished(state, length) == expected, seen("original"))?;
        let expected = digest(subject, &[head, b"another way"]);
        ensure(finished(copy, length) == expected, seen("copy"))?;
        let expected = digest(subject, &[head, b"another way", tail]);
        ensure(
            finished(second, length) == expected,
            seen("copy of the copy"),
        )?;
    }
    Ok(())
}

fn long_message(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let mut message = random(1_000_001, rng);
    let first = digest(subject, &[&message]);
    for at in [message.len() - 1, 1 << 16, 1 << 12] {
        message[at] ^= 1;
        let seen = format!("byte {at} of a million does not matter");
        ensure(digest(subject, &[&message]) != first, seen)?;
        message[at] ^= 1;
    }
    Ok(())
}

fn output_length(subject: &HashSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if !subject.sizes.extendable {
        return not_applicable("the output has one length");
    }
    let message = random(50, rng);
    let output = |length| {
        let mut state = subject.code.start();
        state.update(&message);
        finished(state, length)
    };
    let longest = output(2000);
    for length in [0, 1, 32, subject.sizes.block, subject.sizes.block + 1, 1000] {
        let seen = format!("{length} bytes are no beginning of 2000");
        ensure(output(length) == longest[..length], seen)?;
    }
    let mut ends = longest.chunks_exact(16).rev().take(60);
    let dull = ends.any(|end| end.iter().all(|byte| *byte == 0));
    ensure(!dull, "a long output ends in zeros")
}
