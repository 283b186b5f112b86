//! A wire in an attacker's hands: counts frames by kind, and changes bits when it is told to.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::transport::{BoxFuture, Datagrams, Packet, TransportError};

use crate::mac::{self, MAC_BYTES};
use crate::wire::{Frame, HEAD, Kind, Retry};

/// What the attacker does next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attack {
    /// Changes one bit of a data frame.
    Data,
    /// Changes one bit of S1, and makes its fragment's MAC right again: the token was seen.
    Opening,
}

/// Frames and bytes of each kind, in the order in which they were first seen.
pub(super) type Seen = Vec<(&'static str, usize, usize)>;

/// A wire.
pub(super) struct Wire {
    inner: Arc<dyn Datagrams>,
    digest: AdmittedHash,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Seen,
    attack: Option<Attack>,
    token: Option<[u8; 32]>,
}

impl Wire {
    pub(super) fn new(inner: Arc<dyn Datagrams>, digest: AdmittedHash) -> Self {
        Self {
            inner,
            digest,
            state: Mutex::default(),
        }
    }

    /// What was seen since this was asked last.
    pub(super) fn seen(&self) -> Seen {
        self.with(|state| std::mem::take(&mut state.seen))
    }

    pub(super) fn attack(&self, attack: Attack) {
        self.with(|state| state.attack = Some(attack));
    }

    /// Whether the attacker has done it.
    pub(super) fn has_attacked(&self) -> bool {
        self.with(|state| state.attack.is_none())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, state: &mut State, packet: &mut Packet) {
        let bytes = &mut packet.bytes;
        let done = match (state.attack, Frame::read(bytes)) {
            (Some(Attack::Data), Ok(Frame::Data(_))) => flip(bytes, HEAD),
            // The last fragment carries the end of what is sealed under the responder's key.
            (Some(Attack::Opening), Ok(Frame::Control(head, _)))
                if head.kind == Kind::S1 && head.fragment + 1 == head.fragments =>
            {
                let Some(token) = state.token else { return };
                let Some(end) = bytes.len().checked_sub(MAC_BYTES + 1) else {
                    return;
                };
                flip(bytes, end) && remac(&self.digest, &token, bytes)
            }
            _ => false,
        };
        if done {
            state.attack = None;
        }
    }
}

fn flip(bytes: &mut [u8], place: usize) -> bool {
    let byte = bytes.get_mut(place);
    byte.map(|byte| *byte ^= 1).is_some()
}

fn remac(digest: &AdmittedHash, token: &[u8], bytes: &mut [u8]) -> bool {
    let Some((body, old)) = bytes.split_last_chunk_mut::<MAC_BYTES>() else {
        return false;
    };
    *old = mac::short(digest, token, &[body]);
    true
}

impl State {
    fn note(&mut self, bytes: &[u8]) {
        let name = match Frame::read(bytes) {
            Ok(Frame::Data(_)) => "data",
            Ok(Frame::Control(head, body)) => {
                if let (Kind::Retry, Ok(retry)) = (head.kind, Retry::read(body)) {
                    self.token = Some(retry.key);
                }
                name(head.kind)
            }
            Err(_) => "other",
        };
        match self.seen.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, frames, total)) => (*frames, *total) = (*frames + 1, *total + bytes.len()),
            None => self.seen.push((name, 1, bytes.len())),
        }
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::S0 => "S0",
        Kind::Retry => "RETRY",
        Kind::IdRequest => "IDREQ",
        Kind::IdRecord => "IDREC",
        Kind::S1 => "S1",
        Kind::S2 => "S2",
    }
}

impl Datagrams for Wire {
    fn url(&self) -> &str {
        self.inner.url()
    }

    fn max_bytes(&self) -> usize {
        self.inner.max_bytes()
    }

    fn ask_receive_buffer(&self, bytes: usize) -> Option<usize> {
        self.inner.ask_receive_buffer(bytes)
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        let mut packets = packets.to_vec();
        self.with(|state| {
            for packet in &mut packets {
                self.change(state, packet);
                state.note(&packet.bytes);
            }
        });
        Box::pin(async move { self.inner.send(&packets).await })
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            let packets = self.inner.receive(limit).await?;
            self.with(|state| packets.iter().for_each(|packet| state.note(&packet.bytes)));
            Ok(packets)
        })
    }
}
