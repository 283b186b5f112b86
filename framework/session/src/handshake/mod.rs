//! The handshake: two ladders from `hello` to `welcome`, one record at a time and without input or
//! output of their own (`docs/protocols/channel.md` sections 2, 3 and 8).
//!
//! ```text
//! Initiator ──AnswerReader──▶ Sent ──welcome──▶ Opened
//!    └── retry ──▶ Initiator
//! answer() ──▶ Answered ──FinishReader──▶ Opened
//! ```
//!
//! A reader goes through one flight. A flight that fails leaves what it was read with as it was, so
//! that datagrams can drop a forged one and wait for the true one; only the step that seals with a
//! new key uses it up, so that no number of a key is used twice.

#[cfg(test)]
mod attacks;
#[cfg(test)]
pub(crate) mod harness;
mod initiator;
#[cfg(test)]
mod regression;
mod responder;
#[cfg(test)]
mod tests;

pub(crate) use initiator::{Initiator, Progress, Sent};
pub(crate) use responder::{Answered, Reply, answer};

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::suite::Suite;

use crate::alert::Alert;
use crate::config::{Config, Offer};
use crate::error::{ChannelError, refused};
use crate::identity::PeerKey;
use crate::keylog::Log;
use crate::message::{FINISHED, PROOF, decode_field, encode_field, encode_identity, frame};
use crate::record::{ALERT, HANDSHAKE, Traffic, parts};
use crate::schedule::{Exporter, verify_data};
use crate::transcript::Transcript;

type Result<T> = std::result::Result<T, ChannelError>;

/// The initiator's last flight: `identity`, `proof`, `finished`.
pub(crate) const FINISH_RECORDS: usize = 3;

/// The two ends of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

/// What a handshake that finished gives; nothing else can.
pub(crate) struct Opened {
    pub(crate) role: Role,
    pub(crate) suite: Arc<Suite>,
    pub(crate) outgoing: Traffic,
    pub(crate) incoming: Traffic,
    /// What a fresh exchange begins with.
    pub(crate) next: SecretBytes,
    /// TH(hello … initiator's finished).
    pub(crate) transcript: Vec<u8>,
    pub(crate) about: About,
}

/// What a handshake says of the channel, beside its keys.
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) exporter: Exporter,
    pub(crate) peer: Arc<PeerKey>,
    pub(crate) peer_policy: String,
    pub(crate) session: Vec<u8>,
}

/// What a proof is over.
fn signed(role: Role, transcript: &[u8]) -> [&[u8]; 5] {
    let role: &[u8] = match role {
        Role::Initiator => b"initiator",
        Role::Responder => b"responder",
    };
    [
        b"pqfw/1 channel/",
        role,
        b"-identity-spki",
        &[0],
        transcript,
    ]
}

/// Seals `identity`, `proof` and `finished`, and adds them to the transcript.
fn authenticate(
    config: &Config,
    offer: &Offer,
    role: Role,
    rng: &mut dyn CryptoRng,
    transcript: &mut Transcript,
    traffic: &mut Traffic,
) -> Result<Vec<u8>> {
    let identity = config.identity_of(offer).ok_or(ChannelError::Closed)?;
    let mut flight = Vec::new();
    let mut say = |transcript: &mut Transcript, message: Vec<u8>| {
        transcript.add(&message);
        traffic.seal(&mut flight, HANDSHAKE, &message)
    };
    say(transcript, encode_identity(identity.spki())?)?;
    let signature = identity
        .key()
        .sign(rng, &signed(role, &transcript.hash()))?;
    say(transcript, encode_field(PROOF, &signature)?)?;
    let base = traffic.secret();
    let verify_data = verify_data(&offer.suite, base, &transcript.hash())?;
    let finished = frame(FINISHED, verify_data.expose())?;
    transcript.add(&finished);
    traffic.seal(&mut flight, HANDSHAKE, &finished)?;
    Ok(flight)
}

/// Verifies a `proof`; `transcript` is the hash over all before it.
fn check_proof(claimed: &PeerKey, role: Role, transcript: &[u8], body: &[u8]) -> Result<()> {
    let signature = decode_field("signature", body)?;
    match claimed
        .key
        .verify(&signed(role, transcript), &[], signature)
    {
        Ok(()) => Ok(()),
        Err(SignatureError::Rejected) => {
            refused(Alert::DecryptError, "a signature that does not verify")
        }
        Err(error) => Err(error.into()),
    }
}

/// Verifies a `finished`; `transcript` is the hash over all before it.
fn check_finished(suite: &Suite, base: &SecretBytes, transcript: &[u8], body: &[u8]) -> Result<()> {
    let expected = verify_data(suite, base, transcript)?;
    if body.len() != expected.len() {
        return refused(Alert::DecodeError, "finished of another length");
    }
    if expected.constant_time_eq(body) {
        return Ok(());
    }
    refused(Alert::DecryptError, "a finished that does not verify")
}

/// Opens a protected record that must hold a handshake message.
fn open_message(traffic: &mut Traffic, record: &[u8]) -> Result<Vec<u8>> {
    let (head, body) = parts(record, traffic.tag())?;
    let mut body = body.to_vec();
    let (inner, length) = traffic.open(head, &mut body)?;
    body.truncate(length);
    match (inner, body.as_slice()) {
        (HANDSHAKE, _) => Ok(body),
        (ALERT, [code]) => Err(ChannelError::RefusedByPeer {
            code: *code,
            proven: true,
        }),
        (ALERT, _) => refused(Alert::DecodeError, "an alert of another length than one"),
        _ => refused(Alert::UnexpectedMessage, "data before the handshake's end"),
    }
}

fn log(config: &Config, random: [u8; 32]) -> Log {
    Log {
        sink: config.keylog(),
        random,
    }
}
