//! Drives the server's memory with a list of operations and compares it with a simple model: every
//! count stays within its bound, no message is accepted twice in a session, and no session is used
//! beyond its lifetime or its messages.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::aead::AdmittedAead;
use pqfw_framework::rand_core::{Infallible, TryCryptoRng, TryRng};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::world::Now;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::session::{Accepted, Candidate, SessionLimits, Sessions};

const LIMITS: SessionLimits = SessionLimits {
    lifetime: Duration::from_secs(100),
    pending_lifetime: Duration::from_secs(30),
    pending_per_key: 2,
    pending: 5,
    sessions: 4,
    messages: 8,
    replay_records: 10,
    replay_records_per_session: 3,
};

/// Few clients, so that they meet their bounds.
const CLIENTS: u8 = 8;

#[derive(Arbitrary, Debug)]
enum Operation {
    Wait {
        secs: u8,
    },
    Handshake {
        client: u8,
    },
    /// Uses one of the candidates that the client has now.
    Accept {
        client: u8,
        candidate: u8,
        message: u8,
    },
    /// Makes the handshake of a held candidate once more.
    Repeat {
        client: u8,
        held: u8,
    },
    /// Uses a candidate that was taken earlier, as a slow thread does, perhaps for another client.
    AcceptLate {
        client: u8,
        held: u8,
        message: u8,
    },
}

/// What the model knows of a session, by the number of its handshake.
struct Known {
    client: u8,
    born: Duration,
    accepted: BTreeSet<u8>,
    promoted: bool,
}

/// Keys need no randomness, and nothing else is asked for any.
struct NoChance;

impl TryRng for NoChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for NoChance {}

static AEAD: LazyLock<AdmittedAead> = LazyLock::new(|| {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .build()
        .expect("one plugin");
    let mut chance = NoChance;
    let mut resolver = Resolver::new(&registry, &mut chance, &[], &[], "2026-01-01");
    resolver.aead("AES-256-GCM").expect("an admitted provider")
});

fuzz_target!(|operations: Vec<Operation>| {
    // So that of two bounds on one session each is the first to be met in half of the runs.
    let mut limits = LIMITS;
    if operations.len() % 2 == 0 {
        limits.replay_records_per_session = usize::MAX;
    }
    let mut sessions = Sessions::new(limits);
    let mut now = Now {
        since_start: Duration::ZERO,
        unix_micros: 0,
    };
    let mut model: BTreeMap<u64, Known> = BTreeMap::new();
    let mut held: Vec<Candidate> = Vec::new();
    for operation in operations {
        match operation {
            Operation::Wait { secs } => now.since_start += Duration::from_secs(secs.into()),
            Operation::Handshake { client } => {
                let number = u64::try_from(model.len()).expect("few");
                let known = Known {
                    client: client % CLIENTS,
                    born: now.since_start,
                    accepted: BTreeSet::new(),
                    promoted: false,
                };
                model.insert(number, known);
                let key = AEAD.key(&[0; 32]).expect("32 bytes");
                let (kem_key, mark) = (kem_key(client), number.to_le_bytes());
                sessions.handshake(now, &kem_key, key, &mark, &mark);
                let found = sessions.candidates(now, &kem_key).expect("just made");
                assert!(found.len() <= LIMITS.pending_per_key + 1);
                let made = found.into_iter().find(|c| number_of(c) == number);
                held.push(made.expect("a handshake is on offer at once"));
            }
            Operation::Accept {
                client,
                candidate,
                message,
            } => {
                let Ok(found) = sessions.candidates(now, &kem_key(client)) else {
                    continue;
                };
                let candidate = found[usize::from(candidate) % found.len()].clone();
                let accepted = accept(&mut sessions, now, client, &candidate, message, &mut model);
                // What is on offer and was not used up is accepted, unless it is a replay.
                if let Err(refusal) = accepted {
                    assert!(matches!(
                        refusal,
                        Refusal::Replayed | Refusal::SessionExpired
                    ));
                }
            }
            Operation::Repeat { client, held: at } => {
                let Some(candidate) = pick(&held, at) else {
                    continue;
                };
                let answer = sessions.answered(now, &kem_key(client), &candidate.sign_key);
                if let Some(ciphertext) = answer {
                    let known = &model[&number_of(candidate)];
                    assert_eq!(
                        ciphertext, *candidate.sign_key,
                        "another handshake's answer"
                    );
                    assert_eq!(known.client, client % CLIENTS, "another client's answer");
                    assert!(!known.promoted, "an answer from a confirmed session");
                    assert!(now.since_start - known.born <= LIMITS.pending_lifetime);
                }
            }
            Operation::AcceptLate {
                client,
                held: at,
                message,
            } => {
                let Some(candidate) = pick(&held, at).cloned() else {
                    continue;
                };
                let _ = accept(&mut sessions, now, client, &candidate, message, &mut model);
            }
        }
        let (confirmed, pending, records) = sessions.counts();
        assert!(confirmed <= LIMITS.sessions && pending <= LIMITS.pending);
        assert!(records <= LIMITS.replay_records);
        // Confirmed, pending, and as many that are told "expired" as there may be sessions.
        assert!(sessions.clients() <= 2 * LIMITS.sessions + LIMITS.pending);
    }
});

fn accept(
    sessions: &mut Sessions,
    now: Now,
    client: u8,
    candidate: &Candidate,
    message: u8,
    model: &mut BTreeMap<u64, Known>,
) -> Result<(), Refusal> {
    let accepted = sessions.accept(now, &kem_key(client), candidate, [message; 32])?;
    let known = model
        .get_mut(&number_of(candidate))
        .expect("its handshake was made");
    assert_eq!(known.client, client % CLIENTS, "another client's session");
    assert!(
        known.accepted.insert(message),
        "a message was accepted twice in one session"
    );
    assert!(
        now.since_start - known.born <= LIMITS.lifetime,
        "used beyond its lifetime"
    );
    let exchanges = u64::try_from(known.accepted.len()).expect("few");
    assert!(2 * exchanges <= LIMITS.messages, "used beyond its messages");
    assert_eq!(
        accepted == Accepted::Promoted,
        !known.promoted,
        "promoted exactly once"
    );
    known.promoted = true;
    Ok(())
}

fn kem_key(client: u8) -> [u8; 1] {
    [client % CLIENTS]
}

fn pick(held: &[Candidate], at: u8) -> Option<&Candidate> {
    held.get(usize::from(at).checked_rem(held.len())?)
}

fn number_of(candidate: &Candidate) -> u64 {
    u64::from_le_bytes(candidate.sign_key.as_ref().try_into().expect("eight bytes"))
}
