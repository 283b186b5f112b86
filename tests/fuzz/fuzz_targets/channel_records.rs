//! Changes what flows on an open stream by a list of operations: what is read is a beginning of what
//! was written, and an end is believed only when everything came.
#![no_main]

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::rand_core::{CryptoRng, SeedableRng};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use pqfw_framework::world::{Now, World};
use pqfw_session::stream::{Secure, accept, connect};
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

#[derive(Arbitrary, Debug)]
enum Operation {
    Write {
        length: u16,
    },
    KeyUpdate {
        wants_answer: bool,
    },
    FreshExchange,
    /// Changes a byte of what is on its way.
    Flip {
        at: u16,
        bit: u8,
    },
    /// Takes bytes out.
    Cut {
        at: u16,
        length: u8,
    },
    /// Says again what is on its way.
    Repeat {
        length: u16,
    },
    Read,
    ReadBack,
    Finish,
}

/// Bytes on their way; `None` behind them is their end.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<(VecDeque<u8>, bool)>>);

impl StreamReader for Wire {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(std::future::poll_fn(|_| {
            let mut wire = self.0.lock().expect("one thread");
            if wire.0.is_empty() {
                return if wire.1 {
                    Poll::Ready(Ok(0))
                } else {
                    Poll::Pending
                };
            }
            let length = buffer.len().min(wire.0.len());
            for (to, from) in buffer.iter_mut().zip(wire.0.drain(..length)) {
                *to = from;
            }
            Poll::Ready(Ok(length))
        }))
    }
}

impl StreamWriter for Wire {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            self.0.lock().expect("one thread").0.extend(bytes);
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async {
            self.0.lock().expect("one thread").1 = true;
            Ok(())
        })
    }
}

fn both(there: &Wire, back: &Wire) -> (Secure, Secure) {
    let world: Arc<dyn World> = Arc::new(Still);
    let end = |reader: &Wire, writer: &Wire| Connection {
        reader: Box::new(reader.clone()),
        writer: Box::new(writer.clone()),
        peer: "the other".into(),
    };
    let limit = Duration::from_secs(1);
    let mut near = pin!(connect(&INITIATOR, end(back, there), &world, limit));
    let mut far = pin!(accept(&RESPONDER, end(there, back), &world, limit));
    let mut context = Context::from_waker(Waker::noop());
    let (mut near_done, mut far_done) = (None, None);
    while near_done.is_none() || far_done.is_none() {
        if near_done.is_none()
            && let Poll::Ready(done) = near.as_mut().poll(&mut context)
        {
            near_done = Some(done.expect("an honest handshake"));
        }
        if far_done.is_none()
            && let Poll::Ready(done) = far.as_mut().poll(&mut context)
        {
            far_done = Some(done.expect("an honest handshake"));
        }
    }
    (near_done.expect("done"), far_done.expect("done"))
}

fuzz_target!(|operations: Vec<Operation>| {
    STREAM.store(0, Ordering::Relaxed);
    let (there, back) = (Wire::default(), Wire::default());
    let (mut near, mut far) = both(&there, &back);
    let (mut written, mut read) = (Vec::new(), Vec::new());
    let (mut buffer, mut finished) = (vec![0; 1 << 16], false);
    for operation in operations {
        let wire = |change: &dyn Fn(&mut VecDeque<u8>)| {
            change(&mut there.0.lock().expect("one thread").0);
        };
        match operation {
            Operation::Write { length } => {
                let data: Vec<u8> = (0..length).map(|n| n.to_be_bytes()[1]).collect();
                if let Some(Ok(())) = run(near.connection.writer.write_all(&data)) {
                    written.extend(data);
                }
            }
            Operation::KeyUpdate { wants_answer } => {
                let _ = near.control.key_update(wants_answer);
            }
            Operation::FreshExchange => {
                let _ = near.control.fresh_exchange();
            }
            Operation::Flip { at, bit } => wire(&|bytes| {
                if let Some(byte) = bytes.get_mut(at.into()) {
                    *byte ^= 1 << (bit % 8);
                }
            }),
            Operation::Cut { at, length } => wire(&|bytes| {
                let start = bytes.len().min(at.into());
                let end = bytes.len().min(start + usize::from(length));
                bytes.drain(start..end);
            }),
            Operation::Repeat { length } => wire(&|bytes| {
                let again: Vec<_> = bytes.iter().take(length.into()).copied().collect();
                bytes.extend(again);
            }),
            Operation::Read => match run(far.connection.reader.read(&mut buffer)) {
                Some(Ok(0)) => assert!(finished && read == written, "an end that was not said"),
                Some(Ok(length)) => read.extend(&buffer[..length]),
                Some(Err(_)) | None => {}
            },
            Operation::ReadBack => {
                let _ = run(near.connection.reader.read(&mut buffer));
            }
            Operation::Finish => {
                let _ = run(near.connection.writer.finish());
                finished = true;
            }
        }
        assert!(
            written.starts_with(&read),
            "something was read that was not written"
        );
    }
});
