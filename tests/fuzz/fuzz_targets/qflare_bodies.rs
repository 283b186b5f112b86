//! Every request to a `qflare-1` server is answered, with JSON, and none but a good update changes
//! anything: the fuzzer holds no key.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::store::MemoryStore;
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{ExchangeService, Request};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::compatible::Server;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::service::Service;

struct Quiet;

impl Report for Quiet {
    fn event(&self, _: &Event) {}
}

static HOUSE: LazyLock<(Arc<Service>, Server, SeededWorld)> = LazyLock::new(|| {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_kem::plugin());
    let registry = registry.build().expect("a registry");
    let world = SeededWorld::new(0);
    let mut rng = world.rng();
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    let names = SuiteNames {
        kem: vec!["ML-KEM-512".into()],
        signature: vec!["Ed25519".into()],
        aead: vec!["AES-256-GCM".into()],
        kdf: vec!["HKDF-SHA256".into()],
    };
    let suite = Suite::resolve(&names, &mut resolver).expect("a suite");
    let config = QflareConfig {
        initial: [("w".to_owned(), vec![2])].into(),
        ..QflareConfig::default()
    };
    let service = Service::open(
        world.now(),
        Arc::new(MemoryStore::default()),
        Arc::new(MemoryBlobs::default()),
        suite.digest.clone(),
        config,
        Arc::new(Quiet),
    );
    let service = Arc::new(service.expect("a service"));
    let began = service.begin(world.now(), "qflare-1");
    began.expect("a server that begins");
    let server = Server::new(service.clone(), suite, vec![0; 32]);
    (service, server, world)
});

const ROUTES: [&str; 6] = [
    "/api/enroll",
    "/api/challenge",
    "/api/verify_challenge",
    "/api/authenticate",
    "/api/submit_model",
    "/api/devices/d",
];

fuzz_target!(|input: &[u8]| {
    let Some((route, body)) = input.split_first() else {
        return;
    };
    let (service, server, world) = &*HOUSE;
    let before = service.state().head().expect("a head");
    let request = Request::post(ROUTES[usize::from(*route) % ROUTES.len()], body.to_vec());
    let response = server.respond(world.now(), &mut *world.rng(), &request);
    assert!((400..500).contains(&response.status), "{}", response.status);
    let json: serde_json::Value = serde_json::from_slice(&response.body).expect("JSON");
    assert!(json.get("detail").is_some());
    assert!(response.body.len() <= 4096 + 8 * body.len().min(1024));
    assert_eq!(service.state().head().expect("a head"), before);
});
