//! The three jobs, and everybody who lies in them.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::wire::WireError;
use pqfw_framework::world::Now;
use proptest::prelude::*;

use super::*;
use crate::identity::{Identity, Record, RecordTerms};
use crate::limits::MOST_MESSAGE;
use crate::people::{
    CHEAP, FAST, HYBRID, LONG_KEYS, LONG_SIGNATURES, OTHER, SIBLING, identity, rng, suite, suites,
};
use crate::suites::Suites;
use crate::token::Token;
use crate::trust::{TrustList, TrustMode};
use crate::wire::{Hello, Ticket};

const NOW: Now = Now {
    since_start: Duration::ZERO,
    unix_micros: 1_767_225_600_000_000,
};
const TICKET: Ticket = Ticket {
    nonce: [3; 32],
    epoch: 1,
    expiry: 9,
};

/// Two ends and how they meet.
struct Pair {
    /// The initiator takes the first of these.
    calls: Suites,
    suites: Suites,
    near: Identity,
    far: Identity,
    offer: Vec<SuiteId>,
    trust: Arc<TrustList>,
    shards: (u8, u8),
}

fn pair(name: &str) -> Pair {
    let suites = suites(&[name]);
    Pair {
        calls: suites.clone(),
        offer: suites.offer(),
        near: identity(1, name),
        far: identity(2, name),
        trust: Arc::new(TrustList::new(TrustMode::Tofu, [])),
        shards: (2, 3),
        suites,
    }
}

type Ends = (Finished, Answered);

impl Pair {
    fn call(
        self,
    ) -> (
        Called,
        impl FnOnce(Vec<u8>) -> Result<Answered, HandshakeError>,
    ) {
        let far = Arc::new(self.far);
        let call = Call {
            suite: self.calls.first().clone(),
            identity: Arc::new(self.near),
            peer: far.id,
            keys: Arc::new(far.public.clone()),
            hello: Hello {
                nonce: [5; 32],
                offer: self.offer,
            },
            ticket: TICKET,
            index: 16,
            shards: self.shards.0,
        };
        let answer = move |message| {
            let token = Token {
                ticket: TICKET,
                key: [8; 32],
            };
            let answer = Answer {
                suites: self.suites,
                identity: far,
                trust: self.trust,
                now: NOW,
                message,
                ticket: TICKET,
                indices: (16, 32),
                shards: self.shards.1,
                fresh: Fresh { index: 48, token },
            };
            answer.run(&mut rng(11))
        };
        (call.run(&mut rng(10)).unwrap(), answer)
    }

    /// What becomes of a handshake in which somebody changes the messages.
    fn meet(
        self,
        first: impl FnOnce(&mut Vec<u8>),
        second: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Ends, HandshakeError> {
        let (mut called, answer) = self.call();
        first(&mut called.message);
        let mut answered = answer(called.message)?;
        second(&mut answered.message);
        let finish = Finish {
            waiting: called.waiting,
            message: answered.message.clone(),
            index: 32,
        };
        Ok((finish.run()?, answered))
    }

    fn refused(
        self,
        first: impl FnOnce(&mut Vec<u8>),
        second: impl FnOnce(&mut Vec<u8>),
    ) -> HandshakeError {
        let met = self.meet(first, second);
        met.err().expect("the handshake must not succeed")
    }
}

fn nothing(_: &mut Vec<u8>) {}

#[test]
fn both_ends_have_the_same_keys_and_the_messages_their_lengths() {
    for (name, first, second) in [
        (CHEAP, 332, 218),
        (HYBRID, 12_546, 8175),
        (FAST, 9049, 5703),
    ] {
        let pair = pair(name);
        let near = pair.near.id;
        let mut lengths = (0, 0);
        let note = |at: &mut usize, message: &Vec<u8>| *at = message.len();
        let met = pair.meet(
            |message| note(&mut lengths.0, message),
            |message| note(&mut lengths.1, message),
        );
        let (finished, answered) = met.unwrap();
        assert_eq!(lengths, (first, second), "{name}");
        assert_eq!(answered.peer, near);
        assert_eq!(finished.keys.id, answered.keys.id);
        let theirs = answered.keys.to_responder.expose();
        assert!(finished.keys.to_responder.constant_time_eq(theirs));
        assert!(!finished.keys.to_initiator.constant_time_eq(theirs));
        assert_eq!((answered.shards, finished.shards), (2, 3));
        assert_eq!(finished.fresh.index, 48);
    }
}

/// The offset of `ct_s` with one suite offered.
const CT_S: usize = 4 + 32 + 1 + 4;

#[test]
fn invalid_points_and_ciphertexts_are_refused() {
    let invalid = HandshakeError::Kem(KemError::CiphertextInvalid);
    // brainpoolP512r1: another y, no point at all, the encoding of infinity, a compressed point.
    let point = CT_S..CT_S + 129;
    let lies: [fn(&mut [u8]); 4] = [
        |point| point[128] ^= 1,
        |point| point.fill(0xff),
        |point| point.fill(0),
        |point| point[0] = 2,
    ];
    for lie in lies {
        let refused = pair(HYBRID).refused(|m| lie(&mut m[point.clone()]), nothing);
        assert_eq!(refused, invalid);
        let refused = pair(HYBRID).refused(nothing, |m| lie(&mut m[..129]));
        assert_eq!(refused, invalid);
    }
    // X25519: a point of small order (RFC 9180 section 7.1.4).
    let refused = pair(CHEAP).refused(|m| m[CT_S..CT_S + 32].fill(0), nothing);
    assert_eq!(refused, invalid);
    // ML-KEM: all zeros are a ciphertext, of another secret.
    let kem = CT_S + 129..CT_S + 129 + 1568;
    let refused = pair(HYBRID).refused(|m| m[kem].fill(0), nothing);
    assert_eq!(refused, HandshakeError::Sealed("identity of S1"));
    let refused = pair(HYBRID).refused(nothing, |m| m[129..129 + 1568].fill(0));
    assert_eq!(refused, HandshakeError::Sealed("payload of S2"));
}

#[test]
fn a_flipped_bit_anywhere_ends_the_handshake() {
    for at in 0..332 {
        let refused = pair(CHEAP).refused(|m| m[at] ^= 0x80, nothing);
        let expected = match at {
            0..4 => matches!(refused, HandshakeError::Suite(_)),
            4..36 => refused == HandshakeError::Sealed("identity of S1"),
            36 => matches!(refused, HandshakeError::Message(WireError::TooLong { .. })),
            37..41 => refused == HandshakeError::Stripped,
            // The highest bit of an X25519 point is not looked at (RFC 7748 section 5), but hashed.
            41..153 => refused == HandshakeError::Sealed("identity of S1"),
            _ => refused == HandshakeError::Sealed("payload of S1"),
        };
        assert!(expected, "{at}: {refused}");
    }
    for at in 0..218 {
        let refused = pair(CHEAP).refused(nothing, |m| m[at] ^= 0x80);
        assert_eq!(refused, HandshakeError::Sealed("payload of S2"), "{at}");
    }
    for length in [0, 3, 40, 100, 200] {
        let refused = pair(CHEAP).refused(|m| m.truncate(length), nothing);
        let expected = matches!(
            refused,
            HandshakeError::Message(WireError::Truncated { .. }) | HandshakeError::Sealed(_)
        );
        assert!(expected, "{length}: {refused}");
    }
}

/// A key of the hybrid whose first part is one identity's, and whose second another's.
fn mixed(
    name: &str,
    first: u64,
    second: u64,
    split: usize,
) -> pqfw_framework::signature::SigningKey {
    let expanded = |seed| {
        let key = identity(seed, name).signing;
        key.export(SecretKind::Expanded).unwrap().expose().to_vec()
    };
    let bytes = [&expanded(first)[..split], &expanded(second)[split..]].concat();
    let form = SecretForm::Expanded(&bytes);
    suite(name).signature.import_signing_key(form).unwrap()
}

#[test]
fn one_bad_signature_of_two_is_a_bad_signature() {
    const ED25519: usize = 32;
    for (first, second) in [(1, 7), (7, 1)] {
        let mut pair = pair(FAST);
        pair.near.signing = mixed(FAST, first, second, ED25519);
        assert_eq!(pair.refused(nothing, nothing), HandshakeError::Signature);
    }
    for (first, second) in [(2, 7), (7, 2)] {
        let mut pair = pair(FAST);
        pair.far.signing = mixed(FAST, first, second, ED25519);
        assert_eq!(pair.refused(nothing, nothing), HandshakeError::Signature);
    }
    let mut pair = pair(FAST);
    pair.near.signing = mixed(FAST, 1, 1, ED25519);
    assert!(
        pair.meet(nothing, nothing).is_ok(),
        "the mixing itself is sound"
    );
}

#[test]
fn nobody_passes_for_another() {
    // Claims another's identity and shows its own keys.
    let mut liar = pair(CHEAP);
    liar.near.id = identity(9, CHEAP).id;
    assert_eq!(liar.refused(nothing, nothing), HandshakeError::Identity);
    // Claims another's identity and shows the other's keys, without having them.
    let mut liar = pair(CHEAP);
    let victim = identity(9, CHEAP);
    (liar.near.id, liar.near.public) = (victim.id, victim.public);
    assert_eq!(liar.refused(nothing, nothing), HandshakeError::Signature);
    // Shows another's KEM key beside its own signature key.
    let mut liar = pair(CHEAP);
    liar.near.public.encapsulation = identity(9, CHEAP).public.encapsulation;
    assert_eq!(liar.refused(nothing, nothing), HandshakeError::Identity);
    // A responder that has the KEM key and not the signature key of whom it is taken for.
    let mut liar = pair(CHEAP);
    liar.far.signing = identity(9, CHEAP).signing;
    assert_eq!(liar.refused(nothing, nothing), HandshakeError::Signature);
    let mut own = pair(CHEAP);
    own.near = identity(2, CHEAP);
    assert_eq!(own.refused(nothing, nothing), HandshakeError::Oneself);
}

#[test]
fn a_stranger_gets_no_further_than_its_name() {
    let mut pair = pair(CHEAP);
    pair.trust = Arc::new(TrustList::new(TrustMode::Pinned, []));
    let unknown = HandshakeError::Untrusted {
        peer: pair.near.id,
        why: Distrust::Unknown,
    };
    // Its payload is not even opened.
    let refused = pair.refused(|m| m[331] ^= 1, nothing);
    assert_eq!(refused, unknown);
}

#[test]
fn a_suite_that_does_not_follow_from_the_offer_is_refused() {
    // The initiator believes a RETRY that somebody has changed, and takes the second.
    let mut stripped = pair(CHEAP);
    stripped.suites = suites(&[SIBLING, CHEAP]);
    stripped.offer = stripped.suites.offer();
    assert_eq!(stripped.refused(nothing, nothing), HandshakeError::Stripped);
    let mut pair = pair(CHEAP);
    pair.offer = vec![SuiteId([1; 4])];
    assert_eq!(pair.refused(nothing, nothing), HandshakeError::Stripped);
}

#[test]
fn there_are_as_many_shards_as_there_are() {
    for shards in [0, 17] {
        let mut bad = pair(CHEAP);
        bad.shards = (shards, 1);
        assert_eq!(
            bad.refused(nothing, nothing),
            HandshakeError::Shards(shards)
        );
        let mut bad = pair(CHEAP);
        bad.shards = (1, shards);
        assert_eq!(
            bad.refused(nothing, nothing),
            HandshakeError::Shards(shards)
        );
    }
    let mut most = pair(CHEAP);
    most.shards = (16, 16);
    assert!(most.meet(nothing, nothing).is_ok());
}

#[test]
fn a_rotation_is_what_the_former_has_signed() {
    let (suite, mut rng) = (suite(CHEAP), rng(1));
    let former = identity(8, CHEAP);
    let rotated = |by: &Identity| {
        let mut pair = pair(CHEAP);
        let statement = by.rotate_to(&suite, pair.near.id, &mut crate::people::rng(1));
        pair.near = pair.near.following(statement.unwrap()).unwrap();
        pair
    };
    let (_, answered) = rotated(&former).meet(nothing, nothing).unwrap();
    assert_eq!(answered.former, Some(former.id));
    let mut forger = identity(8, CHEAP);
    forger.signing = identity(9, CHEAP).signing;
    assert_eq!(
        rotated(&forger).refused(nothing, nothing),
        HandshakeError::Rotation
    );
    let about = former.rotate_to(&suite, former.id, &mut rng).unwrap();
    let other = identity(1, CHEAP).following(about);
    assert!(matches!(other, Err(crate::IdentityError::Rotation)));
}

#[test]
fn a_rotation_has_room_in_every_suite() {
    for (name, bytes) in [
        (HYBRID, 19_893),
        (LONG_KEYS, 84_338),
        (LONG_SIGNATURES, 114_278),
    ] {
        let (near, former, mut rng) = (identity(1, name), identity(8, name), rng(1));
        let statement = former.rotate_to(&suite(name), near.id, &mut rng);
        let mut pair = pair(name);
        pair.near = near.following(statement.unwrap()).unwrap();
        let record = pair.near.record(terms(), &mut rng).unwrap();
        assert!(record.as_bytes().len() <= MOST_MESSAGE, "{name}");
        Record::read(record.as_bytes(), &suites(&[name]), NOW).unwrap();
        let length = |m: &mut Vec<u8>| assert_eq!(m.len(), bytes, "{name}");
        assert!(pair.meet(length, nothing).is_ok());
    }
}

#[test]
fn an_identity_has_keys_of_the_suites_algorithms() {
    let other = identity(1, OTHER);
    let error = Identity::new(&suites(&[CHEAP]), other.signing, other.decapsulation);
    assert!(matches!(error, Err(crate::IdentityError::Algorithm { .. })));
}

fn terms() -> RecordTerms {
    RecordTerms {
        onion: vec![1, 2, 3],
        relay: true,
        expires_unix_secs: 1_767_225_601,
    }
}

#[test]
fn a_record_says_what_its_owner_has_signed() {
    use crate::identity::RecordError;
    let suites = suites(&[CHEAP]);
    let own = identity(1, CHEAP);
    let signed = own.record(terms(), &mut rng(1)).unwrap();
    let record = Record::read(signed.as_bytes(), &suites, NOW).unwrap();
    let expected = Record {
        id: own.id,
        keys: own.public.clone(),
        terms: terms(),
        former: None,
    };
    assert_eq!(record, expected);
    let read = |bytes: &[u8], now| Record::read(bytes, &suites, now).unwrap_err();
    for at in 0..signed.as_bytes().len() {
        let mut bad = signed.as_bytes().to_vec();
        bad[at] ^= 0x80;
        read(&bad, NOW);
        read(&bad[..at], NOW);
    }
    let later = Now {
        unix_micros: 1_767_225_601_000_000,
        ..NOW
    };
    assert_eq!(read(signed.as_bytes(), later), RecordError::Expired);
    let wire = |error| matches!(error, RecordError::Wire(_));
    assert!(wire(read(&[2], NOW)));
    assert_eq!(read(&[3], NOW), RecordError::Algorithm("version 3".into()));
    let other = identity(1, OTHER).record(terms(), &mut rng(1)).unwrap();
    let expected = RecordError::Algorithm("P-256".into());
    assert_eq!(read(other.as_bytes(), NOW), expected);
    let mut bad = signed.as_bytes().to_vec();
    *bad.last_mut().unwrap() ^= 1;
    assert_eq!(read(&bad, NOW), RecordError::Signature);

    let mut liar = identity(1, OTHER);
    liar.public.encapsulation[64] ^= 1;
    let off_curve = liar.record(terms(), &mut rng(1)).unwrap();
    let read = Record::read(off_curve.as_bytes(), &crate::people::suites(&[OTHER]), NOW);
    assert_eq!(read, Err(RecordError::Key));
    let former = identity(8, CHEAP);
    let statement = former
        .rotate_to(&suite(CHEAP), own.id, &mut rng(1))
        .unwrap();
    let following = own.following(statement).unwrap();
    let signed = following.record(terms(), &mut rng(1)).unwrap();
    let record = Record::read(signed.as_bytes(), &suites, NOW).unwrap();
    assert_eq!(record.former, Some(former.id));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_a_job_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), known: bool) {
        let pair = pair(CHEAP);
        let suites = pair.suites.clone();
        let start = if known { suites.offer()[0].0.to_vec() } else { Vec::new() };
        let bytes = [start, bytes].concat();
        let (called, answer) = pair.call();
        prop_assert!(answer(bytes.clone()).is_err());
        let finish = Finish { waiting: called.waiting, message: bytes.clone(), index: 32 };
        prop_assert!(finish.run().is_err());
        prop_assert!(Record::read(&bytes, &suites, NOW).is_err());
    }
}
