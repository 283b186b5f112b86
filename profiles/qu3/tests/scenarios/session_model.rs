//! The session machine against a model of it that is too simple to be wrong: a list of sessions in
//! the order of their handshakes, searched from one end to the other.

use std::collections::BTreeSet;
use std::time::Duration;

use pqfw_framework::aead::AeadKey;
use pqfw_framework::world::Now;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::session::{Accepted, Candidate, SessionLimits, Sessions};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::suite;

#[derive(Clone, Debug)]
enum Operation {
    Handshake {
        client: u8,
    },
    Candidates {
        client: u8,
    },
    /// A message under any session that ever was.
    Accept {
        session: Index,
        message: u8,
    },
    /// The handshake of some session once more.
    Repeat {
        session: Index,
    },
    /// As a client would: under its newest session.
    AcceptNewest {
        client: u8,
        message: u8,
    },
    Wait {
        secs: u64,
    },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let client = || 0..4_u8;
    let operation = prop_oneof![
        4 => client().prop_map(|client| Operation::Handshake { client }),
        1 => client().prop_map(|client| Operation::Candidates { client }),
        2 => any::<Index>().prop_map(|session| Operation::Repeat { session }),
        4 => (any::<Index>(), 0..6_u8)
            .prop_map(|(session, message)| Operation::Accept { session, message }),
        4 => (client(), 0..200_u8)
            .prop_map(|(client, message)| Operation::AcceptNewest { client, message }),
        2 => (0..15_u64).prop_map(|secs| Operation::Wait { secs }),
    ];
    prop::collection::vec(operation, 0..80)
}

fn limits() -> impl Strategy<Value = SessionLimits> {
    let bounds = (1..4_usize, 1..6_usize, 1..4_usize);
    (bounds, 1..12_u64, 0..10_usize, 0..6_usize).prop_map(
        |((pending_per_key, pending, sessions), messages, replay_records, per_session)| {
            SessionLimits {
                lifetime: Duration::from_secs(40),
                pending_lifetime: Duration::from_secs(10),
                pending_per_key,
                pending,
                sessions,
                messages,
                replay_records,
                replay_records_per_session: per_session,
            }
        },
    )
}

struct Known {
    number: usize,
    client: u8,
    born: Duration,
    confirmed: bool,
    messages: u64,
    accepted: Vec<u8>,
}

/// What the machine must be like from outside.
struct Model {
    limits: SessionLimits,
    now: Duration,
    /// In the order of their handshakes.
    sessions: Vec<Known>,
    /// Whose confirmed session ended last, and who has none since.
    expired: Vec<u8>,
    handshakes: usize,
}

impl Model {
    fn new(limits: SessionLimits) -> Self {
        Self {
            limits,
            now: Duration::ZERO,
            sessions: Vec::new(),
            expired: Vec::new(),
            handshakes: 0,
        }
    }

    fn sweep(&mut self) {
        let limits = self.limits;
        while let Some(at) = self.sessions.iter().position(|session| {
            let lifetime = if session.confirmed {
                limits.lifetime
            } else {
                limits.pending_lifetime
            };
            self.now - session.born > lifetime
        }) {
            self.end(at);
        }
    }

    /// Ends a session; a confirmed one is remembered as expired.
    fn end(&mut self, at: usize) {
        let ended = self.sessions.remove(at);
        if ended.confirmed {
            self.expired.push(ended.client);
            if self.expired.len() > self.limits.sessions {
                self.expired.remove(0);
            }
        }
    }

    fn oldest(&self, matches: impl Fn(&Known) -> bool) -> Option<usize> {
        self.sessions.iter().position(matches)
    }

    fn count(&self, matches: impl Fn(&Known) -> bool) -> usize {
        self.sessions.iter().filter(|known| matches(known)).count()
    }

    fn handshake(&mut self, client: u8) {
        self.sweep();
        self.sessions.push(Known {
            number: self.handshakes,
            client,
            born: self.now,
            confirmed: false,
            messages: 0,
            accepted: Vec::new(),
        });
        self.handshakes += 1;
        let of_client = |known: &Known| !known.confirmed && known.client == client;
        if self.count(of_client) > self.limits.pending_per_key {
            let oldest = self.oldest(of_client).unwrap();
            self.sessions.remove(oldest);
        }
        if self.count(|known| !known.confirmed) > self.limits.pending {
            let oldest = self.oldest(|known| !known.confirmed).unwrap();
            self.sessions.remove(oldest);
        }
    }

    /// The numbers of a client's sessions, the confirmed one first.
    fn candidates(&mut self, client: u8) -> Result<Vec<usize>, Refusal> {
        self.sweep();
        let of = |confirmed: bool| {
            let sessions = self.sessions.iter();
            sessions.filter(move |s| s.client == client && s.confirmed == confirmed)
        };
        let numbers: Vec<_> = of(true).chain(of(false)).map(|s| s.number).collect();
        if numbers.is_empty() && self.expired.contains(&client) {
            Err(Refusal::SessionExpired)
        } else if numbers.is_empty() {
            Err(Refusal::NoSession)
        } else {
            Ok(numbers)
        }
    }

    fn accept(&mut self, number: usize, message: u8) -> Result<Accepted, Refusal> {
        self.sweep();
        let Some(mut at) = self.oldest(|known| known.number == number) else {
            return Err(Refusal::SessionExpired);
        };
        let mut accepted = Accepted::Confirmed;
        let client = self.sessions[at].client;
        if !self.sessions[at].confirmed {
            accepted = Accepted::Promoted;
            self.sessions
                .retain(|known| known.client != client || !known.confirmed);
            self.expired.retain(|expired| *expired != client);
            at = self.oldest(|known| known.number == number).unwrap();
            self.sessions[at].confirmed = true;
        }
        let records: usize = self.sessions.iter().map(|s| s.accepted.len()).sum();
        let session = &mut self.sessions[at];
        if session.accepted.contains(&message) {
            return Err(Refusal::Replayed);
        }
        session.messages += 2;
        if session.messages > self.limits.messages
            || records >= self.limits.replay_records
            || session.accepted.len() >= self.limits.replay_records_per_session
        {
            self.end(at);
            return Err(Refusal::SessionExpired);
        }
        session.accepted.push(message);
        while self.count(|known| known.confirmed) > self.limits.sessions {
            let oldest = self.oldest(|known| known.confirmed).unwrap();
            self.end(oldest);
        }
        Ok(accepted)
    }

    /// Whether the handshake of a session, made once more, gets the answer that it got.
    fn answers_again(&mut self, number: usize) -> bool {
        self.sweep();
        let fresh = self.limits.pending_lifetime / 2;
        let known = self.sessions.iter().find(|known| known.number == number);
        known.is_some_and(|known| !known.confirmed && self.now - known.born <= fresh)
    }

    fn counts(&self) -> (usize, usize, usize) {
        (
            self.count(|known| known.confirmed),
            self.count(|known| !known.confirmed),
            self.sessions.iter().map(|s| s.accepted.len()).sum(),
        )
    }

    /// Of how many clients anything is remembered.
    fn clients(&self) -> usize {
        let named = self.sessions.iter().map(|session| session.client);
        let mut all: Vec<_> = named.chain(self.expired.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }
}

/// The machine and its model, given the same operations.
struct Both {
    machine: Sessions,
    model: Model,
    /// Every session that ever was, with its client: the number is the index.
    ever: Vec<(u8, Candidate)>,
}

impl Both {
    fn now(&self) -> Now {
        Now {
            since_start: self.model.now,
            unix_micros: 0,
        }
    }

    fn candidates(&mut self, client: u8) -> Result<Vec<Candidate>, TestCaseError> {
        let ours = self.machine.candidates(self.now(), &[client]);
        let number =
            |candidate: &Candidate| usize::from_be_bytes((*candidate.sign_key).try_into().unwrap());
        let numbers = ours.as_ref().map(|all| all.iter().map(number).collect());
        let expected = self.model.candidates(client);
        prop_assert_eq!(numbers.map_err(Clone::clone), expected);
        Ok(ours.unwrap_or_default())
    }

    fn accept(&mut self, session: usize, message: u8) -> Result<(), TestCaseError> {
        let (client, candidate) = &self.ever[session];
        let ours = self
            .machine
            .accept(self.now(), &[*client], candidate, [message; 32]);
        prop_assert_eq!(ours, self.model.accept(session, message));
        Ok(())
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Handshake { client } => {
                let number = self.ever.len().to_be_bytes();
                let now = self.now();
                self.machine
                    .handshake(now, &[*client], key(), &number, &number);
                self.model.handshake(*client);
                let newest = self.candidates(*client)?.pop().unwrap();
                self.ever.push((*client, newest));
            }
            Operation::Candidates { client } => drop(self.candidates(*client)?),
            Operation::Accept { session, message } if !self.ever.is_empty() => {
                self.accept(session.index(self.ever.len()), *message)?;
            }
            Operation::Repeat { session } if !self.ever.is_empty() => {
                let number = session.index(self.ever.len());
                let (client, candidate) = &self.ever[number];
                let now = self.now();
                let answer = self.machine.answered(now, &[*client], &candidate.sign_key);
                let expected = self.model.answers_again(number);
                let expected = expected.then(|| number.to_be_bytes().to_vec());
                prop_assert_eq!(answer, expected);
            }
            Operation::Accept { .. } | Operation::Repeat { .. } => {}
            Operation::AcceptNewest { client, message } => {
                if let Some(newest) = self.ever.iter().rposition(|(of, _)| of == client) {
                    self.accept(newest, *message)?;
                }
            }
            Operation::Wait { secs } => self.model.now += Duration::from_secs(*secs),
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        // The machine sweeps when it is used, so it is used.
        for client in 0..4 {
            self.candidates(client)?;
        }
        let limits = self.model.limits;
        let (confirmed, pending, records) = self.machine.counts();
        prop_assert_eq!((confirmed, pending, records), self.model.counts());
        prop_assert_eq!(self.machine.clients(), self.model.clients());
        prop_assert!(confirmed <= limits.sessions);
        prop_assert!(pending <= limits.pending);
        prop_assert!(records <= limits.replay_records);
        Ok(())
    }
}

fn key() -> AeadKey {
    suite().aead.key(&[7; 32]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_machine_does_what_the_model_does(limits in limits(), operations in operations()) {
        let mut both = Both {
            machine: Sessions::new(limits),
            model: Model::new(limits),
            ever: Vec::new(),
        };
        for operation in &operations {
            both.perform(operation)?;
            both.compare()?;
        }
    }

    #[test]
    fn a_message_is_accepted_once_as_long_as_its_session_lives(
        limits in limits(),
        operations in operations(),
    ) {
        let mut both = Both {
            machine: Sessions::new(limits),
            model: Model::new(limits),
            ever: Vec::new(),
        };
        let mut accepted = BTreeSet::new();
        for operation in &operations {
            if let Operation::Accept { session, message } = operation && !both.ever.is_empty() {
                let number = session.index(both.ever.len());
                let (client, candidate) = &both.ever[number];
                let outcome =
                    both.machine.accept(both.now(), &[*client], candidate, [*message; 32]);
                prop_assert_eq!(&outcome, &both.model.accept(number, *message));
                if outcome.is_ok() {
                    prop_assert!(accepted.insert((number, *message)), "{number} {message}");
                }
            } else {
                both.perform(operation)?;
            }
        }
    }
}
