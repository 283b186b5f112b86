//! A server in memory, its operator, and devices.

use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::blobs::{Blobs, MemoryBlobs};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::store::{MemoryStore, Store};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{ExchangeService, Request};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::compatible::Server;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::keys::DeviceKeys;
use pqfw_qflare::service::{Service, secs};
use pqfw_qflare::state::{DeviceId, Token};
use serde_json::{Value, json};

/// What deployed devices speak.
pub(crate) const DEPLOYED: [&str; 4] = [
    "eFrodoKEM-640-AES",
    "Dilithium2",
    "AES-256-GCM",
    "HKDF-SHA256",
];

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_dilithium::plugin())
        .with(pqfw_frodokem::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap()
});

static SUITE: LazyLock<Suite> = LazyLock::new(|| suite_of(DEPLOYED));

pub(crate) fn suite_of(names: [&str; 4]) -> Suite {
    let [kem, signature, aead, kdf] = names.map(|name| vec![name.to_owned()]);
    let names = SuiteNames {
        kem,
        signature,
        aead,
        kdf,
    };
    let mut rng = SeededWorld::new(0).rng();
    let mut resolver = Resolver::new(&REGISTRY, &mut *rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).unwrap()
}

pub(crate) fn suite() -> Suite {
    SUITE.clone()
}

/// A report that keeps what it is told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Event>>);

impl Told {
    pub(crate) fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap())
    }
}

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Two values, and rounds that one update closes.
pub(crate) fn config() -> QflareConfig {
    QflareConfig {
        rule: "fedavg".into(),
        close_at: 0,
        initial: [("w".to_owned(), vec![2])].into(),
        ..QflareConfig::default()
    }
}

pub(crate) struct House {
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) told: Arc<Told>,
    pub(crate) service: Arc<Service>,
    pub(crate) server: Arc<Server>,
}

impl House {
    pub(crate) fn new(config: QflareConfig) -> Self {
        Self::on(config, Arc::new(MemoryStore::default()))
    }

    pub(crate) fn on(config: QflareConfig, store: Arc<dyn Store>) -> Self {
        Self::with(config, store, Arc::new(MemoryBlobs::default()), suite())
    }

    pub(crate) fn with(
        config: QflareConfig,
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        suite: Suite,
    ) -> Self {
        let world = Arc::new(SeededWorld::new(7));
        let told = Arc::new(Told::default());
        let (digest, report) = (suite.digest.clone(), told.clone());
        let service = Service::open(world.now(), store, blobs, digest, config, report).unwrap();
        service.begin(world.now(), "qflare-1").unwrap();
        let service = Arc::new(service);
        let server = Arc::new(Server::new(service.clone(), suite, vec![1; 8]));
        Self {
            world,
            told,
            service,
            server,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        secs(self.world.now())
    }

    /// A token for a device, good for a day.
    pub(crate) fn token(&self, device: &str) -> String {
        static NUMBER: Mutex<u64> = Mutex::new(0);
        let mut number = NUMBER.lock().unwrap();
        *number += 1;
        let secret = format!("token-{:037}", *number);
        let token = Token {
            device: id(device),
            expires: self.now() + 86_400,
            creator: "tests".into(),
        };
        let state = self.service.state();
        state
            .issue_token(self.now(), secret.as_bytes(), &token)
            .unwrap();
        secret
    }

    pub(crate) fn raw(&self, method: &str, route: &str, body: &[u8]) -> (u16, Value) {
        let request = Request {
            method: method.into(),
            ..Request::post(route, body.to_vec())
        };
        let mut rng = self.world.rng();
        let response = self.server.respond(self.world.now(), &mut *rng, &request);
        let json = serde_json::from_slice(&response.body).unwrap();
        (response.status, json)
    }

    pub(crate) fn post(&self, route: &str, body: &Value) -> (u16, Value) {
        self.raw("POST", route, body.to_string().as_bytes())
    }

    pub(crate) fn get(&self, route: &str) -> (u16, Value) {
        self.raw("GET", route, b"")
    }

    /// Enrols a device with new keys.
    pub(crate) fn enrolled(&self, name: &str) -> Device {
        let device = self.device(name);
        let (status, answer) = self.post("/api/enroll", &device.enrolment(&self.token(name)));
        assert_eq!(status, 200, "{answer}");
        device
    }

    pub(crate) fn device(&self, name: &str) -> Device {
        let (mut rng, suite) = (self.world.rng(), suite());
        Device {
            name: name.into(),
            keys: DeviceKeys {
                sign: suite.signature.generate(&mut *rng).unwrap(),
                kem: suite.kem.generate(&mut *rng).unwrap(),
            },
        }
    }

    pub(crate) fn model_hash(&self) -> Vec<u8> {
        self.service.state().head().unwrap().model.unwrap().hash
    }
}

/// Asks, and sees that the model and the round are as they were; gives the `detail`.
pub(crate) fn refused(
    house: &House,
    status: u16,
    ask: impl FnOnce(&House) -> (u16, Value),
) -> Value {
    let (hash, updates) = (
        house.model_hash(),
        house.service.state().updates(1).unwrap(),
    );
    let (found, answer) = ask(house);
    assert_eq!(found, status, "{answer}");
    assert_eq!(house.model_hash(), hash);
    assert_eq!(house.service.state().updates(1).unwrap(), updates);
    answer["detail"].clone()
}

pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) keys: DeviceKeys,
}

impl Device {
    pub(crate) fn enrolment(&self, token: &str) -> Value {
        json!({
            "device_id": self.name,
            "enrollment_token": token,
            "kem_public_key": b64(&self.keys.kem.encapsulation_key()),
            "signature_public_key": b64(&self.keys.sign.verifying_key()),
        })
    }

    pub(crate) fn update(&self, values: &[f32]) -> Value {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.signed(&bytes)
    }

    pub(crate) fn signed(&self, weights: &[u8]) -> Value {
        let mut rng = SeededWorld::new(1).rng();
        let signature = self.keys.sign.sign(&mut *rng, &[weights]).unwrap();
        json!({
            "device_id": self.name,
            "model_weights": b64(weights),
            "signature": b64(&signature),
            "metadata": { "num_samples": 10 },
        })
    }
}

pub(crate) fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

pub(crate) fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn un64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}
