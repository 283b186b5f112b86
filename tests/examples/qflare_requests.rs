//! How many challenges and updates a second a QFLARE server takes over HTTP, beside an axum server
//! that receives the same bodies and answers at once.
//!
//! ```text
//! cargo run --release -p pqfw-tests --example qflare_requests -- [REQUESTS [VALUES]]
//! ```
//!
//! Each row is REQUESTS requests (2 000) of one kind over kept connections on loopback, by 1 and by
//! 64 callers; the model has VALUES values (650). `qflare-1` is with its own algorithms: a challenge
//! encapsulates to the device's key and counts, an update is parsed, verified, kept and receipted.
//! Each update is of another device. In `qflare-2` each device opens its channel, asks for its status
//! and submits. All ends are in this process and share its processors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on may end, and prints what it found"
)]

#[path = "../benches/channel/suite.rs"]
mod suite;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    Exchange, ExchangeService, Listener, Request, Transport, TransportLimits, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_http::HttpTransport;
use pqfw_qflare::compatible;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::hardened::{Client, Devices, PROTOCOL, Server};
use pqfw_qflare::keys::DeviceKeys;
use pqfw_qflare::service::{Service, secs};
use pqfw_qflare::state::{DeviceId, PublicKey, Token};
use pqfw_runtime::OsWorld;
use pqfw_session::exchange::ChannelService;
use pqfw_session::{Config, Identity, PinnedPeers};
use serde_json::json;

const DEPLOYED: &str = "eFrodoKEM-640-AES/Dilithium2/AES-256-GCM/HKDF-SHA256";
const SHIPPED: &str = "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256";
const CALLERS: [usize; 2] = [1, 64];
/// An unsalted key has fewer than 2^8 challenges.
const CHALLENGES_EACH: usize = 250;

#[tokio::main]
async fn main() {
    let number = |at| std::env::args().nth(at).and_then(|text| text.parse().ok());
    let (requests, values) = (number(1).unwrap_or(2000), number(2).unwrap_or(650));
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let suite = |name| suite::resolve(&registry, &*world, name);
    let bench = Bench {
        world: world.clone(),
        requests,
        values,
    };
    print!("{requests} requests, {values} values{:<18}", "");
    println!("{:>12} {:>12} /s", "1 caller", "64 callers");
    bench.deployed(&suite(DEPLOYED), "memory:").await;
    bench.deployed(&suite(DEPLOYED), "sqlite:state.db").await;
    bench.shipped(&suite(SHIPPED), "sqlite:state.db").await;
}

struct Bench {
    world: Arc<dyn World>,
    requests: usize,
    values: usize,
}

impl Bench {
    /// `qflare-1` and, with the same bodies, a server that does nothing.
    async fn deployed(&self, suite: &Suite, store: &str) {
        let place = tempfile::tempdir().unwrap();
        let service = self.service(suite, store, place.path());
        let keys = self.keys(suite);
        let devices = self.enrol(&service, &keys);
        let server = compatible::Server::new(service.clone(), suite.clone(), vec![0; 1312]);
        let listener = self.serve(Arc::new(server)).await;
        let few = devices
            .iter()
            .take(self.requests * CALLERS.len() / CHALLENGES_EACH + 1);
        let few: Vec<_> = few.collect();
        let challenges: Vec<_> = (0..self.requests)
            .map(|n| json!({ "device_id": few[n % few.len()].as_str() }))
            .map(|body| Request::post("/api/challenge", body.to_string().into_bytes()))
            .collect();
        let submits = devices.iter().enumerate();
        let submits: Vec<_> = submits
            .map(|(n, device)| self.submit(device, n, &keys.sign))
            .collect();
        let ours = connect(listener.url());
        let challenge = self.send(&ours, &challenges[..1], 1).await.1;
        let name = format!("qflare-1, {store}");
        self.row(&format!("challenge, {name}"), &ours, &challenges, &service)
            .await;
        self.row(&format!("update, {name}"), &ours, &submits, &service)
            .await;
        if store == "memory:" {
            let (plain, task) = plain(challenge).await;
            for (name, bodies) in [("challenge", &challenges), ("update", &submits)] {
                self.row(&format!("{name}, axum"), &plain, bodies, &service)
                    .await;
            }
            task.abort();
        }
        listener.shutdown().await;
    }

    /// `qflare-2`: a channel, and an update in it.
    async fn shipped(&self, suite: &Suite, store: &str) {
        let place = tempfile::tempdir().unwrap();
        let service = self.service(suite, store, place.path());
        let devices = Devices::new(service.clone(), vec![suite.clone()], Arc::new(Quiet));
        let devices = Arc::new(devices);
        let key = suite.signature.generate(&mut *self.world.rng()).unwrap();
        let channel = Arc::new(config(suite, key, devices.clone()));
        let name = channel.identities()[0].fingerprint().clone();
        let server = Server::new(service.clone(), devices, channel.clone());
        let server = ChannelService::new(channel, Arc::new(server), &mut *self.world.rng());
        let listener = self.serve(Arc::new(server)).await;
        let exchange = connect(listener.url());
        let mut rates = Vec::new();
        for callers in CALLERS {
            let clients = (0..self.requests).map(|n| {
                self.client(
                    n + rates.len() * self.requests,
                    &service,
                    suite,
                    &name,
                    &exchange,
                )
            });
            let clients: Arc<Vec<_>> = Arc::new(clients.collect());
            let global = service.global().unwrap().unwrap();
            let round = service.state().head().unwrap().round;
            let (weights, base) = (self.weights(0), global.name.hash.clone());
            let rate = at_once(&*self.world, callers, self.requests, move |n| {
                let (clients, weights, base) = (clients.clone(), weights.clone(), base.clone());
                async move {
                    let sent = clients[n].submit(round, &base, ("raw-f32", &weights), 1);
                    sent.await.expect("accepted");
                }
            });
            rates.push(rate.await);
        }
        print(&format!("channel and update, qflare-2, {store}"), &rates);
        listener.shutdown().await;
    }

    /// Sends all requests at each number of callers; updates each time in a round of their own.
    async fn row(
        &self,
        name: &str,
        exchange: &Arc<dyn Exchange>,
        requests: &[Request],
        service: &Service,
    ) {
        let mut rates = Vec::new();
        for callers in CALLERS {
            rates.push(self.send(exchange, requests, callers).await.0);
            let round = service.state().head().unwrap().round;
            if service.state().updates_counted(round).unwrap() > 0 {
                service.close(self.world.now()).unwrap();
            }
        }
        print(name, &rates);
    }

    /// Gives the rate, and the length of the last answer.
    async fn send(
        &self,
        exchange: &Arc<dyn Exchange>,
        requests: &[Request],
        callers: usize,
    ) -> (f64, usize) {
        let (exchange, requests) = (exchange.clone(), Arc::new(requests.to_vec()));
        let (count, length) = (requests.len(), Arc::new(AtomicUsize::new(0)));
        let last = length.clone();
        let rate = at_once(&*self.world, callers, count, move |n| {
            let (exchange, request, last) = (exchange.clone(), requests[n].clone(), last.clone());
            async move {
                let answer = exchange.exchange(request).await.expect("an answer");
                assert_eq!(
                    answer.status,
                    200,
                    "{}",
                    String::from_utf8_lossy(&answer.body)
                );
                last.store(answer.body.len(), Ordering::Relaxed);
            }
        });
        let rate = rate.await;
        (rate, length.load(Ordering::Relaxed))
    }

    fn service(&self, suite: &Suite, store: &str, place: &Path) -> Arc<Service> {
        let config = QflareConfig {
            rule: "fedavg".into(),
            clip: "none".into(),
            close_at: 0,
            initial: [("w".to_owned(), vec![self.values])].into(),
            per_device_per_minute: 0,
            max_updates: u32::try_from(self.requests * 2).unwrap(),
            ..QflareConfig::default()
        };
        let service = Service::open(
            self.world.now(),
            pqfw_store::open(store, place).unwrap(),
            pqfw_store::open_blobs(store, place).unwrap(),
            suite.digest.clone(),
            config,
            Arc::new(Quiet),
        );
        let service = service.unwrap();
        service.begin(self.world.now(), "qflare-1").unwrap();
        Arc::new(service)
    }

    async fn serve(&self, service: Arc<dyn ExchangeService>) -> Box<dyn Listener> {
        let settings = settings("");
        let listener = HttpTransport.serve_exchange(&settings, service, self.world.clone());
        listener.await.unwrap()
    }

    fn keys(&self, suite: &Suite) -> DeviceKeys {
        let mut rng = self.world.rng();
        DeviceKeys {
            sign: suite.signature.generate(&mut *rng).unwrap(),
            kem: suite.kem.generate(&mut *rng).unwrap(),
        }
    }

    /// As many devices as there are requests. They share their keys, which the server does not see.
    fn enrol(&self, service: &Service, keys: &DeviceKeys) -> Vec<DeviceId> {
        let devices = (0..self.requests).map(|n| enrol(service, n, keys, &*self.world));
        devices.collect()
    }

    fn client(
        &self,
        number: usize,
        service: &Service,
        suite: &Suite,
        server: &Fingerprint,
        exchange: &Arc<dyn Exchange>,
    ) -> Client {
        let keys = self.keys(suite);
        let device = enrol(service, number, &keys, &*self.world);
        let seed = keys
            .sign
            .export(pqfw_framework::secret::SecretKind::Seed)
            .unwrap();
        let again = pqfw_framework::secret::SecretForm::Seed(seed.expose());
        let again = suite.signature.import_signing_key(again).unwrap();
        let peers = Arc::new(PinnedPeers::new([server.clone()]));
        Client::new(
            Arc::new(config(suite, again, peers)),
            exchange.clone(),
            self.world.clone(),
            suite.clone(),
            (device, server.clone()),
            keys,
        )
    }

    fn weights(&self, number: usize) -> Vec<u8> {
        let value = (number % 1000) as f32 / 1000.0;
        value.to_le_bytes().repeat(self.values)
    }

    fn submit(&self, device: &DeviceId, number: usize, key: &SigningKey) -> Request {
        let weights = self.weights(number);
        let signature = key.sign(&mut *self.world.rng(), &[&weights]).unwrap();
        let body = json!({
            "device_id": device.as_str(),
            "model_weights": STANDARD.encode(&weights),
            "signature": STANDARD.encode(&signature),
            "metadata": { "num_samples": 600 },
        });
        Request::post("/api/submit_model", body.to_string().into_bytes())
    }
}

/// Does `count` things by so many callers; gives how many a second.
async fn at_once<F>(
    world: &dyn World,
    callers: usize,
    count: usize,
    one: impl Fn(usize) -> F + Send + Sync + 'static,
) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let (next, one) = (Arc::new(AtomicUsize::new(0)), Arc::new(one));
    let began = world.now().since_start;
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (next, one) = (next.clone(), one.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    one(number).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    count as f64 / (world.now().since_start - began).as_secs_f64()
}

/// A device in the state, with a token that it has used.
fn enrol(service: &Service, number: usize, keys: &DeviceKeys, world: &dyn World) -> DeviceId {
    let id = DeviceId::parse(&format!("device-{number}")).unwrap();
    let (state, now) = (service.state(), secs(world.now()));
    let secret = format!("{number:043}");
    let token = Token {
        device: id.clone(),
        expires: now + 3600,
        creator: "bench".into(),
    };
    state.issue_token(now, secret.as_bytes(), &token).unwrap();
    let key = |algorithm: &str, key| PublicKey {
        algorithm: algorithm.to_owned(),
        key,
    };
    let sign = key(&keys.sign.info().id, keys.sign.verifying_key());
    let kem = key(&keys.kem.info().id, keys.kem.encapsulation_key());
    let enrolled = state.enrol(now, secret.as_bytes(), &id, &sign, Some(&kem));
    enrolled.unwrap();
    id
}

fn config(suite: &Suite, key: SigningKey, peers: Arc<dyn pqfw_session::PeerCheck>) -> Config {
    let identity = Identity::new(key, &suite.digest).unwrap();
    let (suites, policy) = (vec![suite.clone()], "bench".into());
    Config::new(PROTOCOL.into(), policy, suites, vec![identity], peers).unwrap()
}

/// axum, which receives each body and answers with as many bytes as a challenge has.
async fn plain(length: usize) -> (Arc<dyn Exchange>, tokio::task::JoinHandle<()>) {
    let answer = Bytes::from(vec![b' '; length]);
    let handler = post(move |body: Bytes| {
        let answer = answer.clone();
        async move {
            drop(body);
            answer
        }
    });
    let router = axum::Router::new()
        .route("/api/challenge", handler.clone())
        .route("/api/submit_model", handler)
        .layer(DefaultBodyLimit::disable());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        axum::serve(listener, router).await.unwrap();
    });
    (connect(&format!("http://{address}")), task)
}

fn connect(url: &str) -> Arc<dyn Exchange> {
    HttpTransport.connect_exchange(&settings(url)).unwrap()
}

fn settings(connect: &str) -> TransportSettings {
    TransportSettings {
        listen: "127.0.0.1:0".into(),
        connect: connect.into(),
        limits: TransportLimits {
            body_bytes: 1 << 30,
            header_bytes: 16384,
            connections: 256,
            idle_secs: 600,
            request_secs: 600,
            per_ip_per_minute: 0,
        },
        tls: None,
    }
}

fn print(name: &str, rates: &[f64]) {
    print!("{name:<46}");
    for rate in rates {
        print!("{rate:>12.0} ");
    }
    println!();
}

struct Quiet;

impl Report for Quiet {
    fn event(&self, _: &Event) {}
}
