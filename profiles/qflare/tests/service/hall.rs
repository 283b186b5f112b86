//! A `qflare-2` server on a wire in the tests' hands, and devices that speak with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::store::{MemoryStore, Store};
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::ClientError;
use pqfw_qflare::hardened::{
    Client, Devices, EnrolToken, Message, PROTOCOL, Server, SessionKeys, Update,
};
use pqfw_qflare::keys::DeviceKeys;
use pqfw_qflare::service::{Service, secs};
use pqfw_qflare::state::Token;
use pqfw_session::exchange::{ChannelExchange, ChannelService};
use pqfw_session::{Config, Identity, PeerCheck, PinnedPeers};
use serde_json::{Value, json};

use crate::support::{Told, b64, config, id, suite_of};

pub(crate) static SUITE: LazyLock<Suite> =
    LazyLock::new(|| suite_of(["ML-KEM-768", "Ed25519", "AES-256-GCM", "HKDF-SHA256"]));

/// Whether the server has refused, with this status.
pub(crate) fn is<T>(outcome: &Result<T, ClientError>, expected: u16) -> bool {
    matches!(outcome, Err(ClientError::Refused { status, .. }) if *status == expected)
}

/// The wire, which keeps what goes over it, and carries it as long as it is let.
pub(crate) struct Wire {
    service: ChannelService,
    world: Arc<SeededWorld>,
    seen: Mutex<Vec<(Request, Vec<u8>)>>,
    /// How many more requests it carries.
    carries: AtomicUsize,
}

impl Wire {
    pub(crate) fn recorded(&self) -> Vec<Vec<u8>> {
        let seen = self.seen.lock().unwrap();
        let bodies = seen
            .iter()
            .flat_map(|(request, answer)| [request.body.clone(), answer.clone()]);
        bodies.collect()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(request, _)| request.clone()).collect()
    }

    pub(crate) async fn repeat(&self, request: Request) -> Response {
        self.exchange(request).await.unwrap()
    }

    /// Carries so many more requests; what comes after them is kept, and not delivered.
    pub(crate) fn cut_after(&self, requests: usize) {
        self.carries.store(requests, Ordering::Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.cut_after(usize::MAX);
    }
}

impl Exchange for Wire {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let left = self.carries.load(Ordering::Relaxed);
        let Some(left) = left.checked_sub(1) else {
            self.seen.lock().unwrap().push((request, Vec::new()));
            let cut = TransportError::Broken {
                address: "server".into(),
                reason: "cut".into(),
            };
            return Box::pin(async move { Err(cut) });
        };
        self.carries.store(left, Ordering::Relaxed);
        let mut rng = self.world.rng();
        let response = self.service.respond(self.world.now(), &mut *rng, &request);
        self.seen
            .lock()
            .unwrap()
            .push((request, response.body.clone()));
        Box::pin(async move { Ok(response) })
    }
}

pub(crate) struct Hall {
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) service: Arc<Service>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) session_keys: Arc<SessionKeys>,
    suite: Suite,
    last: Mutex<Option<(SigningKey, SigningKey)>>,
}

pub(crate) async fn hall() -> Hall {
    hall_with(SUITE.clone()).await
}

#[expect(
    clippy::unused_async,
    reason = "tests read the same whichever hall they enter"
)]
pub(crate) async fn hall_with(suite: Suite) -> Hall {
    hall_on(suite, config(), Arc::new(MemoryStore::default()))
}

pub(crate) fn hall_on(suite: Suite, config: QflareConfig, store: Arc<dyn Store>) -> Hall {
    static NUMBER: Mutex<u64> = Mutex::new(100);
    let seed = {
        let mut number = NUMBER.lock().unwrap();
        *number += 1;
        *number
    };
    let world = Arc::new(SeededWorld::new(seed));
    let told = Arc::new(Told::default());
    let service = Service::open(
        world.now(),
        store,
        Arc::new(MemoryBlobs::default()),
        suite.digest.clone(),
        config,
        told.clone(),
    );
    let service = Arc::new(service.unwrap());
    service.begin(world.now(), "qflare-2").unwrap();
    let devices = Arc::new(Devices::new(service.clone(), vec![suite.clone()], told));
    let key = suite.signature.generate(&mut *world.rng()).unwrap();
    let channel = Arc::new(channel(&suite, key, devices.clone()));
    let fingerprint = channel.identities()[0].fingerprint().clone();
    let server = Server::new(service.clone(), devices, channel.clone());
    let session_keys = server.session_keys();
    let service_of = ChannelService::new(channel, Arc::new(server), &mut *world.rng());
    Hall {
        wire: Arc::new(Wire {
            service: service_of,
            world: world.clone(),
            seen: Mutex::default(),
            carries: AtomicUsize::new(usize::MAX),
        }),
        world,
        service,
        fingerprint,
        session_keys,
        suite,
        last: Mutex::default(),
    }
}

fn channel(suite: &Suite, key: SigningKey, peers: Arc<dyn PeerCheck>) -> Config {
    let identity = Identity::new(key, &suite.digest).unwrap();
    let suites = vec![suite.clone()];
    Config::new(
        PROTOCOL.into(),
        "tests".into(),
        suites,
        vec![identity],
        peers,
    )
    .unwrap()
}

impl Hall {
    pub(crate) fn keys(&self) -> DeviceKeys {
        let mut rng = self.world.rng();
        DeviceKeys {
            sign: self.suite.signature.generate(&mut *rng).unwrap(),
            kem: self.suite.kem.generate(&mut *rng).unwrap(),
        }
    }

    pub(crate) fn token(&self, device: &str) -> EnrolToken {
        let mut rng = self.world.rng();
        let token = EnrolToken::new(self.fingerprint.clone(), id(device), &mut *rng);
        let now = secs(self.world.now());
        let record = Token {
            device: id(device),
            expires: now + 86_400,
            creator: "tests".into(),
        };
        let secret = token.expose_secret().as_bytes();
        self.service
            .state()
            .issue_token(now, secret, &record)
            .unwrap();
        token
    }

    /// A device with new keys, and a token for it.
    pub(crate) fn device(&self, name: &str) -> (Client, EnrolToken) {
        (self.client(name, self.keys()), self.token(name))
    }

    pub(crate) fn client(&self, name: &str, keys: DeviceKeys) -> Client {
        self.client_over(self.wire.clone(), name, keys)
    }

    pub(crate) fn client_over(&self, wire: Arc<Wire>, name: &str, keys: DeviceKeys) -> Client {
        let twice = (self.again(&keys.sign), self.again(&keys.sign));
        *self.last.lock().unwrap() = Some(twice);
        let peers = Arc::new(PinnedPeers::new([self.fingerprint.clone()]));
        let channel = Arc::new(channel(&self.suite, self.again(&keys.sign), peers));
        let who = (id(name), self.fingerprint.clone());
        let (world, suite) = (self.world.clone(), self.suite.clone());
        Client::new(channel, wire, world, suite, who, keys)
    }

    fn again(&self, key: &SigningKey) -> SigningKey {
        let seed = key.export(SecretKind::Seed).unwrap();
        let form = SecretForm::Seed(seed.expose());
        self.suite.signature.import_signing_key(form).unwrap()
    }

    /// A channel of the device that was made last, without its client.
    pub(crate) fn raw_of_last_keys(&self) -> Raw<'_> {
        let (identity, key) = self.last.lock().unwrap().take().unwrap();
        self.raw(identity, key)
    }

    fn raw(&self, identity: SigningKey, key: SigningKey) -> Raw<'_> {
        let peers = Arc::new(PinnedPeers::new([self.fingerprint.clone()]));
        let config = Arc::new(channel(&self.suite, identity, peers));
        Raw {
            channel: ChannelExchange::new(config, self.wire.clone(), self.world.clone()),
            key,
            hall: self,
            body: Value::Null,
            token: Vec::new(),
        }
    }

    /// A stranger's channel, and what it would offer with this token.
    pub(crate) async fn offers(&self, name: &str, token: &EnrolToken) -> Raw<'_> {
        let keys = self.keys();
        let mut raw = self.raw(self.again(&keys.sign), self.again(&keys.sign));
        raw.token = SUITE.digest.digest(&[token.expose_secret().as_bytes()]);
        assert_eq!(raw.get("/v2/status", b"").await.0, 200);
        let kem = keys.kem.encapsulation_key();
        raw.body = raw.proved(
            &self.suite.signature.info().id,
            &self.suite.kem.info().id,
            &kem,
        );
        assert_eq!(raw.body["device_id"], name);
        raw
    }

    pub(crate) fn trained(&self, values: &[f32]) -> Vec<u8> {
        let global = self.service.global().unwrap().unwrap();
        global
            .model
            .with_values(values.to_vec())
            .unwrap()
            .to_safetensors()
    }
}

/// Where the device `d` submits in the first round.
const UPDATES: &str = "/v2/rounds/1/updates/d";

/// A channel whose bodies the test writes.
pub(crate) struct Raw<'a> {
    channel: ChannelExchange,
    key: SigningKey,
    hall: &'a Hall,
    pub(crate) body: Value,
    token: Vec<u8>,
}

impl Raw<'_> {
    async fn ask(&self, method: &str, route: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let outcome = self.channel.request(method, route, body).await.unwrap();
        (outcome.response.status, outcome.response.body)
    }

    pub(crate) async fn get(&self, route: &str, body: &[u8]) -> (u16, Vec<u8>) {
        self.ask("GET", route, body).await
    }

    pub(crate) async fn post(&self, route: &str, body: &Value) -> (u16, Value) {
        self.post_bytes(route, body.to_string().as_bytes()).await
    }

    pub(crate) async fn post_bytes(&self, route: &str, body: &[u8]) -> (u16, Value) {
        let (status, body) = self.ask("POST", route, body).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn session(&self) -> [u8; 32] {
        assert_eq!(self.get("/v2/status", b"").await.0, 200);
        let secret = self
            .channel
            .exporter()
            .unwrap()
            .export("qflare-2/update", &[], 32);
        secret.unwrap().expose().try_into().unwrap()
    }

    pub(crate) async fn put(&self, update: &Update, weights: &[u8], signed: bool) -> (u16, Value) {
        let message = self.message(update, weights, signed);
        let (status, body) = self.ask("PUT", UPDATES, &message.encode().unwrap()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn put_bytes(&self, body: &[u8]) -> (u16, Value) {
        let (status, body) = self.ask("PUT", UPDATES, body).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// A transcript, signed as the page has it or not, and weights.
    pub(crate) fn message(&self, update: &Update, weights: &[u8], signed: bool) -> Message {
        let transcript = update.encode().unwrap();
        let digest = SUITE.digest.digest(&[&transcript]);
        let message = [b"pqfw/1 ", &b"qflare-2/update"[..], &[0], &digest];
        let message = if signed { &message[..] } else { &message[1..] };
        let signature = self.key.sign(&mut *self.hall.world.rng(), message).unwrap();
        Message::of(weights.to_vec())
            .with("pqfw-update", URL_SAFE_NO_PAD.encode(&transcript))
            .with("pqfw-signature", URL_SAFE_NO_PAD.encode(&signature))
    }

    /// An offer of this KEM key, with the token's MAC over it as the page has it.
    pub(crate) fn proved(&self, sign: &str, kem: &str, key: &[u8]) -> Value {
        let exporter = self.channel.exporter().unwrap();
        let exporter = exporter.export("qflare-2/enrol", &[], 32).unwrap();
        let public = self.key.verifying_key();
        let mut transcript = Vec::new();
        for part in [
            exporter.expose(),
            b"d",
            sign.as_bytes(),
            &public,
            kem.as_bytes(),
            key,
        ] {
            transcript.extend((part.len() as u64).to_be_bytes());
            transcript.extend(part);
        }
        let pad = |mask: u8| {
            let mut block = [mask; 64];
            block.iter_mut().zip(&self.token).for_each(|(b, k)| *b ^= k);
            block
        };
        let inner = SUITE
            .digest
            .digest(&[&pad(0x36), b"qflare-2/enrol\0", &transcript]);
        let mac = SUITE.digest.digest(&[&pad(0x5c), &inner]);
        json!({
            "device_id": "d",
            "signature_algorithm": sign,
            "signature_public_key": b64(&public),
            "kem_algorithm": kem,
            "kem_public_key": b64(key),
            "token_proof": b64(&mac),
        })
    }
}
