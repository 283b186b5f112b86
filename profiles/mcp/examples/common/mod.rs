//! What the examples share: a suite, and a report on the terminal.

use std::sync::Arc;

use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{TransportLimits, TransportSettings};
use pqfw_framework::world::World;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::identity::{Algorithms, Identity};

/// ML-DSA-65, through the admission gate. The other parts are not used by this dialect.
pub(crate) fn suite(world: &dyn World) -> Suite {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_aws_lc::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .expect("the plugins fit together");
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("ML-KEM-768"),
        signature: one("ML-DSA-65"),
        aead: one("AES-256-GCM"),
        kdf: one("HKDF-SHA256"),
    };
    let (mut rng, today) = (world.rng(), world.now().day());
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], &today);
    Suite::resolve(&names, &mut resolver).expect("every part is there")
}

/// An identity that lives as long as the process.
pub(crate) fn identity(suite: &Suite, world: &dyn World) -> Arc<Identity> {
    let algorithms = Algorithms::of(suite, &McpConfig::default()).expect("it is post-quantum");
    Arc::new(Identity::generate(algorithms, &mut *world.rng()).expect("a key"))
}

/// A transport's settings.
#[allow(dead_code, reason = "not every example has a network")]
pub(crate) fn settings(listen: &str, connect: &str) -> TransportSettings {
    TransportSettings {
        listen: listen.into(),
        connect: connect.into(),
        limits: TransportLimits {
            // For a client: no connection is kept, since deployed servers close theirs in silence.
            connections: if connect.is_empty() { 1024 } else { 0 },
            ..TransportLimits::default()
        },
        tls: None,
    }
}

/// Prints what the library tells.
#[allow(dead_code, reason = "not every example tells")]
pub(crate) struct Terminal;

impl Report for Terminal {
    fn event(&self, event: &Event) {
        eprintln!("{event:?}");
    }
}
