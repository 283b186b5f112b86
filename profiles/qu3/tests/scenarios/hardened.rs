//! Dialect `qu3-2`: what a client is told, and every lie of a server that it notices.

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{Exchange, Request, Response, Transport};
use pqfw_framework::world::{Now, World};
use pqfw_memory::{MemoryTransport, SeededWorld};
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::governed::Governed;
use pqfw_qu3::hardened::attestation::{Attestation, EXPORTER, STATEMENT};
use pqfw_qu3::hardened::{Client, PROTOCOL, Server, demo};
use pqfw_qu3::inference::{InferenceClient, run_agent};
use pqfw_qu3::models::Models;
use pqfw_qu3::wire;
use pqfw_session::exchange::{ChannelExchange, ChannelService, Peer, SecureService};
use pqfw_session::{ChannelError, Config, Identity, PinnedPeers};

use crate::honest_client::settings;
use crate::support::{Told, suite_of};

fn quick() -> Suite {
    suite_of(["X25519", "Ed25519", "ChaCha20-Poly1305", "HKDF-SHA256"])
}

fn identity(world: &SeededWorld) -> Identity {
    let suite = quick();
    let key = suite.signature.generate(&mut *world.rng()).unwrap();
    Identity::new(key, &suite.digest).unwrap()
}

/// A server that is honest or not, and what a client of it needs.
struct Stage {
    world: Arc<SeededWorld>,
    exchange: Arc<dyn Exchange>,
    client: Arc<Config>,
    stranger: Arc<Config>,
    _listener: Box<dyn pqfw_framework::transport::Listener>,
}

impl Stage {
    async fn new(service: impl FnOnce(Arc<Config>) -> Arc<dyn SecureService>) -> Self {
        let world = Arc::new(SeededWorld::new(4));
        let ids = [identity(&world), identity(&world), identity(&world)];
        let names = ids.each_ref().map(|id| id.fingerprint().clone());
        let [server_id, client_id, stranger_id] = ids;
        let [server, client, _] = names;
        let end = |identity, peer| {
            let peers = Arc::new(PinnedPeers::new([peer]));
            let (protocol, policy) = (PROTOCOL.into(), "modern".into());
            Arc::new(Config::new(protocol, policy, vec![quick()], vec![identity], peers).unwrap())
        };
        let channel = end(server_id, client);
        let inner = service(channel.clone());
        let service = ChannelService::new(channel, inner, &mut *world.rng());
        let transport = MemoryTransport::new();
        let place = settings("memory:qu3");
        let listening = transport.serve_exchange(&place, Arc::new(service), world.clone());
        let listener = listening.await.unwrap();
        Self {
            exchange: transport.connect_exchange(&settings("memory:qu3")).unwrap(),
            client: end(client_id, server.clone()),
            stranger: end(stranger_id, server),
            world,
            _listener: listener,
        }
    }

    async fn honest() -> Self {
        Self::new(|channel| Arc::new(honest(channel))).await
    }

    fn client(&self) -> Client {
        self.client_of(&self.client)
    }

    fn client_of(&self, config: &Arc<Config>) -> Client {
        let world = self.world.clone();
        Client::new(config.clone(), self.exchange.clone(), world, quick().digest)
    }
}

fn honest(channel: Arc<Config>) -> Server {
    let (config, store) = (Qu3Config::default(), Arc::new(MemoryStore::default()));
    let report = Arc::new(Told::default());
    let governed = Governed::new(Models::builtin(), &config, store, report).unwrap();
    Server::new(governed, channel, quick().digest)
}

fn text(text: &str) -> Json {
    Json::object([("text", text.into())])
}

#[tokio::test]
async fn an_honest_server_answers_everything() {
    let stage = Stage::honest().await;
    let mut client = stage.client();
    let models = client.models().await.unwrap();
    assert_eq!(models.len(), 2);
    let inference = client.infer("model_reverse", &text("aß😀")).await.unwrap();
    assert_eq!(
        inference.outcome.unwrap().canonical(),
        r#"{"reversed_text":"\ud83d\ude00\u00dfa"}"#
    );
    assert_eq!(inference.timestamp, "2026-01-01T00:00:00+00:00");
    let as_text = client
        .infer("model_caps", &r#"{"text": "x"}"#.into())
        .await
        .unwrap();
    assert!(as_text.outcome.is_ok());
    let unknown = client.infer("nosuch", &text("x")).await.unwrap();
    assert_eq!(unknown.outcome, Err("Unknown model ID: 'nosuch'".into()));
    let done = run_agent(
        &mut client,
        "model_caps->model_reverse",
        &text("abc"),
        |_, _| {},
    )
    .await;
    assert_eq!(done.unwrap().len(), 2);
    client
        .set_policy("Deny model_reverse", false)
        .await
        .unwrap();
    let denied = client.infer("model_reverse", &text("x")).await.unwrap();
    assert!(
        denied
            .outcome
            .unwrap_err()
            .contains("denied by policy version 1")
    );
    client
        .set_policy("Deny model_reverse", false)
        .await
        .unwrap();
    let again = client.infer("model_reverse", &text("x")).await.unwrap();
    assert!(again.outcome.unwrap_err().contains("policy version 2"));
    let prose = client.set_policy("be nice", false).await.unwrap_err();
    assert!(matches!(prose, ClientError::Policy(_)));
    Box::new(client).end().await;
}

#[tokio::test]
async fn a_stranger_is_refused_by_the_channel() {
    let stage = Stage::honest().await;
    let mut stranger = stage.client_of(&stage.stranger);
    let error = stranger.infer("model_caps", &text("x")).await.unwrap_err();
    let refused = matches!(
        error,
        ClientError::Channel(ChannelError::RefusedExchange { status: 403, .. })
    );
    assert!(refused, "{error}");
}

#[tokio::test]
async fn what_is_no_request_of_the_dialect_is_refused_inside() {
    let stage = Stage::honest().await;
    let (config, exchange) = (stage.client.clone(), stage.exchange.clone());
    let channel = ChannelExchange::new(config, exchange, stage.world.clone());
    for (method, route, body, status, detail) in [
        ("POST", "/inference", "{", 400, "not JSON"),
        (
            "POST",
            "/inference",
            r#"{"model": 7, "input": {}}"#,
            400,
            "`model`",
        ),
        ("POST", "/inference", r#"{"model": "m"}"#, 400, "`input`"),
        ("POST", "/policy", "allow *\nnonsense", 400, "line 2"),
        ("GET", "/inference", "", 405, "Method Not Allowed"),
        ("POST", "/models", "", 405, "Method Not Allowed"),
        ("GET", "/else", "", 404, "Not Found"),
    ] {
        let outcome = channel
            .request(method, route, body.as_bytes())
            .await
            .unwrap();
        let said = String::from_utf8(outcome.response.body).unwrap();
        assert_eq!(outcome.response.status, status, "{route} {body}: {said}");
        assert!(said.contains(detail), "{route} {body}: {said}");
    }
    let outcome = channel.request("POST", "/policy", &[0xff]).await.unwrap();
    assert_eq!(outcome.response.status, 400);
}

type Lie = fn(&mut Attestation);

/// Answers honestly but for one thing.
struct Liar {
    inner: Server,
    channel: Arc<Config>,
    lie: Lie,
    sign_as: &'static str,
}

impl SecureService for Liar {
    fn respond(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
        peer: &Peer,
    ) -> Response {
        let honest = self.inner.respond(now, rng, request, peer);
        let mut json = wire::parse(&honest.body)
            .unwrap()
            .as_object()
            .unwrap()
            .clone();
        let mut attestation = Attestation::read(json.get("attestation").unwrap()).unwrap();
        assert_eq!(peer.exporter.export(EXPORTER, &[], 32).unwrap().len(), 32);
        (self.lie)(&mut attestation);
        let own = self.channel.identity_in(&peer.suite).unwrap();
        let digest = attestation.digest(&quick().digest);
        let signature = own.sign(rng, self.sign_as, &digest).unwrap();
        json.insert("attestation", attestation.json());
        json.insert("signature_b64", wire::encode(&signature).as_str());
        wire::response(200, &Json::from(json))
    }
}

async fn lied_to(lie: Lie, sign_as: &'static str) -> Result<(), ClientError> {
    let stage = Stage::new(|channel| {
        Arc::new(Liar {
            inner: honest(channel.clone()),
            channel,
            lie,
            sign_as,
        })
    });
    let stage = stage.await;
    let mut client = stage.client();
    client.infer("model_caps", &text("x")).await.map(drop)
}

#[tokio::test]
async fn an_attestation_of_anything_else_is_refused_by_its_field() {
    lied_to(|_| {}, STATEMENT).await.unwrap();
    let lies: [(&str, Lie); 8] = [
        ("server", |a| {
            a.server = format!("sha256:{}", "0".repeat(64))
        }),
        ("model", |a| a.model = "model_reverse".into()),
        ("status", |a| a.success = false),
        ("request", |a| a.request_sha256 = "0".repeat(64)),
        ("output", |a| a.output_sha256 = "0".repeat(64)),
        ("session", |a| a.session = "0".repeat(64)),
        ("counter", |a| a.counter += 1),
        ("time", |a| a.unix_micros -= 301_000_000),
    ];
    for (field, lie) in lies {
        let error = lied_to(lie, STATEMENT).await.unwrap_err();
        let named = matches!(error, ClientError::Attestation(named) if named == field);
        assert!(named, "{field}: {error}");
    }
    let error = lied_to(|_| {}, "qu3-2/something else").await.unwrap_err();
    assert!(matches!(
        error,
        ClientError::BadSignature("the attestation")
    ));
}

/// Answers every request with the same bytes.
struct Parrot(u16, &'static str);

impl SecureService for Parrot {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, _: &Request, _: &Peer) -> Response {
        Response {
            status: self.0,
            body: self.1.into(),
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_unreadable() {
    for body in [
        "",
        "{}",
        r#"{"output":{},"error":"both","attestation":{},"signature_b64":""}"#,
    ] {
        let stage = Stage::new(|_| Arc::new(Parrot(200, body))).await;
        let mut client = stage.client();
        let error = client.infer("model_caps", &text("x")).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Unreadable("the inference")),
            "{body}: {error}"
        );
        let error = client.models().await.unwrap_err();
        assert!(
            matches!(error, ClientError::Unreadable(_)),
            "{body}: {error}"
        );
    }
    let stage = Stage::new(|_| Arc::new(Parrot(503, "\u{1b}[31mred"))).await;
    let error = stage
        .client()
        .infer("model_caps", &text("x"))
        .await
        .unwrap_err();
    let refused =
        matches!(&error, ClientError::Refused { status: 503, detail } if detail == "no detail");
    assert!(refused, "{error}");
}

#[tokio::test]
async fn every_step_of_the_demo_ends_as_it_should() {
    use pqfw_framework::system::Event;

    let told = Arc::new(Told::default());
    let host = crate::demo::host(quick(), &told);
    demo::run(&Qu3Config::default(), "modern", host)
        .await
        .unwrap();
    let events = told.events();
    let count = |matches: fn(&Event) -> bool| events.iter().filter(|e| matches(e)).count();
    let steps = count(|event| matches!(event, Event::Step { .. }));
    assert_eq!(steps, count(|event| matches!(event, Event::Passed(_))));
    let refused =
        count(|event| matches!(event, Event::Passed(text) if text.starts_with("refused: ")));
    assert_eq!((steps, refused), (10, 5));
}
