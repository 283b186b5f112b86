//! One operation of each family, by the crate called directly and through the registry.
//! `cargo bench -p pqfw-tests --bench direct`; docs/benchmarks.md has figures.
//!
//! brainpoolP512r1 has no crate to call: the curve is ours, and `pqfw bench` of a build with the
//! feature `openssl` sets it beside OpenSSL's.

#![allow(missing_docs, reason = "the group is made by a macro")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

use std::hint::black_box;

use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use ascon_aead::AsconAead128;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::kem::{DecapsulationKey, ML_KEM_768};
use aws_lc_rs::signature::{ML_DSA_65_SIGNING, PqdsaKeyPair};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use fips205::traits::{SerDes as _, Signer as _};
use fn_dsa::{KeyPairGenerator as _, SigningKey as _};
use frodo_kem::Algorithm;
use p256::ecdsa::signature::RandomizedMultipartSigner as _;
use pqcrypto_sphincsplus::sphincssha2128fsimple;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::SecretKind;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use x_wing::Encapsulate as _;

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

const MESSAGE: [u8; 64] = [7; 64];

/// The generator as `rand_core` 0.6 has it.
struct Previous<'a>(&'a mut dyn CryptoRng);

impl fips205::RngCore for Previous<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), fips205::RngError> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl fips205::CryptoRng for Previous<'_> {}

fn resolved<T>(registry: &Registry, work: impl FnOnce(&mut Resolver<'_>) -> T) -> T {
    let mut rng = OsWorld::new().rng();
    work(&mut Resolver::new(
        registry,
        &mut *rng,
        &[],
        &[],
        "2026-01-01",
    ))
}

fn kem(group: &mut Group<'_>, registry: &Registry, name: &str) {
    let mut rng = OsWorld::new().rng();
    let kem = resolved(registry, |resolver| resolver.kem(name).expect("admitted"));
    let secret = kem.generate(&mut *rng).expect("generates");
    let public = kem
        .import_encapsulation_key(&secret.encapsulation_key())
        .expect("imports");
    group.bench_function("registry", |bench| {
        bench.iter(|| black_box(kem.encapsulate(&public, &mut *rng).expect("encapsulates")));
    });
}

/// Encapsulation.
fn kems(criterion: &mut Criterion) {
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let mut rng = OsWorld::new().rng();

    let mut group = criterion.benchmark_group("direct/ML-KEM-768");
    let secret = DecapsulationKey::generate(&ML_KEM_768).expect("generates");
    let public = secret.encapsulation_key().expect("has a public half");
    group.bench_function("aws-lc-rs", |bench| {
        bench.iter(|| black_box(public.encapsulate().expect("encapsulates")));
    });
    kem(&mut group, &registry, "ML-KEM-768@aws-lc");
    group.finish();

    let mut group = criterion.benchmark_group("direct/FrodoKEM-640-SHAKE");
    let (public, _) = Algorithm::FrodoKem640Shake.generate_keypair(&mut *rng);
    group.bench_function("frodo-kem", |bench| {
        bench.iter(|| {
            black_box(
                public
                    .encapsulate_with_rng(&mut *rng)
                    .expect("encapsulates"),
            )
        });
    });
    kem(&mut group, &registry, "FrodoKEM-640-SHAKE@rustcrypto");
    group.finish();

    let mut group = criterion.benchmark_group("direct/X-Wing");
    let secret = x_wing::DecapsulationKey::from([9; 32]);
    let public = x_wing::Decapsulator::encapsulation_key(&secret).clone();
    group.bench_function("x-wing", |bench| {
        bench.iter(|| black_box(public.encapsulate_with_rng(&mut *rng)));
    });
    kem(&mut group, &registry, "X-Wing@rustcrypto");
    group.finish();
}

/// Measures signing through the registry; gives the key that it was done with.
fn signature(group: &mut Group<'_>, registry: &Registry, name: &str) -> SigningKey {
    let mut rng = OsWorld::new().rng();
    let algorithm = resolved(registry, |resolver| {
        resolver.signature(name).expect("admitted")
    });
    let key = algorithm.generate(&mut *rng).expect("generates");
    group.bench_function("registry", |bench| {
        bench.iter(|| black_box(key.sign(&mut *rng, &[&MESSAGE]).expect("signs")));
    });
    key
}

/// Signing, of 64 bytes; where the crate takes our key, the same key on both sides.
fn signatures(criterion: &mut Criterion) {
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let mut rng = OsWorld::new().rng();

    let mut group = criterion.benchmark_group("direct/ML-DSA-65");
    let key = PqdsaKeyPair::generate(&ML_DSA_65_SIGNING).expect("generates");
    group.bench_function("aws-lc-rs", |bench| {
        let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
        bench.iter(|| black_box(key.sign(&MESSAGE, &mut signature).expect("signs")));
    });
    signature(&mut group, &registry, "ML-DSA-65@aws-lc");
    group.finish();

    let mut group = criterion.benchmark_group("direct/ECDSA-P256");
    let ours = signature(&mut group, &registry, "ECDSA-P256@rustcrypto");
    let secret = ours.export(SecretKind::Expanded).expect("exports");
    let key = p256::ecdsa::SigningKey::from_slice(secret.expose()).expect("a key");
    group.bench_function("p256", |bench| {
        bench.iter(|| {
            let pair: p256::ecdsa::Signature = key.multipart_sign_with_rng(&mut *rng, &[&MESSAGE]);
            black_box(pair.to_der())
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("direct/FN-DSA-512");
    let log = fn_dsa::FN_DSA_LOGN_512;
    let mut secret = vec![0; fn_dsa::sign_key_size(log)];
    let mut public = vec![0; fn_dsa::vrfy_key_size(log)];
    fn_dsa::KeyPairGenerator512::default().keygen(
        log,
        &mut Previous(&mut *rng),
        &mut secret,
        &mut public,
    );
    let mut key = fn_dsa::SigningKey512::decode(&secret).expect("a key");
    let mut made = vec![0; fn_dsa::signature_size(log)];
    group.bench_function("fn-dsa", |bench| {
        bench.iter(|| {
            key.sign(
                &mut Previous(&mut *rng),
                &fn_dsa::DOMAIN_NONE,
                &fn_dsa::HASH_ID_RAW,
                &MESSAGE,
                &mut made,
            )
            .expect("signs");
        });
    });
    signature(&mut group, &registry, "FN-DSA-512@fn-dsa");
    group.finish();

    let mut group = criterion.benchmark_group("direct/SLH-DSA-SHA2-128f");
    group.sample_size(10);
    let ours = signature(&mut group, &registry, "SLH-DSA-SHA2-128f@fips205");
    let secret = ours.export(SecretKind::Expanded).expect("exports");
    let secret = secret.expose().try_into().expect("64 bytes");
    let key = fips205::slh_dsa_sha2_128f::PrivateKey::try_from_bytes(secret).expect("a key");
    group.bench_function("fips205", |bench| {
        bench.iter(|| {
            let signature = key.try_sign_with_rng(&mut Previous(&mut *rng), &MESSAGE, &[], true);
            black_box(signature.expect("signs"))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("direct/SPHINCS+-SHA2-128f-simple");
    group.sample_size(10);
    let (_, key) = sphincssha2128fsimple::keypair();
    group.bench_function("pqcrypto-sphincsplus", |bench| {
        bench.iter(|| black_box(sphincssha2128fsimple::detached_sign(&MESSAGE, &key)));
    });
    signature(&mut group, &registry, "SPHINCS+-SHA2-128f-simple@pqclean");
    group.finish();
}

fn aead(group: &mut Group<'_>, registry: &Registry, name: &str) {
    let aead = resolved(registry, |resolver| resolver.aead(name).expect("admitted"));
    let sizes = aead.sizes();
    let secret = vec![9; sizes.key];
    let (nonce, mut buffer, mut tag) = (vec![1; sizes.nonce], [7; 1350], vec![0; sizes.tag]);
    // A key counts its messages, and a benchmark outlives one.
    let mut key = aead.key(&secret).expect("a key");
    group.bench_function("registry", |bench| {
        bench.iter(|| {
            let sealed = key.seal_in_place(&nonce, &[], &mut buffer, &mut tag);
            if sealed.is_err() {
                key = aead.key(&secret).expect("a key");
            }
        });
    });
}

/// Seals 1350 bytes with a cipher of `aead`'s traits.
fn rustcrypto<A: AeadInOut + KeyInit>(group: &mut Group<'_>, name: &str) {
    let key = A::new_from_slice(&vec![9; A::key_size()]).expect("a key");
    let nonce = aes_gcm_siv::aead::Nonce::<A>::default();
    let mut buffer = [7; 1350];
    group.bench_function(name, |bench| {
        bench.iter(|| {
            let tag = key.encrypt_inout_detached(&nonce, &[], (&mut buffer[..]).into());
            black_box(tag.expect("seals"))
        });
    });
}

fn aeads(criterion: &mut Criterion) {
    let registry = pqfw::registry().build().expect("the plugins fit together");

    let mut group = criterion.benchmark_group("direct/AES-256-GCM");
    group.throughput(Throughput::Bytes(1350));
    let direct = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[9; 32]).expect("a key"));
    let mut buffer = [7; 1350];
    group.bench_function("aws-lc-rs", |bench| {
        bench.iter(|| {
            let nonce = Nonce::assume_unique_for_key([1; 12]);
            let sealed = direct.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer);
            black_box(sealed.expect("seals").as_ref().len())
        });
    });
    aead(&mut group, &registry, "AES-256-GCM@aws-lc");
    group.finish();

    let mut group = criterion.benchmark_group("direct/AES-256-GCM-SIV");
    group.throughput(Throughput::Bytes(1350));
    rustcrypto::<Aes256GcmSiv>(&mut group, "aes-gcm-siv");
    aead(&mut group, &registry, "AES-256-GCM-SIV@rustcrypto");
    group.finish();

    let mut group = criterion.benchmark_group("direct/Ascon-AEAD128");
    group.throughput(Throughput::Bytes(1350));
    rustcrypto::<AsconAead128>(&mut group, "ascon-aead");
    aead(&mut group, &registry, "Ascon-AEAD128@rustcrypto");
    group.finish();
}

criterion_group!(benches, kems, signatures, aeads);
criterion_main!(benches);
