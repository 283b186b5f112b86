//! Lifetimes and bounds: at the limit, one below, one above, and what is left after it.

use std::time::Duration;

use pqfw_framework::aead::AeadKey;
use pqfw_framework::world::Now;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::session::{Accepted, Candidate, SessionLimits, Sessions};

use crate::support::{House, Peer, Who, assert_refused, suite, text_input, undecryptable};

const INSTANT: Duration = Duration::from_nanos(1);

#[test]
fn a_session_lives_an_hour_and_is_then_expired_on_both_routes() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    house.wait(Duration::from_secs(3600));
    assert_eq!(alice.caps(&house, "last"), Ok("LAST".into()));
    house.wait(INSTANT);
    for _ in 0..2 {
        let request = alice.inference("model_caps", &text_input("late"));
        assert_refused(&house.ask(&request), &Refusal::SessionExpired);
        let request = alice.policy(b"deny *");
        assert_refused(&house.ask(&request), &Refusal::NoPolicySession);
    }
    assert_eq!(house.counts(), (0, 0, 0));
    assert!(house.policies().is_empty());
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "renewed"), Ok("RENEWED".into()));
    assert_eq!(house.counts(), (1, 0, 1));
}

#[test]
fn the_hour_begins_with_the_handshake_and_no_use_prolongs_it() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    house.wait(Duration::from_secs(20));
    for _ in 0..2 {
        assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
        house.wait(Duration::from_secs(1790));
    }
    assert_eq!(house.counts(), (1, 0, 2));
    let request = alice.inference("model_caps", &text_input("late"));
    house.wait(INSTANT);
    assert_refused(&house.ask(&request), &Refusal::SessionExpired);
}

#[test]
fn the_lifetime_is_the_profiles() {
    let house = House::with(Qu3Config {
        session_secs: 60,
        ..Qu3Config::default()
    });
    let mut alice = Peer::in_session(Who::Alice, &house);
    house.wait(Duration::from_secs(60));
    assert_eq!(alice.caps(&house, "last"), Ok("LAST".into()));
    house.wait(INSTANT);
    let request = alice.inference("model_caps", &text_input("late"));
    assert_refused(&house.ask(&request), &Refusal::SessionExpired);
}

#[test]
fn a_pending_session_is_forgotten_after_thirty_seconds() {
    let (house, mut alice, mut bob) = (House::new(), Peer::new(Who::Alice), Peer::new(Who::Bob));
    alice.meet(&house);
    bob.meet(&house);
    house.wait(Duration::from_secs(30));
    assert_eq!(alice.caps(&house, "in time"), Ok("IN TIME".into()));
    house.wait(INSTANT);
    let request = bob.inference("model_caps", &text_input("late"));
    // Nothing was confirmed, so nothing has expired.
    assert_refused(&house.ask(&request), &Refusal::NoSession);
    assert_eq!(house.counts(), (1, 0, 1));
    bob.meet(&house);
    assert_eq!(bob.caps(&house, "x"), Ok("X".into()));
}

#[test]
fn a_pending_session_that_ends_leaves_the_confirmed_one() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let old = alice.meet(&house);
    house.wait(Duration::from_secs(31));
    let request = alice.inference("model_caps", &text_input("late"));
    assert_refused(&house.ask(&request), &undecryptable("Payload"));
    alice.session = old;
    assert_eq!(alice.caps(&house, "old"), Ok("OLD".into()));
}

#[test]
fn an_expired_sessions_replay_records_are_given_back() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for _ in 0..4 {
        assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    }
    assert_eq!(house.counts(), (1, 0, 5));
    house.wait(Duration::from_secs(3601));
    // Somebody else's request sweeps.
    Peer::in_session(Who::Bob, &house);
    assert_eq!(house.counts(), (1, 0, 1));
}

#[test]
fn at_the_bound_of_sessions_the_oldest_gives_way() {
    let house = House::with(Qu3Config {
        max_sessions: 2,
        ..Qu3Config::default()
    });
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    assert_eq!(alice.caps(&house, "x"), Ok("X".into()));
    let mut mallory = Peer::in_session(Who::Mallory, &house);
    assert_eq!(house.counts(), (2, 0, 2));
    let request = alice.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &Refusal::SessionExpired);
    assert_eq!(bob.caps(&house, "x"), Ok("X".into()));
    assert_eq!(mallory.caps(&house, "x"), Ok("X".into()));
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "back"), Ok("BACK".into()));
    let request = bob.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &Refusal::SessionExpired);
}

/// A machine with small limits, a clock, and clients that are single bytes.
struct Small {
    sessions: Sessions,
    now: Now,
    handshakes: u8,
}

impl Small {
    fn new(limits: SessionLimits) -> Self {
        let now = Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        };
        Self {
            sessions: Sessions::new(limits),
            now,
            handshakes: 0,
        }
    }

    /// A handshake whose session is the newest candidate.
    fn meet(&mut self, client: u8) -> Candidate {
        self.handshakes += 1;
        self.sessions
            .handshake(self.now, &[client], key(), &[self.handshakes], &[]);
        let mut candidates = self.sessions.candidates(self.now, &[client]).unwrap();
        let newest = candidates.pop().unwrap();
        assert_eq!(*newest.sign_key, [self.handshakes]);
        newest
    }

    fn accept(
        &mut self,
        client: u8,
        candidate: &Candidate,
        message: u8,
    ) -> Result<Accepted, Refusal> {
        self.sessions
            .accept(self.now, &[client], candidate, [message; 32])
    }

    fn why_none(&mut self, client: u8) -> Option<Refusal> {
        self.sessions.candidates(self.now, &[client]).err()
    }
}

fn key() -> AeadKey {
    suite().aead.key(&[7; 32]).unwrap()
}

const UNTIL_EXPIRED: SessionLimits = SessionLimits {
    lifetime: Duration::from_secs(3600),
    pending_lifetime: Duration::from_secs(30),
    pending_per_key: 4,
    pending: 4096,
    sessions: 10_000,
    messages: 1 << 24,
    replay_records: 1 << 22,
    replay_records_per_session: 1 << 18,
};

#[test]
fn the_default_limits_are_those_of_the_specification() {
    let (ours, theirs) = (SessionLimits::default(), UNTIL_EXPIRED);
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    let config = Qu3Config::default().session_limits();
    assert_eq!(format!("{config:?}"), format!("{ours:?}"));
}

#[test]
fn a_session_ends_with_its_messages_and_a_new_handshake_works() {
    // A request and its answer are two; the limit counts both.
    for (messages, requests) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let mut small = Small::new(SessionLimits {
            messages,
            ..UNTIL_EXPIRED
        });
        for round in 0..2 {
            let session = small.meet(1);
            for message in 0..requests {
                let expected = match message {
                    0 => Accepted::Promoted,
                    _ => Accepted::Confirmed,
                };
                assert_eq!(small.accept(1, &session, message), Ok(expected));
            }
            let over = small.accept(1, &session, 99);
            assert_eq!(over, Err(Refusal::SessionExpired), "round {round}");
            assert_eq!(small.accept(1, &session, 100), Err(Refusal::SessionExpired));
            assert_eq!(small.why_none(1), Some(Refusal::SessionExpired));
            assert_eq!(small.sessions.counts(), (0, 0, 0));
        }
    }
}

#[test]
fn a_replay_counts_for_no_message() {
    let mut small = Small::new(SessionLimits {
        messages: 4,
        ..UNTIL_EXPIRED
    });
    let session = small.meet(1);
    assert_eq!(small.accept(1, &session, 1), Ok(Accepted::Promoted));
    for _ in 0..10 {
        assert_eq!(small.accept(1, &session, 1), Err(Refusal::Replayed));
    }
    assert_eq!(small.accept(1, &session, 2), Ok(Accepted::Confirmed));
}

#[test]
fn at_the_bound_of_replay_records_the_session_that_would_exceed_it_ends() {
    let mut small = Small::new(SessionLimits {
        replay_records: 3,
        ..UNTIL_EXPIRED
    });
    let (one, two) = (small.meet(1), small.meet(2));
    assert_eq!(small.accept(1, &one, 1), Ok(Accepted::Promoted));
    assert_eq!(small.accept(2, &two, 1), Ok(Accepted::Promoted));
    assert_eq!(small.accept(1, &one, 2), Ok(Accepted::Confirmed));
    assert_eq!(small.sessions.counts(), (2, 0, 3));
    assert_eq!(small.accept(1, &one, 3), Err(Refusal::SessionExpired));
    // No message was forgotten while its session lives: the records went with it.
    assert_eq!(small.sessions.counts(), (1, 0, 1));
    assert_eq!(small.accept(2, &two, 1), Err(Refusal::Replayed));
    assert_eq!(small.accept(2, &two, 2), Ok(Accepted::Confirmed));
    let again = small.meet(1);
    assert_eq!(small.accept(1, &again, 3), Ok(Accepted::Promoted));
}

#[test]
fn at_its_own_bound_of_replay_records_a_session_ends_and_no_other() {
    let mut small = Small::new(SessionLimits {
        replay_records_per_session: 2,
        ..UNTIL_EXPIRED
    });
    let (one, two) = (small.meet(1), small.meet(2));
    assert_eq!(small.accept(1, &one, 1), Ok(Accepted::Promoted));
    assert_eq!(small.accept(2, &two, 1), Ok(Accepted::Promoted));
    assert_eq!(small.accept(1, &one, 2), Ok(Accepted::Confirmed));
    assert_eq!(small.accept(1, &one, 2), Err(Refusal::Replayed));
    assert_eq!(small.accept(1, &one, 3), Err(Refusal::SessionExpired));
    assert_eq!(small.sessions.counts(), (1, 0, 1));
    assert_eq!(small.accept(2, &two, 2), Ok(Accepted::Confirmed));
}

#[test]
fn a_client_that_expires_a_second_time_is_told_so() {
    // One place for the memory of the expired: it must not be taken up by an older entry.
    let mut small = Small::new(SessionLimits {
        sessions: 1,
        ..UNTIL_EXPIRED
    });
    for round in 0..3 {
        let session = small.meet(1);
        assert_eq!(small.accept(1, &session, 0), Ok(Accepted::Promoted));
        small.now.since_start += Duration::from_secs(3601);
        let why = small.why_none(1);
        assert_eq!(why, Some(Refusal::SessionExpired), "round {round}");
    }
}

#[test]
fn the_memory_of_expired_clients_is_bounded() {
    let mut small = Small::new(SessionLimits {
        sessions: 2,
        ..UNTIL_EXPIRED
    });
    for client in 1..=5 {
        let session = small.meet(client);
        assert_eq!(small.accept(client, &session, 0), Ok(Accepted::Promoted));
    }
    // 4 and 5 are in session, 2 and 3 gave way and are remembered, 1 is forgotten.
    assert_eq!(small.sessions.counts(), (2, 0, 2));
    assert_eq!(small.sessions.clients(), 4);
    assert_eq!(small.why_none(1), Some(Refusal::NoSession));
    assert_eq!(small.why_none(2), Some(Refusal::SessionExpired));
    assert_eq!(small.why_none(3), Some(Refusal::SessionExpired));
}

#[test]
fn at_the_bound_of_pending_sessions_the_oldest_gives_way() {
    let mut small = Small::new(SessionLimits {
        pending: 2,
        ..UNTIL_EXPIRED
    });
    let sessions = [1, 2, 3].map(|client| small.meet(client));
    assert_eq!(small.sessions.counts(), (0, 2, 0));
    assert_eq!(small.why_none(1), Some(Refusal::NoSession));
    assert_eq!(
        small.accept(1, &sessions[0], 0),
        Err(Refusal::SessionExpired)
    );
    assert_eq!(small.accept(2, &sessions[1], 0), Ok(Accepted::Promoted));
    assert_eq!(small.accept(3, &sessions[2], 0), Ok(Accepted::Promoted));
    assert_eq!(small.sessions.clients(), 2);
}

#[test]
fn one_key_beyond_its_own_bound_costs_nobody_else_a_pending_session() {
    let mut small = Small::new(SessionLimits {
        pending: 3,
        pending_per_key: 2,
        ..UNTIL_EXPIRED
    });
    let honest = small.meet(1);
    for _ in 0..10 {
        small.meet(2);
    }
    assert_eq!(small.sessions.counts(), (0, 3, 0));
    assert_eq!(small.accept(1, &honest, 0), Ok(Accepted::Promoted));
}
