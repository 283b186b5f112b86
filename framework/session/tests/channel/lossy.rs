//! Datagrams on a simulated network that loses one in five, doubles one in ten and reorders: a
//! handshake finishes, and what is taken was sent and is taken once. `PQFW_SEEDS` says how many.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::world::Now;
use pqfw_memory::simulation::{Arrival, Conditions, Crossing, Departure, Sent, Simulation};
use pqfw_session::datagram::{Ending, Endpoint, Event, Limits, Output};
use pqfw_session::{ChannelError, Config};

use crate::nonces::{end, end_with, watched};
use crate::support::people::{CHEAP, HYBRID, OTHER, config, suite};

/// Three KEMs and three signatures in one: flights of four to eighteen parts.
const LARGE: &str =
    "ML-KEM-512+ML-KEM-768+ML-KEM-1024/ML-DSA-44+ML-DSA-65+ML-DSA-87/AES-256-GCM/HKDF-SHA384";

/// What each end says as soon as it may.
const EARLY: u16 = 20;

/// What each end says when the network is good again.
const LATE: u16 = 10;

/// A node of the simulation.
struct Coat {
    number: u8,
    endpoint: Endpoint,
    opened: Vec<pqfw_session::datagram::ChannelId>,
    came: Vec<Vec<u8>>,
    failed: Vec<ChannelError>,
    ended: Vec<Ending>,
}

fn address(node: usize) -> SocketAddr {
    let last = u8::try_from(node).unwrap();
    ([10, 0, 0, last], 4000).into()
}

fn node_at(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => address.ip().octets()[3].into(),
        SocketAddr::V6(_) => unreachable!("every node has an address of IPv4"),
    }
}

impl Coat {
    fn new(number: u8, config: Arc<Config>, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(number.into());
        Self {
            number,
            endpoint: Endpoint::new(config, Box::new(rng), Limits::default()),
            opened: Vec::new(),
            came: Vec::new(),
            failed: Vec::new(),
            ended: Vec::new(),
        }
    }

    fn say(&mut self, now: Now, from: u16, to: u16) {
        for number in from..to {
            let [a, b] = number.to_be_bytes();
            let text = [self.number, a, b];
            self.endpoint.send(now, self.opened[0], &text).unwrap();
        }
    }

    fn told(&mut self, now: Now, event: Event) {
        match event {
            Event::Opened(secured) => {
                self.opened.push(secured.id);
                self.say(now, 0, EARLY);
            }
            Event::Data(_, data) => self.came.push(data),
            Event::Failed(_, error) => self.failed.push(error),
            Event::Ended(_, ending) => self.ended.push(ending),
        }
    }

    /// Asserts that all that came was said by the other end, and came once.
    fn heard_only(&self, other: u8, seed: u64) {
        let mut heard = BTreeSet::new();
        for data in &self.came {
            let [from, a, b] = data[..] else {
                panic!("seed {seed}: something that nobody said");
            };
            let number = u16::from_be_bytes([a, b]);
            assert!(from == other && number < EARLY + LATE, "seed {seed}");
            assert!(heard.insert(number), "seed {seed}: {number} came twice");
        }
    }
}

impl Machine for Coat {
    type Input = Arrival;
    type Output = Departure;
    type Refusal = Infallible;

    fn handle(&mut self, now: Now, input: Arrival) -> Result<(), Infallible> {
        if let Arrival::Datagram { from, bytes } = input {
            self.endpoint.receive(now, address(from), &bytes);
        }
        Ok(())
    }

    fn poll(&mut self, now: Now) -> Step<Departure> {
        loop {
            match self.endpoint.poll(now) {
                Step::Do(Output::Send(packet)) => {
                    let to = node_at(packet.peer);
                    return Step::Do(Departure::datagram(to, packet.bytes));
                }
                Step::Do(Output::Tell(event)) => self.told(now, event),
                Step::Wait(until) => return Step::Wait(until),
            }
        }
    }
}

fn network(seed: u64, near: Arc<Config>, far: Arc<Config>) -> Simulation<Coat> {
    let coats = vec![Coat::new(0, near, seed), Coat::new(1, far, seed)];
    let mut network = Simulation::new(seed, Conditions::BAD, coats);
    let now = network.now();
    let near = network.node_mut(0).unwrap();
    near.endpoint.connect(now, address(1)).unwrap();
    network
}

/// How long the network is bad.
const BAD: Duration = Duration::from_secs(20);

/// Lets a handshake begin in a bad network that becomes a good one; asserts that it finishes.
fn finishes(seed: u64, mut network: Simulation<Coat>) {
    network.run_until(BAD, |_| false);
    network.set_conditions(Conditions::GOOD);
    network.run_until(Duration::from_secs(200), |_| false);
    for number in 0..2 {
        let now = network.now();
        let node = network.node_mut(number).unwrap();
        assert_eq!(
            (node.opened.len(), node.failed.len()),
            (1, 0),
            "seed {seed}"
        );
        node.say(now, EARLY, EARLY + LATE);
    }
    network.run(Duration::from_secs(10));
    for (number, other) in [(0, 1), (1, 0)] {
        let node = network.node(number).unwrap();
        node.heard_only(other, seed);
        let late = node
            .came
            .iter()
            .filter(|data| data[2] >= EARLY.to_be_bytes()[1]);
        assert_eq!(late.count(), usize::from(LATE), "seed {seed}");
        assert!(node.ended.is_empty(), "seed {seed}");
    }
}

/// How many seeds: 50, or what `PQFW_SEEDS` says, or fewer of what is slow.
fn seeds(slower: u64) -> std::ops::Range<u64> {
    let seeds = std::env::var("PQFW_SEEDS").map_or(50, |text| text.parse().unwrap());
    0..(seeds / slower).max(5)
}

#[test]
fn a_handshake_finishes_and_nothing_is_sealed_twice_under_a_nonce() {
    let (suite, seen) = watched(|_| {});
    let (near, far) = (Arc::new(end(1, &suite)), Arc::new(end(2, &suite)));
    for seed in seeds(1) {
        finishes(seed, network(seed, near.clone(), far.clone()));
    }
    let count = seen.lock().unwrap();
    assert_eq!(count.again, 0);
    assert!(count.seen.len() > seeds(1).count() * 60);
}

#[test]
fn a_handshake_with_a_retry_finishes() {
    let (watched, seen) = watched(|_| {});
    // Its first offer is of another KEM.
    let near = Arc::new(end_with(1, vec![suite(OTHER), watched.clone()]));
    let far = Arc::new(end(2, &watched));
    for seed in seeds(5) {
        finishes(seed, network(seed, near.clone(), far.clone()));
    }
    let count = seen.lock().unwrap();
    assert_eq!(count.again, 0);
    assert!(count.seen.len() > seeds(5).count() * 60);
}

#[test]
fn handshakes_of_many_parts_finish() {
    for (suite, slower) in [(HYBRID, 10), (LARGE, 50)] {
        let (near, far) = (config(1, &[suite]), config(2, &[suite]));
        for seed in seeds(slower) {
            finishes(seed, network(seed, near.clone(), far.clone()));
        }
    }
}

#[test]
fn forged_copies_of_a_third_of_the_datagrams_stop_no_handshake() {
    let (suite, seen) = watched(|_| {});
    let (near, far) = (Arc::new(end(1, &suite)), Arc::new(end(2, &suite)));
    for seed in seeds(2) {
        let mut network = network(seed, near.clone(), far.clone());
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        network.intercept(move |_, crossing| {
            let mut below = |most: usize| usize::try_from(rng.next_u32()).unwrap() % most;
            let Sent::Datagram(bytes) = &crossing.what else {
                unreachable!("there are no streams")
            };
            if below(3) > 0 {
                return vec![crossing];
            }
            let mut forged = bytes.clone();
            forged[below(bytes.len())] ^= 1 << below(8);
            let what = Sent::Datagram(forged);
            vec![Crossing { what, ..crossing }, crossing]
        });
        finishes(seed, network);
    }
    assert_eq!(seen.lock().unwrap().again, 0);
}

#[test]
fn in_a_network_that_stays_bad_most_finish_and_the_others_say_so() {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let mut opened = 0;
    for seed in seeds(1) {
        let mut network = network(seed, near.clone(), far.clone());
        network.run_until(Duration::from_secs(300), |_| false);
        for (number, other) in [(0, 1), (1, 0)] {
            network.node(number).unwrap().heard_only(other, seed);
        }
        let node = network.node(0).unwrap();
        assert_eq!(node.opened.len() + node.failed.len(), 1, "seed {seed}");
        opened += node.opened.len();
        let late = node.failed.iter();
        let timed_out = |error| matches!(error, &ChannelError::TimedOut { .. });
        assert_eq!(
            late.filter(|error| timed_out(error)).count(),
            node.failed.len()
        );
    }
    assert!(opened * 100 >= seeds(1).count() * 95, "{opened}");
}

#[test]
fn a_seed_is_a_whole_story() {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let fingerprint = |seed| {
        let mut network = network(seed, near.clone(), far.clone());
        network.run(Duration::from_secs(60));
        network.fingerprint()
    };
    assert_eq!(fingerprint(7), fingerprint(7));
    assert_ne!(fingerprint(7), fingerprint(8));
}
