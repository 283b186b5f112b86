//! The channel beside rustls with the same primitives by the same provider, AWS-LC.
//! `cargo bench -p pqfw-tests --bench channel`; docs/benchmarks.md has figures.
//!
//! `handshake`: both ends of one full handshake with mutual authentication, over a stream in
//! memory. `bulk`: 16 MiB in each direction, one after the other, over TCP on loopback.
//! Both ends run on one thread, so that the figures are the work of both and no scheduling.

#![allow(missing_docs, reason = "the group is made by a macro")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on may end"
)]

mod ours;
mod pair;
mod peer;
mod suite;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ours::Ours;
use pair::BULK_BYTES;
use peer::Peer;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ML_DSA_65, SignatureAlgorithm};
use tokio::runtime::{Builder, Runtime};

/// The signature of both sides, by our name and as the peer's certificates have it.
const SIGNATURES: [(&str, &SignatureAlgorithm); 2] = [
    ("ML-DSA-65", &PKCS_ML_DSA_65),
    ("ECDSA-P256", &PKCS_ECDSA_P256_SHA256),
];

/// SHA-256 is the default; the peer's cipher suite with AES-256-GCM has SHA-384 (RFC 8446
/// section B.4).
const KDFS: [&str; 2] = ["HKDF-SHA256", "HKDF-SHA384"];

fn one_thread() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

fn handshakes(criterion: &mut Criterion) {
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let runtime = one_thread();
    let mut group = criterion.benchmark_group("handshake");
    for (name, algorithm) in SIGNATURES {
        for kdf in KDFS {
            let suite = format!("X25519+ML-KEM-768/{name}/AES-256-GCM/{kdf}");
            let ours = Ours::of(&registry, &suite);
            let id = BenchmarkId::new(name, format!("pqfw, {kdf}"));
            group.bench_function(id, |bench| {
                bench.iter(|| runtime.block_on(ours.in_memory()));
            });
        }
        for (what, peer) in [
            ("rustls, bare keys", Peer::with_bare_keys(algorithm)),
            ("rustls, certificates", Peer::with_certificates(algorithm)),
        ] {
            group.bench_function(BenchmarkId::new(name, what), |bench| {
                bench.iter(|| runtime.block_on(peer.in_memory()));
            });
        }
    }
}

fn bulk(criterion: &mut Criterion) {
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let runtime = one_thread();
    let mut group = criterion.benchmark_group("bulk");
    group.throughput(Throughput::Bytes(2 * BULK_BYTES as u64));
    group.sample_size(30);

    let suite = "X25519+ML-KEM-768/ECDSA-P256/AES-256-GCM/HKDF-SHA256";
    let mut ends = runtime.block_on(Ours::of(&registry, suite).over_tcp());
    group.bench_function("pqfw", |bench| {
        bench.iter(|| runtime.block_on(ours::bulk(&mut ends)));
    });

    let peer = Peer::with_bare_keys(&PKCS_ECDSA_P256_SHA256);
    let mut ends = runtime.block_on(peer.over_tcp());
    group.bench_function("rustls", |bench| {
        bench.iter(|| runtime.block_on(peer::bulk(&mut ends)));
    });
}

criterion_group!(benches, handshakes, bulk);
criterion_main!(benches);
