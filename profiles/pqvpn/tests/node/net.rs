//! A network in one function: everything arrives at once, unless the test holds it back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::world::Now;
use pqfw_pqvpn::handshake::Job;
use pqfw_pqvpn::node::{Config, Event, Input, Node, Output, Refusal};
use pqfw_pqvpn::plane::Plane;
use pqfw_pqvpn::trust::{TrustList, TrustMode};
use pqfw_pqvpn::{Identity, PeerId, RecordTerms};

use crate::people::{rng, shared, suites};

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Packet {
    /// Its kind: the second byte.
    pub(crate) fn kind(&self) -> u8 {
        self.bytes[1]
    }
}

/// A node at an address.
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) node: Node,
    pub(crate) plane: Plane,
    pub(crate) events: Vec<Event>,
    pub(crate) refusals: Vec<Refusal>,
    /// Jobs, when the test holds them back.
    pub(crate) jobs: Vec<Job>,
    pub(crate) holds_jobs: bool,
    rng: ChaCha20Rng,
}

type Fate = Box<dyn FnMut(Packet) -> Vec<Packet>>;

/// The network.
pub(crate) struct Net {
    pub(crate) places: Vec<Place>,
    pub(crate) at: Duration,
    /// What becomes of each datagram.
    pub(crate) fate: Fate,
    /// Everything that was sent.
    pub(crate) sent: Vec<Packet>,
}

/// 2026-01-01T00:00:00 UTC.
const BEGAN_UNIX_MICROS: u64 = 1_767_225_600_000_000;
pub(crate) const YEAR_2100_UNIX_SECS: u64 = 4_102_444_800;

pub(crate) fn moment(at: Duration) -> Now {
    Now {
        since_start: at,
        unix_micros: BEGAN_UNIX_MICROS + u64::try_from(at.as_micros()).unwrap(),
    }
}

pub(crate) fn address(number: usize) -> SocketAddr {
    format!("10.0.0.{}:4242", number + 1).parse().unwrap()
}

/// Says in one word what is trusted.
pub(crate) fn trust(mode: TrustMode, known: &[PeerId]) -> Arc<TrustList> {
    Arc::new(TrustList::new(mode, known.iter().map(|id| (*id, None))))
}

/// The configuration of a node that trusts some, or anybody when there are none.
pub(crate) fn config(identity: &Arc<Identity>, names: &[&str], known: &[PeerId]) -> Config {
    let mode = match known {
        [] => TrustMode::Tofu,
        _ => TrustMode::Pinned,
    };
    let terms = RecordTerms {
        expires_unix_secs: YEAR_2100_UNIX_SECS,
        ..RecordTerms::default()
    };
    let record = identity.record(terms, &mut rng(77)).unwrap();
    Config::new(suites(names), identity.clone(), record, trust(mode, known))
}

impl Net {
    pub(crate) fn new(configs: Vec<Config>) -> Self {
        let place = |(number, config): (usize, Config)| Place {
            address: address(number),
            node: Node::new(config, Box::new(rng(1000 + number as u64))).unwrap(),
            plane: Plane::default(),
            events: Vec::new(),
            refusals: Vec::new(),
            jobs: Vec::new(),
            holds_jobs: false,
            rng: rng(2000 + number as u64),
        };
        Self {
            places: configs.into_iter().enumerate().map(place).collect(),
            at: Duration::from_secs(100),
            fate: Box::new(|packet| vec![packet]),
            sent: Vec::new(),
        }
    }

    /// Nodes of the same suites that know each other.
    pub(crate) fn of(count: u64, names: &[&str]) -> Self {
        let identities: Vec<_> = (0..count).map(|seed| shared(seed, names[0])).collect();
        let ids: Vec<_> = identities.iter().map(|identity| identity.id()).collect();
        let configs = identities.iter().map(|own| config(own, names, &ids));
        Self::new(configs.collect())
    }

    pub(crate) fn id(&self, number: usize) -> PeerId {
        self.places[number].node.id()
    }

    pub(crate) fn tell(&mut self, number: usize, input: Input) -> Result<(), Refusal> {
        let place = &mut self.places[number];
        let told = place.node.handle(moment(self.at), input);
        place.refusals.extend(told.clone().err());
        told
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) {
        let input = Input::Connect {
            name: format!("node {to}"),
            address: address(to),
            peer: Some(self.id(to)),
        };
        self.tell(from, input).unwrap();
    }

    /// Gives a datagram to whoever has its address.
    pub(crate) fn deliver(&mut self, packet: Packet) -> Option<Result<(), Refusal>> {
        let Packet { from, to, bytes } = packet;
        let mut places = self.places.iter();
        let number = places.position(|place| place.address == to)?;
        Some(self.tell(number, Input::Datagram { from, bytes }))
    }

    /// Lets everything happen that happens at this moment.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let packets: Vec<_> = (0..self.places.len())
                .flat_map(|number| self.drain(number))
                .collect();
            if packets.is_empty() {
                return;
            }
            for packet in packets {
                self.sent.push(packet.clone());
                for packet in (self.fate)(packet) {
                    self.deliver(packet);
                }
            }
        }
        panic!("the nodes do not come to rest");
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.at + time;
        self.settle();
        while self.at < end {
            let now = moment(self.at);
            let wakes = self.places.iter_mut().filter_map(|place| {
                let Step::Wait(until) = place.node.poll(now) else {
                    panic!("settled")
                };
                until
            });
            self.at = wakes.min().map_or(end, |wake| wake.clamp(self.at, end));
            self.settle();
        }
    }

    pub(crate) fn pass_secs(&mut self, secs: u64) {
        self.pass(Duration::from_secs(secs));
    }

    /// Does the jobs that were held back; what they give is told.
    pub(crate) fn work(&mut self, number: usize) -> Vec<Result<(), Refusal>> {
        let place = &mut self.places[number];
        let jobs = std::mem::take(&mut place.jobs);
        let done: Vec<_> = jobs
            .into_iter()
            .map(|job| job.run(&mut place.rng))
            .collect();
        done.into_iter()
            .map(|done| self.tell(number, Input::Done(done)))
            .collect()
    }

    fn drain(&mut self, number: usize) -> Vec<Packet> {
        let mut packets = Vec::new();
        loop {
            let place = &mut self.places[number];
            match place.node.poll(moment(self.at)) {
                Step::Wait(_) => return packets,
                Step::Do(Output::Event(event)) => place.events.push(event),
                Step::Do(Output::Plane(change)) => place.plane.apply(change),
                Step::Do(Output::Job(job)) if place.holds_jobs => place.jobs.push(job),
                Step::Do(Output::Job(job)) => {
                    let done = job.run(&mut place.rng);
                    // A handshake that fails is among the refusals.
                    let _ = self.tell(number, Input::Done(done));
                }
                Step::Do(Output::Send { to, bytes }) => packets.push(Packet {
                    from: place.address,
                    to,
                    bytes,
                }),
            }
        }
    }

    /// Sends a packet of that many bytes, numbered.
    pub(crate) fn send(&mut self, from: usize, to: usize, number: u32) -> Result<(), Refusal> {
        let peer = self.id(to);
        let packet = packet(number, 64);
        self.tell(
            from,
            Input::Send {
                peer,
                shard: 0,
                packet,
            },
        )
    }

    /// The numbers of the packets that a node has received.
    pub(crate) fn received(&self, number: usize) -> Vec<u32> {
        let events = self.places[number].events.iter();
        let numbers = events.filter_map(|event| match event {
            Event::Packet { packet, .. } => {
                Some(u32::from_be_bytes(packet[20..24].try_into().unwrap()))
            }
            _ => None,
        });
        numbers.collect()
    }

    pub(crate) fn is_up(&self, one: usize, other: usize) -> bool {
        self.places[one].node.is_up(self.id(other)) && self.places[other].node.is_up(self.id(one))
    }

    /// How many of a node's events are of a kind.
    pub(crate) fn count(&self, number: usize, is: impl Fn(&Event) -> bool) -> usize {
        self.places[number]
            .events
            .iter()
            .filter(|event| is(event))
            .count()
    }
}

/// An IPv4 packet of a length with a number in it.
pub(crate) fn packet(number: u32, length: u16) -> Vec<u8> {
    let [a, b] = length.to_be_bytes();
    let mut packet = vec![0x45, 0, a, b];
    packet.resize(length.into(), 7);
    packet[20..24].copy_from_slice(&number.to_be_bytes());
    packet
}
