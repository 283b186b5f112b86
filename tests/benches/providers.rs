//! Every provider of the algorithms that profiles use, beside the others.
//! `cargo bench -p pqfw-tests --bench providers`; docs/benchmarks.md has figures.

#![allow(missing_docs, reason = "the group is made by a macro")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;

fn registry() -> Registry {
    pqfw::registry()
        .build()
        .expect("the built-in plugins fit together")
}

fn with_resolver<T>(registry: &Registry, work: impl FnOnce(&mut Resolver<'_>) -> T) -> T {
    let mut rng = OsWorld::new().rng();
    work(&mut Resolver::new(
        registry,
        &mut *rng,
        &[],
        &[],
        "2026-01-01",
    ))
}

fn names(registry: &Registry, ids: &[&str]) -> Vec<String> {
    ids.iter()
        .flat_map(|id| registry.entries_of(id))
        .map(|entry| entry.full_name())
        .collect()
}

fn kems(criterion: &mut Criterion) {
    let registry = registry();
    let mut rng = OsWorld::new().rng();
    let mut group = criterion.benchmark_group("kem");
    for name in names(
        &registry,
        &[
            "ML-KEM-512",
            "ML-KEM-768",
            "ML-KEM-1024",
            "Kyber-768",
            "FrodoKEM-640-SHAKE",
            "eFrodoKEM-640-AES",
            "X25519",
            "P-256",
            "P-384",
            "brainpoolP512r1",
            "X-Wing",
        ],
    ) {
        let kem = with_resolver(&registry, |resolver| resolver.kem(&name).expect("admitted"));
        let secret = kem.generate(&mut *rng).expect("generates");
        let public = kem
            .import_encapsulation_key(&secret.encapsulation_key())
            .expect("imports");
        let (ciphertext, _) = kem.encapsulate(&public, &mut *rng).expect("encapsulates");
        group.bench_function(BenchmarkId::new("generate", &name), |bench| {
            bench.iter(|| black_box(kem.generate(&mut *rng).expect("generates")));
        });
        group.bench_function(BenchmarkId::new("encapsulate", &name), |bench| {
            bench.iter(|| black_box(kem.encapsulate(&public, &mut *rng).expect("encapsulates")));
        });
        group.bench_function(BenchmarkId::new("decapsulate", &name), |bench| {
            bench.iter(|| black_box(kem.decapsulate(&secret, &ciphertext).expect("decapsulates")));
        });
    }
}

fn signatures(criterion: &mut Criterion) {
    let registry = registry();
    let mut rng = OsWorld::new().rng();
    let mut group = criterion.benchmark_group("signature");
    group.sample_size(20);
    let message = [7; 64];
    let ids = [
        "ML-DSA-65",
        "SLH-DSA-SHA2-128f",
        "SPHINCS+-SHA2-128f-simple",
        "FN-DSA-512",
        "Ed25519",
        "ECDSA-P256",
        "ECDSA-P384",
    ];
    for name in names(&registry, &ids) {
        let algorithm = with_resolver(&registry, |resolver| {
            resolver.signature(&name).expect("admitted")
        });
        let key = algorithm.generate(&mut *rng).expect("generates");
        let public = algorithm
            .import_verifying_key(&key.verifying_key())
            .expect("imports");
        let signature = key.sign(&mut *rng, &[&message]).expect("signs");
        group.bench_function(BenchmarkId::new("sign", &name), |bench| {
            bench.iter(|| black_box(key.sign(&mut *rng, &[&message]).expect("signs")));
        });
        group.bench_function(BenchmarkId::new("verify", &name), |bench| {
            bench.iter(|| {
                public
                    .verify(&[&message], &[], &signature)
                    .expect("verifies")
            });
        });
    }
}

fn aeads(criterion: &mut Criterion) {
    let registry = registry();
    let mut group = criterion.benchmark_group("aead-seal-1350");
    group.throughput(Throughput::Bytes(1350));
    let (mut buffer, mut tag) = ([7; 1350], [0; 16]);
    for name in names(
        &registry,
        &[
            "AES-128-GCM",
            "AES-256-GCM",
            "ChaCha20-Poly1305",
            "AES-256-GCM-SIV",
            "Ascon-AEAD128",
        ],
    ) {
        let aead = with_resolver(&registry, |resolver| {
            resolver.aead(&name).expect("admitted")
        });
        let sizes = aead.sizes();
        let (secret, nonce) = (vec![9; sizes.key], vec![1; sizes.nonce]);
        // A key counts its messages, and a benchmark outlives one.
        let mut key = aead.key(&secret).expect("a key");
        group.bench_function(BenchmarkId::from_parameter(&name), |bench| {
            bench.iter(|| {
                if key
                    .seal_in_place(&nonce, &[], &mut buffer, &mut tag)
                    .is_err()
                {
                    key = aead.key(&secret).expect("a key");
                }
            });
        });
    }
}

criterion_group!(benches, kems, signatures, aeads);
criterion_main!(benches);
