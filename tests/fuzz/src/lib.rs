//! What several fuzz targets share: two ends of a channel, and an executor that gives up.

pub mod insider;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::world::World;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::identity::{Algorithms, Identity as McpIdentity};
use pqfw_memory::SeededWorld;
use pqfw_session::{Config, Identity, InsecureAnybody};

/// The cheapest algorithms that there are.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .expect("four plugins that fit together")
});

/// Two ends: nobody is their own peer.
pub static INITIATOR: LazyLock<Arc<Config>> = LazyLock::new(|| end_of(1));
/// The other one.
pub static RESPONDER: LazyLock<Arc<Config>> = LazyLock::new(|| end_of(3));

/// One suite of them.
pub static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("X25519"),
        signature: one("Ed25519"),
        aead: one("ChaCha20-Poly1305"),
        kdf: one("HKDF-SHA256"),
    };
    resolve(|resolver| Suite::resolve(&names, resolver).expect("admitted providers"))
});

/// Asks the registry, without a policy.
pub fn resolve<T>(want: impl FnOnce(&mut Resolver<'_>) -> T) -> T {
    let mut rng = SeededWorld::new(0).rng();
    want(&mut Resolver::new(
        &REGISTRY,
        &mut *rng,
        &[],
        &[],
        "2026-01-01",
    ))
}

fn end_of(seed: u64) -> Arc<Config> {
    let mut rng = SeededWorld::new(seed).rng();
    let key = SUITE.signature.generate(&mut *rng).expect("a key");
    let identity = Identity::new(key, &SUITE.digest).expect("it has an identifier");
    let (protocol, policy) = ("fuzz/1".to_owned(), String::new());
    let peers = Arc::new(InsecureAnybody);
    let config = Config::new(protocol, policy, vec![SUITE.clone()], vec![identity], peers);
    Arc::new(config.expect("one suite and its key"))
}

/// Polls until nothing moves any more.
pub fn run<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return Some(done);
        }
    }
    None
}

/// Dialect pqc-mcp-0.1 over the cheapest signature.
pub fn mcp_config() -> McpConfig {
    McpConfig {
        transitional: true,
        ..McpConfig::default()
    }
}

/// An end of it.
pub fn mcp_identity(seed: u64) -> McpIdentity {
    let algorithms = Algorithms::of(&SUITE, &mcp_config()).expect("it was asked for");
    let mut rng = SeededWorld::new(seed).rng();
    McpIdentity::generate(algorithms, &mut *rng).expect("a key")
}
