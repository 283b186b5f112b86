//! Two nodes of PQVPN and whatever may lie between them, by a list of operations: a packet that is
//! told was sent, once, and no more is kept than may be. Whoever lies between them is on the path:
//! it sees the tokens and makes the fragments' MACs right. With an insider seals are broken as
//! well, so that what is behind them is read.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::world::{Now, World};
use pqfw_fuzz::SUITE;
use pqfw_fuzz::insider::{INSIDERS, IS_ABOUT};
use pqfw_memory::SeededWorld;
use pqfw_pqvpn::node::{Config, Event, Input, Node, Output};
use pqfw_pqvpn::trust::{TrustList, TrustMode};
use pqfw_pqvpn::{Identity, PeerId, RecordTerms, Suites};

#[derive(Arbitrary, Debug)]
enum Operation {
    /// One end wants the other.
    Connect { from_far: bool },
    /// Everything that is on its way arrives, until nothing more is said.
    Carry,
    /// What is on its way arrives, and its answers are on theirs.
    Step,
    /// What is on its way is lost.
    Lose,
    /// Something that is on its way is changed, and its MAC made right.
    Tamper {
        from_far: bool,
        which: u8,
        at: u16,
        with: Vec<u8>,
        cut: u8,
    },
    /// Something that was sent once comes again, perhaps changed and from elsewhere.
    Again {
        which: u16,
        to_far: bool,
        from_elsewhere: bool,
        at: u16,
        bit: u8,
        change: bool,
    },
    /// Any bytes.
    Raw { to_far: bool, bytes: Vec<u8> },
    /// Time passes.
    Wait { tenths: u16 },
    /// An IP packet.
    Send { from_far: bool, shard: u8 },
    /// New keys.
    Rekey { from_far: bool },
    /// The end of it.
    Drop { from_far: bool },
}

static SUITES: LazyLock<Suites> =
    LazyLock::new(|| Suites::new(vec![INSIDERS.clone()]).expect("one suite"));
static NEAR: LazyLock<Arc<Identity>> = LazyLock::new(|| Arc::new(identity(1)));
static FAR: LazyLock<Arc<Identity>> = LazyLock::new(|| Arc::new(identity(2)));

fn identity(seed: u64) -> Identity {
    let mut rng = SeededWorld::new(seed).rng();
    let signing = SUITE.signature.generate_storable(&mut *rng).expect("a key");
    let decapsulation = SUITE.kem.generate_storable(&mut *rng).expect("a key");
    Identity::new(&SUITES, signing, decapsulation).expect("keys of the suite")
}

/// One end, and what it has sent and told.
struct End {
    node: Node,
    address: SocketAddr,
    other: PeerId,
    wire: Vec<Vec<u8>>,
    world: SeededWorld,
    sent: u32,
    told: BTreeSet<u32>,
}

/// Whoever lies between: what was sent, and the tokens by the initiator's index.
#[derive(Default)]
struct Path {
    history: Vec<Vec<u8>>,
    tokens: BTreeMap<[u8; 4], Vec<u8>>,
    insider: bool,
}

const HEAD: usize = 16;
const MAC: usize = 16;

impl Path {
    fn see(&mut self, frame: &[u8]) {
        if let (Some(0x30), Some(index), Some(token)) = (
            frame.get(1),
            frame.get(8..12).and_then(|index| index.try_into().ok()),
            frame.last_chunk::<32>(),
        ) {
            self.tokens.insert(index, token.to_vec());
        }
        self.history.push(frame.to_vec());
    }

    /// Changes a frame behind its head, and makes length and MAC right where it can.
    fn tamper(&self, frame: &mut Vec<u8>, at: u16, with: &[u8], cut: u8) {
        let Some(kind) = frame.get(1).copied() else {
            return;
        };
        let is_fragment = matches!(kind, 1 | 2 | 0x31 | 0x32);
        let end = frame.len() - if is_fragment { MAC } else { 0 };
        let (body, tail) = (frame.get(HEAD..end), frame.get(end..));
        let (Some(body), Some(tail)) = (body, tail) else {
            return;
        };
        let (mut body, tail) = (body.to_vec(), tail.to_vec());
        let at = usize::from(at) % (body.len() + 1);
        for (to, from) in body.iter_mut().skip(at).zip(with) {
            *to = *from;
        }
        body.truncate(body.len().saturating_sub(usize::from(cut % 8)));
        frame.truncate(HEAD);
        frame.extend(&body);
        if kind != 3 {
            let length = (body.len() + tail.len()) as u16;
            frame[12..14].copy_from_slice(&length.to_be_bytes());
        }
        let index: [u8; 4] = match kind {
            1 | 0x31 => frame[4..8].try_into().expect("four"),
            _ => frame[8..12].try_into().expect("four"),
        };
        match self.tokens.get(&index) {
            Some(token) if is_fragment => {
                // Extract of HKDF-SHA256 is HMAC-SHA256.
                let mac = SUITE.kdf.extract(token, frame).expect("a MAC");
                frame.extend(&mac.expose()[..MAC]);
            }
            _ => frame.extend(tail),
        }
    }
}

impl End {
    fn new(own: &Arc<Identity>, other: &Arc<Identity>, number: u8) -> Self {
        let world = SeededWorld::new(number.into());
        let terms = RecordTerms {
            expires_unix_secs: 4_102_444_800,
            ..RecordTerms::default()
        };
        let record = own.record(terms, &mut *world.rng()).expect("a record");
        let trust = TrustList::new(TrustMode::Tofu, [(other.id(), None)]);
        let mut config = Config::new(SUITES.clone(), own.clone(), record, Arc::new(trust));
        config.most_datagram = 1232 + 240 * usize::from(number % 2);
        Self {
            node: Node::new(config, world.rng()).expect("a node"),
            address: ([192, 0, 2, number], 4242).into(),
            other: other.id(),
            wire: Vec::new(),
            world,
            sent: 0,
            told: BTreeSet::new(),
        }
    }

    fn tell(&mut self, now: Now, input: Input) {
        // Refusals are what most of it ends in.
        let _ = self.node.handle(now, input);
    }

    fn drain(&mut self, now: Now, path: &mut Path) {
        loop {
            match self.node.poll(now) {
                Step::Wait(_) => return,
                Step::Do(Output::Send { bytes, .. }) => {
                    path.see(&bytes);
                    self.wire.push(bytes);
                }
                Step::Do(Output::Job(job)) => {
                    let done = job.run(&mut *self.world.rng());
                    self.tell(now, Input::Done(done));
                }
                Step::Do(Output::Event(Event::Packet { peer, packet })) => {
                    assert_eq!(peer, self.other);
                    if path.insider {
                        continue;
                    }
                    let number = packet.get(20..24).and_then(|number| number.try_into().ok());
                    let number = u32::from_be_bytes(number.expect("only whole packets"));
                    assert!(self.told.insert(number), "a packet was told twice");
                }
                Step::Do(Output::Event(_) | Output::Plane(_)) => {}
            }
        }
    }
}

/// Everything that is on its way arrives.
fn step(ends: &mut [End; 2], now: Now, path: &mut Path) -> bool {
    let addresses = ends.each_ref().map(|end| end.address);
    let mut moved = false;
    for at in 0..2 {
        ends[at].drain(now, path);
        for bytes in std::mem::take(&mut ends[at].wire) {
            let from = addresses[at];
            ends[1 - at].tell(now, Input::Datagram { from, bytes });
            moved = true;
        }
    }
    moved
}

fuzz_target!(|input: (bool, Vec<Operation>)| {
    let (insider, operations) = input;
    IS_ABOUT.store(false, Ordering::Relaxed);
    let mut ends = [End::new(&NEAR, &FAR, 1), End::new(&FAR, &NEAR, 2)];
    IS_ABOUT.store(insider, Ordering::Relaxed);
    let addresses = ends.each_ref().map(|end| end.address);
    let mut path = Path {
        insider,
        ..Path::default()
    };
    let mut since_start = Duration::from_secs(100);
    let began = SeededWorld::new(0).now().unix_micros;
    for operation in operations.into_iter().take(200) {
        let now = Now {
            since_start,
            unix_micros: began + since_start.as_micros() as u64,
        };
        match operation {
            Operation::Connect { from_far } => {
                let at = usize::from(from_far);
                let input = Input::Connect {
                    name: "the other".into(),
                    address: addresses[1 - at],
                    peer: Some(ends[at].other),
                };
                ends[at].tell(now, input);
            }
            Operation::Carry => {
                for _ in 0..50 {
                    if !step(&mut ends, now, &mut path) {
                        break;
                    }
                }
            }
            Operation::Step => {
                step(&mut ends, now, &mut path);
            }
            Operation::Lose => ends.iter_mut().for_each(|end| end.wire.clear()),
            Operation::Tamper {
                from_far,
                which,
                at,
                with,
                cut,
            } => {
                let wire = &mut ends[usize::from(from_far)].wire;
                let which = usize::from(which) % wire.len().max(1);
                if let Some(frame) = wire.get_mut(which) {
                    path.tamper(frame, at, &with, cut);
                }
            }
            Operation::Again {
                which,
                to_far,
                from_elsewhere,
                at,
                bit,
                change,
            } => {
                let Some(mut bytes) = path.history.get(usize::from(which)).cloned() else {
                    continue;
                };
                if let (true, Some(byte)) = (change, bytes.get_mut(usize::from(at))) {
                    *byte ^= 1 << (bit % 8);
                }
                let from = match from_elsewhere {
                    true => ([198, 51, 100, 7], 9).into(),
                    false => addresses[usize::from(!to_far)],
                };
                ends[usize::from(to_far)].tell(now, Input::Datagram { from, bytes });
            }
            Operation::Raw { to_far, bytes } => {
                let from = addresses[usize::from(!to_far)];
                ends[usize::from(to_far)].tell(now, Input::Datagram { from, bytes });
            }
            Operation::Wait { tenths } => {
                since_start += Duration::from_millis(100 * u64::from(tenths));
            }
            Operation::Send { from_far, shard } => {
                let end = &mut ends[usize::from(from_far)];
                let mut packet = vec![0x45, 0, 0, 24];
                packet.resize(20, 7);
                packet.extend(end.sent.to_be_bytes());
                end.sent += 1;
                let (peer, shard) = (end.other, usize::from(shard));
                let input = Input::Send {
                    peer,
                    shard,
                    packet,
                };
                end.tell(now, input);
            }
            Operation::Rekey { from_far } => {
                let end = &mut ends[usize::from(from_far)];
                end.tell(now, Input::Rekey(end.other));
            }
            Operation::Drop { from_far } => {
                let end = &mut ends[usize::from(from_far)];
                end.tell(now, Input::Drop(end.other));
            }
        }
        for end in &mut ends {
            end.drain(now, &mut path);
            // One peer: current, half open, three former.
            assert!(end.node.sessions() <= 5, "{} sessions", end.node.sessions());
            assert!(end.node.arriving() <= 8, "of one address");
        }
        for (one, other) in [(0, 1), (1, 0)] {
            let sent = ends[one].sent;
            assert!(
                ends[other].told.last().is_none_or(|last| *last < sent),
                "a packet was told that nobody sent"
            );
        }
    }
});
