//! Carries the packets of two endpoints by a list of operations, which loses, repeats, changes and
//! makes up whatever it likes: what is told was sent, once, and no more is remembered than may be.
#![no_main]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::transport::Packet;
use pqfw_framework::world::{Now, World};
use pqfw_fuzz::{INITIATOR, RESPONDER};
use pqfw_memory::SeededWorld;
use pqfw_session::Config;
use pqfw_session::datagram::{ChannelId, Endpoint, Event, Limits, Output};

const LIMITS: Limits = Limits {
    attempts: 5,
    attempts_per_address: 3,
    bytes: 4000,
    bytes_per_address: 3000,
    sessions: 2,
    sessions_each: 1,
    idle: Duration::from_secs(1000),
    age: Duration::from_secs(5000),
    datagram: 1200,
};

#[derive(Arbitrary, Debug)]
enum Operation {
    /// The near end begins a handshake.
    Connect,
    /// Everything that is on its way arrives, until nothing more is said.
    Carry,
    /// What is on its way is lost.
    Lose,
    /// Something that was sent once comes to one end, perhaps changed and from elsewhere.
    Again {
        which: u16,
        to_far: bool,
        from_elsewhere: bool,
        at: u16,
        bit: u8,
        change: bool,
    },
    /// A piece of a flight that nobody sent, in an attempt that there is.
    Piece {
        which: u16,
        to_far: bool,
        flight: u8,
        total: u32,
        offset: u32,
        bytes: Vec<u8>,
    },
    /// Any bytes.
    Raw { to_far: bool, bytes: Vec<u8> },
    /// Time passes.
    Wait { tenths: u16 },
    /// Data on the newest channel of one end.
    Send { from_far: bool, length: u8 },
    /// The newest channel of one end is closed.
    Close { from_far: bool },
}

/// One end, and what its application knows.
struct End {
    endpoint: Endpoint,
    address: SocketAddr,
    /// What is on its way from here.
    wire: Vec<Packet>,
    opened: Vec<ChannelId>,
    sent: u32,
    told: Vec<u32>,
}

impl End {
    fn new(config: &Arc<Config>, number: u8) -> Self {
        let rng = SeededWorld::new(number.into()).rng();
        Self {
            endpoint: Endpoint::new(config.clone(), rng, LIMITS),
            address: ([192, 0, 2, number], 4000).into(),
            wire: Vec::new(),
            opened: Vec::new(),
            sent: 0,
            told: Vec::new(),
        }
    }

    fn drain(&mut self, now: Now, history: &mut Vec<Packet>) {
        loop {
            match self.endpoint.poll(now) {
                Step::Do(Output::Send(packet)) => {
                    history.push(packet.clone());
                    self.wire.push(packet);
                }
                Step::Do(Output::Tell(event)) => self.told(event),
                Step::Wait(until) => {
                    assert!(
                        until.is_none_or(|until| until > now.since_start),
                        "it is busy"
                    );
                    return;
                }
            }
        }
    }

    fn told(&mut self, event: Event) {
        match event {
            Event::Opened(secured) => self.opened.push(secured.id),
            Event::Data(_, data) => {
                let number = data.first_chunk().expect("a number before the data");
                self.told.push(u32::from_be_bytes(*number));
            }
            Event::Failed(..) => {}
            Event::Ended(id, _) => self.opened.retain(|open| *open != id),
        }
    }

    fn send(&mut self, now: Now, length: u8) {
        let Some(id) = self.opened.last() else { return };
        let mut data = self.sent.to_be_bytes().to_vec();
        data.resize(4 + usize::from(length), 7);
        if self.endpoint.send(now, *id, &data).is_ok() {
            self.sent += 1;
        }
    }

    /// Asserts that what was told was sent by the other end, and came once.
    fn check(&mut self, sent: u32) {
        let held = self.endpoint.held();
        assert!(held.attempts <= LIMITS.attempts && held.bytes <= LIMITS.bytes);
        assert!(held.sessions <= LIMITS.sessions);
        self.told.sort_unstable();
        assert!(self.told.windows(2).all(|pair| pair[0] != pair[1]), "twice");
        assert!(self.told.last().is_none_or(|last| *last < sent), "not sent");
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let (mut near, mut far) = (End::new(&INITIATOR, 1), End::new(&RESPONDER, 2));
    let mut clock = Duration::from_secs(1);
    let mut history: Vec<Packet> = Vec::new();
    for operation in operations.into_iter().take(300) {
        let now = Now {
            since_start: clock,
            unix_micros: u64::try_from(clock.as_micros()).expect("not that old"),
        };
        let come = |near: &mut End, far: &mut End, to_far: bool, elsewhere, bytes: &[u8]| {
            let (end, mut from) = if to_far {
                (far, near.address)
            } else {
                (near, far.address)
            };
            if elsewhere {
                from = ([198, 51, 100, 1], 9).into();
            }
            end.endpoint.receive(now, from, bytes);
        };
        match operation {
            Operation::Connect => {
                near.endpoint
                    .connect(now, far.address)
                    .expect("a sound suite");
            }
            Operation::Carry => loop {
                let there = std::mem::take(&mut near.wire);
                let back = std::mem::take(&mut far.wire);
                if there.is_empty() && back.is_empty() {
                    break;
                }
                for packet in there {
                    come(&mut near, &mut far, true, false, &packet.bytes);
                }
                for packet in back {
                    come(&mut near, &mut far, false, false, &packet.bytes);
                }
                near.drain(now, &mut history);
                far.drain(now, &mut history);
            },
            Operation::Lose => {
                near.wire.clear();
                far.wire.clear();
            }
            Operation::Again {
                which,
                to_far,
                from_elsewhere,
                at,
                bit,
                change,
            } => {
                let Some(packet) = history.get(usize::from(which)) else {
                    continue;
                };
                let mut bytes = packet.bytes.clone();
                if let (true, Some(byte)) = (change, bytes.get_mut(usize::from(at))) {
                    *byte ^= 1 << (bit % 8);
                }
                come(&mut near, &mut far, to_far, from_elsewhere, &bytes);
            }
            Operation::Piece {
                which,
                to_far,
                flight,
                total,
                offset,
                bytes,
            } => {
                let head = history
                    .get(usize::from(which))
                    .and_then(|p| p.bytes.get(..26));
                let Some(head) = head else { continue };
                let mut piece = head.to_vec();
                piece[0] = 30;
                piece[9] = flight;
                piece.extend(total.to_be_bytes());
                piece.extend(offset.to_be_bytes());
                piece.extend(bytes);
                come(&mut near, &mut far, to_far, false, &piece);
            }
            Operation::Raw { to_far, bytes } => come(&mut near, &mut far, to_far, false, &bytes),
            Operation::Wait { tenths } => {
                clock += Duration::from_millis(100) * tenths.into();
                continue;
            }
            Operation::Send { from_far, length } => {
                let end = if from_far { &mut far } else { &mut near };
                end.send(now, length);
            }
            Operation::Close { from_far } => {
                let end = if from_far { &mut far } else { &mut near };
                if let Some(id) = end.opened.pop() {
                    end.endpoint.close(now, id);
                }
            }
        }
        near.drain(now, &mut history);
        far.drain(now, &mut history);
        let (near_sent, far_sent) = (near.sent, far.sent);
        near.check(far_sent);
        far.check(near_sent);
    }
});
