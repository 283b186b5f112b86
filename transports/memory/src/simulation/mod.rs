//! A simulated network: protocol machines, a virtual clock, and everything that a network does to
//! what is sent, from one seed.
//!
//! ```text
//!              Departure                                          Arrival
//!  node 0 ──────────────▶ interceptor ─▶ partition, loss, delay ────────────▶ node 1
//!    ▲                    sees, changes,   duplication, order,                  │
//!    │ Wait(until)        drops, forges    splitting                            │
//!    └──────────────────────── the clock jumps to what is next ─────────────────┘
//! ```
//!
//! A node is a [`Machine`] that takes [`Arrival`]s and gives [`Departure`]s: a protocol's machine in
//! a thin coat, or two closures ([`node`]). There are no threads, no sockets, no tokio and no
//! waiting; a run takes as long as the machines compute, so that thousands of seeds fit in a test.
//!
//! ```
//! use std::time::Duration;
//! use pqfw_framework::machine::Step;
//! use pqfw_memory::simulation::{Arrival, Conditions, Departure, Ended, Simulation, node};
//!
//! // Says hello every second until somebody answers, whatever is lost.
//! let client = || {
//!     let (mut next, mut answered) = (Duration::ZERO, false);
//!     node(Vec::new(), move |heard: &mut Vec<Arrival>, now, arrival| {
//!         answered |= arrival.is_some();
//!         heard.extend(arrival);
//!         match now.since_start >= next {
//!             _ if answered => Step::Wait(None),
//!             false => Step::Wait(Some(next)),
//!             true => {
//!                 next = now.since_start + Duration::from_secs(1);
//!                 Step::Do(Departure::datagram(1, b"hello".to_vec()))
//!             }
//!         }
//!     })
//! };
//! let server = || {
//!     node(Vec::new(), |heard: &mut Vec<Arrival>, _, arrival| {
//!         let Some(arrival) = arrival else {
//!             return Step::Wait(None);
//!         };
//!         heard.push(arrival);
//!         Step::Do(Departure::datagram(0, b"and to you".to_vec()))
//!     })
//! };
//! for seed in 0..100 {
//!     let mut network = Simulation::new(seed, Conditions::BAD, vec![client(), server()]);
//!     assert_eq!(network.run(Duration::from_secs(600)), Ended::Quiet);
//!     assert!(!network.node(0).unwrap().state.is_empty());
//! }
//! ```
//!
//! **Datagrams** are lost, doubled, held back and reordered as the [`Conditions`] say; a partition
//! swallows them. **Streams** lose nothing and keep their order, in pieces that have nothing to do
//! with those that were sent; a partition holds them up, and [`Simulation::break_stream`] ends them.
//! The interceptor sees both kinds before the network does.
//!
//! The same seed, conditions and machines give the same run: [`Simulation::fingerprint`] tells.

mod conditions;
mod messages;
mod node;
mod streams;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::world::Now;

pub use conditions::Conditions;
pub use messages::{Arrival, Crossing, Departure, Sent};
pub use node::{Closure, node};

use streams::Direction;
use trace::Trace;

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is on its way and no node waits for a moment.
    Quiet,
    /// The time is over.
    Time,
    /// What the test waited for is there.
    Done,
    /// A node had [`TURNS`] things to do without the clock moving, which is a fault of its own.
    Busy {
        /// The node.
        node: usize,
    },
}

/// How many things one node may do in one moment.
pub const TURNS: usize = 100_000;

/// Gives the generator that a seed and a number make: for the machines, one number each.
#[must_use]
pub fn rng(seed: u64, number: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    rng.set_stream(number.saturating_add(1));
    rng
}

type Interceptor = Box<dyn FnMut(Now, Crossing) -> Vec<Crossing>>;

/// A network and its nodes, numbered from 0.
pub struct Simulation<M> {
    nodes: Vec<Node<M>>,
    conditions: Conditions,
    rng: ChaCha20Rng,
    clock: Duration,
    /// By moment, then in the order in which they were made.
    due: BTreeMap<(Duration, u64), Due>,
    made: u64,
    directions: BTreeMap<(usize, usize), Direction>,
    apart: BTreeSet<(usize, usize)>,
    interceptor: Option<Interceptor>,
    trace: Trace,
    refusals: usize,
}

struct Node<M> {
    machine: M,
    wakes: Option<Duration>,
    /// When it last did something, and how many things in that moment.
    busy: (Duration, usize),
}

enum Due {
    Arrival(usize, Arrival),
    /// The stream in that direction has bytes, or its end, to deliver.
    Stream(usize, usize),
}

/// 2026-01-01T00:00:00 UTC.
const BEGAN_UNIX_MICROS: u64 = 1_767_225_600_000_000;

impl<M: Machine<Input = Arrival, Output = Departure>> Simulation<M> {
    /// Makes a network at midnight of 2026-01-01, with nodes that have not been asked yet.
    #[must_use]
    pub fn new(seed: u64, conditions: Conditions, machines: Vec<M>) -> Self {
        let node = |machine| Node {
            machine,
            wakes: Some(Duration::ZERO),
            busy: (Duration::ZERO, 0),
        };
        Self {
            nodes: machines.into_iter().map(node).collect(),
            conditions,
            rng: ChaCha20Rng::seed_from_u64(seed),
            clock: Duration::ZERO,
            due: BTreeMap::new(),
            made: 0,
            directions: BTreeMap::new(),
            apart: BTreeSet::new(),
            interceptor: None,
            trace: Trace::new(),
            refusals: 0,
        }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Now {
        let passed_micros = u64::try_from(self.clock.as_micros()).unwrap_or(u64::MAX);
        Now {
            since_start: self.clock,
            unix_micros: BEGAN_UNIX_MICROS.saturating_add(passed_micros),
        }
    }

    /// A node, to look at.
    #[must_use]
    pub fn node(&self, number: usize) -> Option<&M> {
        self.nodes.get(number).map(|node| &node.machine)
    }

    /// A node, to tell it an application's wish. It is asked what to do about it when the
    /// simulation runs on.
    pub fn node_mut(&mut self, number: usize) -> Option<&mut M> {
        let node = self.nodes.get_mut(number)?;
        node.wakes = Some(self.clock);
        Some(&mut node.machine)
    }

    /// How often a node refused what it was told.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.refusals
    }

    /// A number over everything that has arrived anywhere, and when: two runs with the same one
    /// were the same.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.trace.fingerprint()
    }

    /// Changes the conditions for what is sent from now on.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Puts an attacker in the middle of everything: it gives what goes on instead of what it is
    /// given. It replaces the one before.
    pub fn intercept(&mut self, interceptor: impl FnMut(Now, Crossing) -> Vec<Crossing> + 'static) {
        self.interceptor = Some(Box::new(interceptor));
    }

    /// Sends something that no node has sent, past the interceptor.
    pub fn inject(&mut self, crossing: Crossing) {
        self.cross(crossing);
    }

    /// Separates two groups of nodes, until [`Self::heal`].
    pub fn partition(&mut self, some: &[usize], others: &[usize]) {
        for &one in some {
            self.apart.extend(others.iter().map(|&other| (one, other)));
            self.apart.extend(others.iter().map(|&other| (other, one)));
        }
    }

    /// Ends all partitions; streams go on where they were held up.
    pub fn heal(&mut self) {
        self.apart.clear();
        let held: Vec<_> = self.directions.keys().copied().collect();
        for (from, to) in held {
            self.plan_stream(from, to, self.clock);
        }
    }

    /// Breaks the stream between two nodes in both directions. What is on the way is lost, both
    /// are told, and what they send on it goes nowhere until [`Self::mend_stream`].
    pub fn break_stream(&mut self, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            self.direction(from, to).break_off();
            self.plan(self.clock, Due::Arrival(to, Arrival::Broken { from }));
        }
    }

    /// Opens a new stream in the place of one that broke or ended.
    pub fn mend_stream(&mut self, one: usize, other: usize) {
        for (from, to) in [(one, other), (other, one)] {
            *self.direction(from, to) = Direction::default();
        }
    }

    /// Runs on for that long, or until nothing can happen any more.
    pub fn run(&mut self, time: Duration) -> Ended {
        let end = self.clock.saturating_add(time);
        self.run_until(end, |_| false)
    }

    /// Runs on until that moment, until nothing can happen any more, or until `done` is true.
    pub fn run_until(&mut self, end: Duration, done: impl Fn(&Self) -> bool) -> Ended {
        loop {
            let Some(next) = self.next() else {
                return Ended::Quiet;
            };
            if next > end {
                self.clock = end.max(self.clock);
                return Ended::Time;
            }
            self.clock = next.max(self.clock);
            if let Err(node) = self.step() {
                return Ended::Busy { node };
            }
            if done(self) {
                return Ended::Done;
            }
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Duration> {
        let due = self.due.first_key_value().map(|(&(moment, _), _)| moment);
        let wakes = self.nodes.iter().filter_map(|node| node.wakes).min();
        due.into_iter().chain(wakes).min()
    }

    /// Does one thing that is due; an error names a node that is busy.
    fn step(&mut self) -> Result<(), usize> {
        let first = self.due.first_entry();
        let due = first.filter(|entry| entry.key().0 <= self.clock);
        match due.map(|entry| entry.remove()) {
            Some(Due::Arrival(to, arrival)) => self.deliver(to, arrival),
            Some(Due::Stream(from, to)) => match self.stream_delivers(from, to) {
                Some(arrival) => self.deliver(to, arrival),
                None => Ok(()),
            },
            None => {
                let wakes = |node: &Node<M>| node.wakes.is_some_and(|at| at <= self.clock);
                let woken = self.nodes.iter().position(wakes);
                woken.map_or(Ok(()), |number| self.drain(number))
            }
        }
    }

    fn deliver(&mut self, to: usize, arrival: Arrival) -> Result<(), usize> {
        self.trace.take(self.clock, to, &arrival);
        let now = self.now();
        let Some(node) = self.nodes.get_mut(to) else {
            return Ok(());
        };
        if node.machine.handle(now, arrival).is_err() {
            self.refusals += 1;
        }
        self.drain(to)
    }

    /// Asks a node what to do until it waits.
    fn drain(&mut self, number: usize) -> Result<(), usize> {
        let now = self.now();
        loop {
            let Some(node) = self.nodes.get_mut(number) else {
                return Ok(());
            };
            if node.busy.0 != self.clock {
                node.busy = (self.clock, 0);
            }
            node.busy.1 += 1;
            if node.busy.1 > TURNS {
                return Err(number);
            }
            match node.machine.poll(now) {
                Step::Wait(until) => {
                    node.wakes = until;
                    return Ok(());
                }
                Step::Do(Departure { to, what }) => self.depart(Crossing {
                    from: number,
                    to,
                    what,
                }),
            }
        }
    }

    fn depart(&mut self, crossing: Crossing) {
        let now = self.now();
        let crossings = match &mut self.interceptor {
            Some(interceptor) => interceptor(now, crossing),
            None => vec![crossing],
        };
        for crossing in crossings {
            self.cross(crossing);
        }
    }

    /// Lets the network have it.
    fn cross(&mut self, Crossing { from, to, what }: Crossing) {
        match what {
            Sent::Datagram(bytes) => {
                if self.apart.contains(&(from, to)) {
                    return;
                }
                for delay in self.conditions.delays(&mut self.rng) {
                    let bytes = bytes.clone();
                    let arrival = Arrival::Datagram { from, bytes };
                    self.plan(self.clock.saturating_add(delay), Due::Arrival(to, arrival));
                }
            }
            Sent::Bytes(bytes) => {
                let latency = self.conditions.latency(&mut self.rng);
                let ready = self.clock.saturating_add(latency);
                self.direction(from, to).write(ready, &bytes);
                self.plan_stream(from, to, ready);
            }
            Sent::End => {
                let latency = self.conditions.latency(&mut self.rng);
                let ready = self.clock.saturating_add(latency);
                self.direction(from, to).end(ready);
                self.plan_stream(from, to, ready);
            }
        }
    }

    /// Plans a delivery of a stream, unless there is one before, which will plan this one.
    fn plan_stream(&mut self, from: usize, to: usize, moment: Duration) {
        let planned = &mut self.direction(from, to).planned;
        if planned.is_none_or(|before| before > moment) {
            *planned = Some(moment);
            self.plan(moment, Due::Stream(from, to));
        }
    }

    fn plan(&mut self, moment: Duration, due: Due) {
        self.made += 1;
        self.due.insert((moment, self.made), due);
    }

    fn direction(&mut self, from: usize, to: usize) -> &mut Direction {
        self.directions.entry((from, to)).or_default()
    }

    /// What a stream delivers now, and plans the rest.
    fn stream_delivers(&mut self, from: usize, to: usize) -> Option<Arrival> {
        self.direction(from, to).planned = None;
        if self.apart.contains(&(from, to)) {
            return None;
        }
        let (clock, most) = (self.clock, self.conditions.piece(&mut self.rng));
        let direction = self.directions.get_mut(&(from, to))?;
        let arrival = direction.read(clock, most, from);
        if let Some(ready) = direction.ready() {
            // The pieces of what has arrived already come a little apart.
            let apart = self.conditions.latency(&mut self.rng) / 4;
            let moment = match ready > clock {
                true => ready,
                false => clock.saturating_add(apart),
            };
            self.plan_stream(from, to, moment);
        }
        arrival
    }
}

/// A number below `end`, or 0.
fn below(rng: &mut ChaCha20Rng, end: u64) -> u64 {
    rng.next_u64().checked_rem(end).unwrap_or(0)
}
