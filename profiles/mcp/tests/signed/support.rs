//! A server whose clock stands still, its clients, and what they told.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::audit::{AuditLog, MemoryJournal};
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::store::{MemoryStore, Store};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::World;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::client::PqcMcpClient;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::identity::{Algorithms, Identity};
use pqfw_mcp::signed::message::MessageSigner;
use pqfw_mcp::signed::server::{HANDSHAKE, PqcMcpServer};
use pqfw_mcp::signed::tools::Toolbox;
use pqfw_mcp::signed::trust::Server;
use pqfw_memory::SeededWorld;

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap()
});

pub(crate) fn suite_of(signature: &str) -> Suite {
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("ML-KEM-768"),
        signature: one(signature),
        aead: one("AES-256-GCM"),
        kdf: one("HKDF-SHA256"),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).unwrap()
}

static SUITE: LazyLock<Suite> = LazyLock::new(|| suite_of("ML-DSA-65"));

pub(crate) fn suite() -> Suite {
    SUITE.clone()
}

pub(crate) fn identity_of(suite: &Suite, config: &McpConfig, seed: u64) -> Arc<Identity> {
    let algorithms = Algorithms::of(suite, config).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    Arc::new(Identity::generate(algorithms, &mut rng).unwrap())
}

pub(crate) fn identity(seed: u64) -> Arc<Identity> {
    identity_of(&suite(), &McpConfig::default(), seed)
}

/// The seed of the server, of its one client, and of somebody else.
pub(crate) const SERVER: u64 = 1;
pub(crate) const CLIENT: u64 = 2;
pub(crate) const STRANGER: u64 = 3;

/// A server with its clock, its store, its log and what it told.
pub(crate) struct House {
    pub(crate) config: McpConfig,
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) told: Arc<Told>,
    pub(crate) server: Arc<PqcMcpServer>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut McpConfig)) -> Self {
        let mut config = McpConfig {
            allow_dids: vec![identity(CLIENT).did().to_string()],
            ..McpConfig::default()
        };
        change(&mut config);
        let world = Arc::new(SeededWorld::new(7));
        let (store, journal) = (Arc::<MemoryStore>::default(), Arc::default());
        let told = Arc::new(Told::default());
        let server = build(&config, &world, store.clone(), &journal, &told);
        Self {
            config,
            world,
            store,
            journal,
            told,
            server,
        }
    }

    /// Ends the process and starts another on the same store and log.
    pub(crate) fn restart(&mut self) {
        self.wait(1);
        let store = self.store.clone();
        self.server = build(&self.config, &self.world, store, &self.journal, &self.told);
    }

    pub(crate) fn wait(&self, secs: u64) {
        self.world.advance(Duration::from_secs(secs));
    }

    pub(crate) fn ask(&self, request: &Request) -> Response {
        let now = self.world.now();
        self.server.respond(now, &mut *self.world.rng(), request)
    }

    pub(crate) fn post(&self, route: &str, json: &Json) -> Response {
        self.ask(&Request::post(route, json.default_text().into_bytes()))
    }

    /// Makes a handshake; gives the answer.
    pub(crate) fn handshake(&self, who: u64) -> Result<Json, PqcTransportError> {
        let (now, mut rng) = (self.world.now(), self.world.rng());
        let (_, request) = PqcHandshake::initiate(&identity(who), now, &mut *rng)?;
        self.server.handle_handshake(now, &mut *rng, &request)
    }

    /// The number of a fresh session.
    pub(crate) fn session(&self, who: u64) -> String {
        let answer = self.handshake(who).unwrap();
        answer.get("session_id").unwrap().as_str().unwrap().into()
    }

    pub(crate) fn sign(&self, who: u64, message: &Object, session: &str) -> Object {
        let signer = MessageSigner::new(identity(who));
        let (now, mut rng) = (self.world.now(), self.world.rng());
        let session = Some(session).filter(|session| !session.is_empty());
        let signed = signer.sign_message(now, &mut *rng, message, session);
        signed.unwrap()
    }

    pub(crate) fn handle(&self, message: impl Into<Json>) -> Result<Json, PqcTransportError> {
        let (now, mut rng) = (self.world.now(), self.world.rng());
        self.server.handle_request(now, &mut *rng, &message.into())
    }

    pub(crate) async fn connect(self: &Arc<Self>) -> Result<PqcMcpClient, PqcTransportError> {
        self.connect_through(self.clone()).await
    }

    pub(crate) async fn connect_through(
        &self,
        exchange: Arc<dyn Exchange>,
    ) -> Result<PqcMcpClient, PqcTransportError> {
        PqcMcpClient::connect(
            exchange,
            self.world.clone(),
            identity(CLIENT),
            &Server::Pinned(identity(SERVER).did().clone()),
            &self.config,
            Audit::default(),
            self.told.clone(),
        )
        .await
    }
}

fn build(
    config: &McpConfig,
    world: &Arc<SeededWorld>,
    store: Arc<dyn Store>,
    journal: &Arc<MemoryJournal>,
    told: &Arc<Told>,
) -> Arc<PqcMcpServer> {
    let log = AuditLog::open(journal.clone(), suite().digest).unwrap();
    let gate = Gate::new(
        world.now(),
        identity(SERVER),
        config,
        &suite(),
        store,
        Audit::new(Arc::new(log)),
        told.clone(),
    );
    let tools = Arc::new(Toolbox::demo());
    Arc::new(PqcMcpServer::new(gate.unwrap(), tools, told.clone()))
}

/// The wire from a client to the house: no transport at all.
impl Exchange for House {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move { Ok(self.ask(&request)) })
    }
}

/// A wire on which somebody changes answers.
struct Liar {
    house: Arc<House>,
    lie: Lie,
}

/// What becomes of the answer on a route.
type Lie = Box<dyn Fn(&House, &str, Json) -> Json + Send + Sync>;

impl Exchange for Liar {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let mut response = self.house.ask(&request);
            if let Ok(json) = pqfw_mcp::signed::message::parse(&response.body) {
                let answer = (self.lie)(&self.house, &request.route, json);
                response.body = answer.default_text().into_bytes();
            }
            Ok(response)
        })
    }
}

pub(crate) fn liar(
    house: &Arc<House>,
    lie: impl Fn(&House, &str, Json) -> Json + Send + Sync + 'static,
) -> Arc<dyn Exchange> {
    Arc::new(Liar {
        house: house.clone(),
        lie: Box::new(move |house, route, json| match route {
            HANDSHAKE => json,
            _ => lie(house, route, json),
        }),
    })
}

#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Event>>);

impl Told {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let warning = |event| match event {
            Event::Warning(text) => Some(text),
            _ => None,
        };
        self.events().into_iter().filter_map(warning).collect()
    }
}

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A call of `tools/call`.
pub(crate) fn call(id: &str, tool: &str, arguments: Json) -> Object {
    let params = Json::object([("name", tool.into()), ("arguments", arguments)]);
    [
        ("jsonrpc", "2.0".into()),
        ("method", "tools/call".into()),
        ("id", Json::from(id)),
        ("params", params),
    ]
    .into_iter()
    .collect()
}

pub(crate) fn greet(id: &str) -> Object {
    call(id, "greet", Json::object([("name", "World".into())]))
}

/// A message with one member of its envelope changed, or taken out.
pub(crate) fn with_envelope(message: &Object, name: &str, value: Option<&str>) -> Object {
    let mut envelope = message.get("_pqc").unwrap().as_object().unwrap().clone();
    match value {
        Some(value) => envelope.insert(name, value),
        None => envelope.remove(name),
    };
    let mut changed = message.clone();
    changed.insert("_pqc", envelope);
    changed
}

pub(crate) fn envelope_text<'m>(message: &'m Object, name: &str) -> &'m str {
    let envelope = message.get("_pqc").unwrap();
    envelope.get(name).unwrap().as_str().unwrap()
}

pub(crate) const NONCE: &str = "000102030405060708090a0b0c0d0e0f";
