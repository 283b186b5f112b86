//! Two nodes of PQVPN and whatever may lie between them, by a list of operations: a packet that is
//! told was sent, once, and no more is kept than may be.
#![no_main]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::world::{Now, World};
use pqfw_fuzz::SUITE;
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
    /// What is on its way is lost.
    Lose,
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
    LazyLock::new(|| Suites::new(vec![SUITE.clone()]).expect("one suite"));
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

impl End {
    fn new(own: &Arc<Identity>, other: &Arc<Identity>, number: u8) -> Self {
        let world = SeededWorld::new(number.into());
        let terms = RecordTerms {
            expires_unix_secs: 4_102_444_800,
            ..RecordTerms::default()
        };
        let record = own.record(terms, &mut *world.rng()).expect("a record");
        let trust = TrustList::new(TrustMode::Pinned, [(other.id(), None)]);
        let config = Config::new(
            Suites::new(vec![SUITE.clone()]).expect("one suite"),
            own.clone(),
            record,
            Arc::new(trust),
        );
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

    fn drain(&mut self, now: Now, history: &mut Vec<Vec<u8>>) {
        loop {
            match self.node.poll(now) {
                Step::Wait(_) => return,
                Step::Do(Output::Send { bytes, .. }) => {
                    history.push(bytes.clone());
                    self.wire.push(bytes);
                }
                Step::Do(Output::Job(job)) => {
                    let done = job.run(&mut *self.world.rng());
                    self.tell(now, Input::Done(done));
                }
                Step::Do(Output::Event(Event::Packet { peer, packet })) => {
                    assert_eq!(peer, self.other);
                    let number = packet.get(20..24).and_then(|number| number.try_into().ok());
                    let number = u32::from_be_bytes(number.expect("only whole packets"));
                    assert!(self.told.insert(number), "a packet was told twice");
                }
                Step::Do(Output::Event(_)) => {}
            }
        }
    }
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut ends = [End::new(&NEAR, &FAR, 1), End::new(&FAR, &NEAR, 2)];
    let addresses = ends.each_ref().map(|end| end.address);
    let mut history = Vec::new();
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
                    let mut moved = false;
                    for at in 0..2 {
                        ends[at].drain(now, &mut history);
                        for bytes in std::mem::take(&mut ends[at].wire) {
                            let from = addresses[at];
                            ends[1 - at].tell(now, Input::Datagram { from, bytes });
                            moved = true;
                        }
                    }
                    if !moved {
                        break;
                    }
                }
            }
            Operation::Lose => ends.iter_mut().for_each(|end| end.wire.clear()),
            Operation::Again {
                which,
                to_far,
                from_elsewhere,
                at,
                bit,
                change,
            } => {
                let Some(mut bytes) = history.get(usize::from(which)).cloned() else {
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
                end.tell(
                    now,
                    Input::Send {
                        peer,
                        shard,
                        packet,
                    },
                );
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
            end.drain(now, &mut history);
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
