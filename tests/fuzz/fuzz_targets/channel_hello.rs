//! Gives a responder and an initiator any bytes in the place of a peer's first words. Neither may
//! panic, wait for more than there is, or open a channel: nobody has proved anything.
#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use libfuzzer_sys::fuzz_target;
use pqfw_framework::rand_core::{CryptoRng, SeedableRng};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use pqfw_framework::world::{Now, World};
use pqfw_session::stream::{accept, connect};
use pqfw_session::{Config, Identity, InsecureAnybody};

static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .build()
        .expect("three plugins");
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("X25519"),
        signature: one("Ed25519"),
        aead: one("ChaCha20-Poly1305"),
        kdf: one("HKDF-SHA256"),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).expect("admitted providers")
});

/// Two ends: nobody is their own peer.
static INITIATOR: LazyLock<Arc<Config>> = LazyLock::new(|| end_of(1));
static RESPONDER: LazyLock<Arc<Config>> = LazyLock::new(|| end_of(3));

fn end_of(seed: u64) -> Arc<Config> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let key = SUITE.signature.generate(&mut rng).expect("a key");
    let identity = Identity::new(key, &SUITE.digest).expect("it has an identifier");
    let (protocol, policy) = ("fuzz/1".to_owned(), String::new());
    let peers = Arc::new(InsecureAnybody);
    let config = Config::new(protocol, policy, vec![SUITE.clone()], vec![identity], peers);
    Arc::new(config.expect("one suite and its key"))
}

/// A clock that stands, and chance that an input repeats: each generator is another stream.
struct Still;

static STREAM: AtomicU64 = AtomicU64::new(0);

impl World for Still {
    fn now(&self) -> Now {
        Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        }
    }

    fn sleep_until(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        rng.set_stream(STREAM.fetch_add(1, Ordering::Relaxed));
        Box::new(rng)
    }
}

/// Polls until nothing moves any more.
fn run<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return Some(done);
        }
    }
    None
}

/// Gives what it holds, and then ends.
struct Bytes(Vec<u8>);

impl StreamReader for Bytes {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async {
            let length = buffer.len().min(self.0.len());
            for (to, from) in buffer.iter_mut().zip(self.0.drain(..length)) {
                *to = from;
            }
            Ok(length)
        })
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl StreamWriter for Nowhere {
    fn write_all<'a>(&'a mut self, _: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Puts record and message heads before the bytes, since few inputs have right lengths.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("small").to_be_bytes();
    let mut record = vec![22];
    record.extend(length(body.len() + 5));
    record.push(kind);
    record.extend(length(body.len()));
    record.extend(body);
    record
}

fuzz_target!(|input: &[u8]| {
    STREAM.store(0, Ordering::Relaxed);
    let world: Arc<dyn World> = Arc::new(Still);
    let limit = Duration::from_secs(1);
    let mut inputs = vec![input.to_vec()];
    if let [kind, body @ ..] = input {
        inputs.push(framed(*kind, body));
    }
    for bytes in inputs {
        let connection = || Connection {
            reader: Box::new(Bytes(bytes.clone())),
            writer: Box::new(Nowhere),
            peer: "the fuzzer".into(),
        };
        let accepted = run(accept(&RESPONDER, connection(), &world, limit));
        assert!(accepted.expect("it ends").is_err());
        let connected = run(connect(&INITIATOR, connection(), &world, limit));
        assert!(connected.expect("it ends").is_err());
    }
});
