//! Handshakes of PQVPN beside the sum of their primitives and beside WireGuard's by boringtun.
//! `cargo bench -p pqfw-tests --bench pqvpn`; docs/benchmarks.md has figures.
//!
//! Both ends run on one thread over a network in memory: the figures are the work of both, with no
//! waiting. A handshake is S0, RETRY, S1, S2, CONF and its answer, with a peer whose record is known.

#![allow(missing_docs, reason = "the group is made by a macro")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a benchmark that cannot go on may end, and says what it counted"
)]

#[allow(dead_code, reason = "the tests of the node use the rest")]
#[path = "../../../profiles/pqvpn/tests/node/net.rs"]
mod net;
#[path = "../../../profiles/pqvpn/tests/node/people.rs"]
mod people;

use std::hint::black_box;
use std::time::Duration;

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use net::Net;
use people::{CHEAP, FAST, HYBRID, rng, suite};
use pqfw_pqvpn::node::Input;

const SUITES: [(&str, &str); 3] = [("classical", CHEAP), ("fast", FAST), ("shipped", HYBRID)];
/// Tokens that spare a handshake its first round live for 30 s.
const FORGETS: Duration = Duration::from_secs(31);

/// Two nodes that have met, and whose tokens are spent.
fn met(name: &str) -> Net {
    let mut net = Net::of(2, &[name]);
    net.connect(0, 1);
    net.settle();
    net.pass(FORGETS);
    net.sent.clear();
    net
}

fn again(net: &mut Net) {
    let peer = net.id(1);
    net.tell(0, Input::Rekey(peer)).unwrap();
    net.settle();
    assert!(net.sent.iter().any(|packet| packet.kind() == 2));
}

fn handshake(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pqvpn/handshake");
    for (title, name) in SUITES {
        let mut net = met(name);
        again(&mut net);
        let bytes: usize = net.sent.iter().map(|packet| packet.bytes.len()).sum();
        eprintln!(
            "{title}: {bytes} bytes in {} datagrams: {name}",
            net.sent.len()
        );
        group.bench_function(title, |bencher| {
            bencher.iter_batched_ref(|| met(name), again, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// What docs/protocols/pqvpn.md, section 5 asks of both ends: the ephemeral key pair, three secrets to
/// the responder, to the ephemeral key and to the initiator, and a signature of each.
fn primitives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pqvpn/primitives");
    for (title, name) in SUITES {
        let (suite, mut rng) = (suite(name), rng(1));
        let (kem, signature) = (&suite.kem, &suite.signature);
        let own = kem.generate(&mut rng).unwrap();
        let signing = signature.generate(&mut rng).unwrap();
        let verifying = signature.import_verifying_key(&signing.verifying_key());
        let verifying = verifying.unwrap();
        group.bench_function(title, |bencher| {
            bencher.iter(|| {
                let ephemeral = kem.generate(&mut rng).unwrap();
                for key in [&own, &ephemeral, &own] {
                    let public = kem.import_encapsulation_key(&key.encapsulation_key());
                    let (ciphertext, _) = kem.encapsulate(&public.unwrap(), &mut rng).unwrap();
                    black_box(kem.decapsulate(key, &ciphertext).unwrap());
                }
                for _ in 0..2 {
                    let signed = signing.sign(&mut rng, &[&[7; 64]]).unwrap();
                    let verified = signature.verify(&verifying, &[&[7; 64]], b"", &signed);
                    verified.unwrap();
                }
            });
        });
    }
    group.finish();
}

/// The bytes of a peer's datagram.
fn wire(result: TunnResult<'_>) -> Option<Vec<u8>> {
    match result {
        TunnResult::WriteToNetwork(bytes) => Some(bytes.to_vec()),
        TunnResult::Err(error) => panic!("{error:?}"),
        _ => None,
    }
}

fn wireguard(criterion: &mut Criterion) {
    let pair = || {
        let [one, two] = [[1; 32], [2; 32]].map(StaticSecret::from);
        let keys = [&one, &two].map(PublicKey::from);
        let tunnel = |own, peer, index| Tunn::new(own, peer, None, None, index, None);
        (tunnel(one, keys[1], 1), tunnel(two, keys[0], 2))
    };
    let meet = |(one, two): &mut (Tunn, Tunn)| {
        let mut buffer = vec![0; 2048];
        let mut next = wire(one.format_handshake_initiation(&mut buffer, false));
        let mut bytes = 0;
        let mut to_two = true;
        while let Some(datagram) = next {
            bytes += datagram.len();
            let end = if to_two { &mut *two } else { &mut *one };
            next = wire(end.decapsulate(None, &datagram, &mut buffer));
            to_two = !to_two;
        }
        bytes
    };
    eprintln!("wireguard: {} bytes", meet(&mut pair()));
    criterion.bench_function("wireguard/handshake/boringtun", |bencher| {
        bencher.iter_batched_ref(pair, meet, BatchSize::PerIteration);
    });
}

criterion_group!(pqvpn, handshake, primitives, wireguard);
criterion_main!(pqvpn);
