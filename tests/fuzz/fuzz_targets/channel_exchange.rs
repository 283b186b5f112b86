//! Gives a service any requests, sealed ones that were changed among them: whatever it answers, it
//! carries out only what a client sealed, each once, and remembers no more than it may.
#![no_main]

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
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::{Now, World};
use pqfw_session::exchange::{ChannelExchange, ChannelService, Peer, SecureService, ServiceLimits};
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
    /// An honest request.
    Ask { body: Vec<u8> },
    /// Something that was sent once, again, perhaps changed.
    Again {
        which: u8,
        at: u16,
        bit: u8,
        change: bool,
    },
    /// Any bytes on a route.
    Raw {
        route: u8,
        body: Vec<u8>,
        known_session: bool,
    },
    /// Another client.
    Stranger,
}

#[derive(Default)]
struct Notes(Mutex<Vec<(u64, [u8; 16], Vec<u8>)>>);

impl SecureService for Notes {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request, peer: &Peer) -> Response {
        let note = (peer.counter, peer.session, request.body.clone());
        self.0.lock().expect("one thread").push(note);
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

struct Wire {
    service: ChannelService,
    sent: Mutex<Vec<Request>>,
}

impl Wire {
    fn pass(&self, request: &Request) -> Response {
        let mut rng = Still.rng();
        self.service.respond(Still.now(), &mut *rng, request)
    }
}

impl Exchange for Wire {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            self.sent.lock().expect("one thread").push(request.clone());
            Ok(self.pass(&request))
        })
    }
}

const LIMITS: ServiceLimits = ServiceLimits {
    handshakes: 4,
    handshake: Duration::from_secs(10),
    sessions: 3,
    idle: Duration::from_secs(100),
    age: Duration::from_secs(1000),
};

fuzz_target!(|operations: Vec<Operation>| {
    STREAM.store(0, Ordering::Relaxed);
    let notes = Arc::new(Notes::default());
    let mut rng = Still.rng();
    let service = ChannelService::with_limits(RESPONDER.clone(), notes.clone(), &mut *rng, LIMITS);
    let wire = Arc::new(Wire {
        service,
        sent: Mutex::default(),
    });
    let client = || ChannelExchange::new(INITIATOR.clone(), wire.clone(), Arc::new(Still));
    let mut honest = client();
    let mut asked: Vec<Vec<u8>> = Vec::new();
    for operation in operations {
        match operation {
            Operation::Ask { body } => {
                asked.push(body.clone());
                if let Some(Ok(outcome)) = run(honest.request("POST", "/", &body)) {
                    assert_eq!(outcome.response.body, body);
                }
            }
            Operation::Again {
                which,
                at,
                bit,
                change,
            } => {
                let sent = wire.sent.lock().expect("one thread").clone();
                let Some(mut request) = sent.get(usize::from(which)).cloned() else {
                    continue;
                };
                if let (true, Some(byte)) = (change, request.body.get_mut(usize::from(at))) {
                    *byte ^= 1 << (bit % 8);
                }
                wire.pass(&request);
            }
            Operation::Raw {
                route,
                body,
                known_session,
            } => {
                let routes = ["/pqfw/1/hello", "/pqfw/1/finish", "/pqfw/1/r", "/"];
                let mut request = Request::post(routes[usize::from(route) % 4], body);
                if known_session {
                    let sent = wire.sent.lock().expect("one thread");
                    request.session = sent.iter().rev().find_map(|sent| sent.session.clone());
                }
                wire.pass(&request);
            }
            Operation::Stranger => honest = client(),
        }
        let (handshakes, sessions) = wire.service.counts();
        assert!(handshakes <= LIMITS.handshakes && sessions <= LIMITS.sessions);
        let notes = notes.0.lock().expect("one thread");
        assert!(
            notes.len() <= asked.len(),
            "something was carried out twice"
        );
        for (_, _, body) in notes.iter() {
            assert!(
                asked.contains(body),
                "something was carried out that nobody asked"
            );
        }
    }
});
