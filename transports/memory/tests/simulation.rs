//! The simulated network does what its conditions say, and the same again for the same seed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::Rng;
use pqfw_framework::world::Now;
use pqfw_memory::simulation::{
    Arrival, Closure, Conditions, Crossing, Departure, Ended, Sent, Simulation, node, rng,
};

type Heard = Vec<(Duration, Arrival)>;

/// Writes down what arrives, and sends what it was given at once.
fn sends(mut departures: Vec<Departure>) -> Closure<Heard> {
    departures.reverse();
    node(Heard::new(), move |heard: &mut Heard, now, arrival| {
        heard.extend(arrival.map(|arrival| (now.since_start, arrival)));
        departures.pop().map_or(Step::Wait(None), Step::Do)
    })
}

fn numbers(count: u16) -> Vec<Departure> {
    let numbers = (0..count).map(|number| number.to_be_bytes().to_vec());
    numbers.map(|bytes| Departure::datagram(1, bytes)).collect()
}

fn network(seed: u64, conditions: Conditions, sent: Vec<Departure>) -> Simulation<Closure<Heard>> {
    Simulation::new(seed, conditions, vec![sends(sent), sends(Vec::new())])
}

fn heard(network: &Simulation<Closure<Heard>>) -> &Heard {
    &network.node(1).unwrap().state
}

fn received(network: &Simulation<Closure<Heard>>) -> Vec<u16> {
    let numbers = heard(network).iter().map(|(_, arrival)| match arrival {
        Arrival::Datagram { from: 0, bytes } => u16::from_be_bytes(bytes[..].try_into().unwrap()),
        other => panic!("{other:?}"),
    });
    numbers.collect()
}

/// What came over the stream, whether it ended, and in how many pieces.
fn streamed(network: &Simulation<Closure<Heard>>) -> (Vec<u8>, bool, usize) {
    let (mut all, mut ended, mut pieces) = (Vec::new(), false, 0);
    for (_, arrival) in heard(network) {
        assert!(!ended, "something came after the end");
        match arrival {
            Arrival::Bytes { from: 0, bytes } => {
                assert!(!bytes.is_empty());
                all.extend_from_slice(bytes);
                pieces += 1;
            }
            Arrival::End { from: 0 } => ended = true,
            other => panic!("{other:?}"),
        }
    }
    (all, ended, pieces)
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_good_network_delivers_everything_in_order_after_its_latency() {
    let mut network = network(1, Conditions::GOOD, numbers(1000));
    assert_eq!(network.run(LONG), Ended::Quiet);
    assert_eq!(received(&network), (0..1000).collect::<Vec<_>>());
    let latency = Conditions::GOOD.latency;
    assert!(heard(&network).iter().all(|(at, _)| *at == latency));
    assert_eq!(network.now().since_start, latency);
}

#[test]
fn a_bad_network_loses_doubles_and_reorders() {
    let mut network = network(1, Conditions::BAD, numbers(1000));
    assert_eq!(network.run(LONG), Ended::Quiet);
    let received = received(&network);
    assert!(!received.is_sorted());
    let mut different = received.clone();
    different.sort_unstable();
    different.dedup();
    // One in five is lost and one in ten of the others doubled: within a tenth of that.
    assert!(
        (720..=880).contains(&different.len()),
        "{}",
        different.len()
    );
    let doubled = received.len() - different.len();
    assert!((50..=120).contains(&doubled), "{doubled}");
}

#[test]
fn a_seed_is_a_whole_story() {
    let run = |seed| {
        let mut sent = numbers(100);
        sent.push(Departure::bytes(1, vec![7; 5000]));
        let mut network = network(seed, Conditions::BAD, sent);
        network.run(LONG);
        (network.fingerprint(), heard(&network).clone())
    };
    assert_eq!(run(1), run(1));
    let different: std::collections::BTreeSet<_> = (0..100).map(|seed| run(seed).0).collect();
    assert_eq!(different.len(), 100);
}

#[test]
fn generators_of_one_seed_are_apart() {
    let draw = |seed, number| rng(seed, number).next_u64();
    assert_eq!(draw(1, 1), draw(1, 1));
    assert_ne!(draw(1, 1), draw(1, 2));
    assert_ne!(draw(1, 1), draw(2, 1));
}

#[test]
fn streams_arrive_whole_and_in_pieces_of_their_own() {
    let message: Vec<u8> = (0..10_000_u32).map(|at| (at % 251) as u8).collect();
    for seed in 0..50 {
        let mut sent: Vec<_> = message
            .chunks(1000)
            .map(|bytes| Departure::bytes(1, bytes.to_vec()))
            .collect();
        sent.push(Departure::bytes(1, Vec::new()));
        sent.push(Departure::end(1));
        sent.push(Departure::bytes(1, b"after the end".to_vec()));
        let mut network = network(seed, Conditions::BAD, sent);
        assert_eq!(network.run(LONG), Ended::Quiet);
        let (all, ended, pieces) = streamed(&network);
        assert!(all == message && ended);
        assert!(pieces > 10_000 / Conditions::BAD.piece_bytes, "{pieces}");
    }
}

#[test]
fn a_partition_swallows_datagrams_and_holds_streams_up() {
    let sent = || vec![Departure::bytes(1, b"late".to_vec()), Departure::end(1)];
    let mut network = network(1, Conditions::GOOD, [numbers(10), sent()].concat());
    network.partition(&[0], &[1]);
    assert_eq!(network.run(LONG), Ended::Quiet);
    assert!(heard(&network).is_empty());
    network.heal();
    assert_eq!(network.run(LONG), Ended::Quiet);
    assert_eq!(streamed(&network), (b"late".to_vec(), true, 1));
}

#[test]
fn a_broken_stream_loses_what_is_on_the_way_and_tells_both() {
    let mut network = network(1, Conditions::GOOD, vec![Departure::bytes(1, vec![7; 100])]);
    network.run(Duration::ZERO);
    network.break_stream(0, 1);
    assert_eq!(network.run(LONG), Ended::Quiet);
    let broken = |from| vec![(Duration::ZERO, Arrival::Broken { from })];
    assert_eq!(network.node(0).unwrap().state, broken(1));
    assert_eq!(*heard(&network), broken(0));
    let again = |network: &mut Simulation<_>| {
        let (from, to, what) = (0, 1, Sent::Bytes(b"again".to_vec()));
        network.inject(Crossing { from, to, what });
        network.run(LONG);
    };
    again(&mut network);
    assert_eq!(
        heard(&network).len(),
        1,
        "it goes nowhere before it is mended"
    );
    network.mend_stream(0, 1);
    again(&mut network);
    let (from, bytes) = (0, b"again".to_vec());
    assert_eq!(heard(&network)[1].1, Arrival::Bytes { from, bytes });
}

#[test]
fn an_interceptor_drops_changes_doubles_and_forges() {
    let mut network = network(1, Conditions::GOOD, numbers(6));
    network.intercept(|_, crossing| {
        let Sent::Datagram(bytes) = &crossing.what else {
            panic!("{crossing:?}");
        };
        let datagram = |bytes: Vec<u8>| Crossing {
            what: Sent::Datagram(bytes),
            ..crossing.clone()
        };
        match bytes[1] {
            0 => Vec::new(),
            1 => vec![crossing.clone(), crossing.clone()],
            2 => vec![datagram(vec![0xff, 0xff])],
            3 => vec![datagram(vec![0, 99]), crossing.clone()],
            _ => vec![crossing],
        }
    });
    network.run(LONG);
    assert_eq!(received(&network), [1, 1, 0xffff, 99, 3, 4, 5]);
    // What is injected goes past it, to nobody too.
    for to in [1, 7] {
        let (from, what) = (0, Sent::Datagram(vec![0, 0]));
        network.inject(Crossing { from, to, what });
    }
    network.run(LONG);
    assert_eq!(received(&network).last(), Some(&0));
}

#[test]
fn conditions_can_change_on_the_way() {
    let mut network = network(1, Conditions::GOOD, Vec::new());
    network.set_conditions(Conditions {
        loss_per_mille: 1000,
        ..Conditions::GOOD
    });
    let (from, to, what) = (0, 1, Sent::Datagram(vec![0, 1]));
    network.inject(Crossing { from, to, what });
    assert_eq!(network.run(LONG), Ended::Quiet);
    assert!(heard(&network).is_empty());
}

#[test]
fn the_clock_jumps_to_what_is_next_and_stops_at_the_end() {
    let every_second = || {
        node(0, |count: &mut u64, now: Now, _| {
            let next = Duration::from_secs(*count);
            if now.since_start < next {
                return Step::Wait(Some(next));
            }
            *count += 1;
            Step::Do(Departure::datagram(0, Vec::new()))
        })
    };
    let mut network = Simulation::new(0, Conditions::GOOD, vec![every_second()]);
    let end = Duration::from_millis(3_600_500);
    assert_eq!(network.run(end), Ended::Time);
    assert_eq!(network.node(0).unwrap().state, 3601);
    assert_eq!(network.now().since_start, end);
    assert_eq!(network.now().iso8601(), "2026-01-01T01:00:00.500000+00:00");
    let done = network.run_until(LONG * 2, |network| network.node(0).unwrap().state == 4000);
    assert_eq!(done, Ended::Done);
    assert_eq!(network.now().since_start, Duration::from_secs(3999));
}

#[test]
fn a_node_that_never_waits_is_found_out() {
    let endless = node((), |(), _, _| Step::Do(Departure::end(0)));
    let mut network = Simulation::new(0, Conditions::GOOD, vec![sends_nothing(), endless]);
    assert_eq!(network.run(LONG), Ended::Busy { node: 1 });
    let late = node((), |(), _, _| Step::Wait(Some(Duration::ZERO)));
    let mut network = Simulation::new(0, Conditions::GOOD, vec![late]);
    assert_eq!(network.run(LONG), Ended::Busy { node: 0 });
}

fn sends_nothing() -> Closure<()> {
    node((), |(), _, _| Step::Wait(None))
}

/// Refuses everything, and sends a packet when the application wishes it.
struct Shy {
    wish: bool,
}

impl Machine for Shy {
    type Input = Arrival;
    type Output = Departure;
    type Refusal = &'static str;

    fn handle(&mut self, _: Now, _: Arrival) -> Result<(), &'static str> {
        Err("no")
    }

    fn poll(&mut self, _: Now) -> Step<Departure> {
        match std::mem::take(&mut self.wish) {
            true => Step::Do(Departure::datagram(1, Vec::new())),
            false => Step::Wait(None),
        }
    }
}

#[test]
fn an_applications_wish_is_heard_and_refusals_are_counted() {
    let shy = || Shy { wish: false };
    let mut network = Simulation::new(0, Conditions::GOOD, vec![shy(), shy()]);
    assert_eq!(network.run(LONG), Ended::Quiet);
    for count in 1..=3 {
        network.node_mut(0).unwrap().wish = true;
        assert_eq!(network.run(LONG), Ended::Quiet);
        assert_eq!(network.refusals(), count);
    }
    assert!(network.node_mut(2).is_none());
}
