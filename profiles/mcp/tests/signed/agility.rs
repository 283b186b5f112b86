//! Other suites under the same label, and what the operator has to say first.

use std::sync::Arc;

use pqfw_framework::peers::{PeerList, PeerMode, PeersTable};
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::Failure;
use pqfw_framework::world::World;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::client::PqcMcpClient;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::identity::{Algorithms, Did, Identity};
use pqfw_mcp::signed::server::PqcMcpServer;
use pqfw_mcp::signed::tools::Toolbox;
use pqfw_mcp::signed::trust::{Clients, Server};
use pqfw_memory::SeededWorld;

use crate::roles::Keys;
use crate::support::{House, SERVER, Told, identity, identity_of, suite_of};

async fn converse(suite: &str, config: McpConfig) -> Result<(), PqcTransportError> {
    let suite = suite_of(suite);
    let config = McpConfig {
        allow_any_did: true,
        ..config
    };
    let (world, told) = (Arc::new(SeededWorld::new(0)), Arc::new(Told::default()));
    let (server, client) = (
        identity_of(&suite, &config, 1),
        identity_of(&suite, &config, 2),
    );
    let store = Arc::new(MemoryStore::default());
    let gate = Gate::new(
        world.now(),
        server.clone(),
        &config,
        &suite,
        store,
        Audit::default(),
        told.clone(),
    )?;
    let server = Server::Pinned(server.did().clone());
    let service = PqcMcpServer::new(gate, Arc::new(Toolbox::demo()), told.clone());
    let exchange = Arc::new(Direct(service, world.clone()));
    let audit = Audit::default();
    let client =
        PqcMcpClient::connect(exchange, world, client, &server, &config, audit, told).await?;
    client.list_tools().await.map(drop)
}

struct Direct(PqcMcpServer, Arc<SeededWorld>);

impl pqfw_framework::transport::Exchange for Direct {
    fn exchange(
        &self,
        request: pqfw_framework::transport::Request,
    ) -> pqfw_framework::transport::BoxFuture<
        '_,
        Result<pqfw_framework::transport::Response, pqfw_framework::transport::TransportError>,
    > {
        use pqfw_framework::transport::ExchangeService;
        let answer = self.0.respond(self.1.now(), &mut *self.1.rng(), &request);
        Box::pin(async { Ok(answer) })
    }
}

#[tokio::test]
async fn each_suite_signs_under_its_label() {
    for suite in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        converse(suite, McpConfig::default()).await.unwrap();
    }
    let labels = [("Ed25519".to_owned(), "ML-DSA-65".to_owned())];
    let config = McpConfig {
        transitional: true,
        labels: labels.into(),
        ..McpConfig::default()
    };
    converse("Ed25519", config).await.unwrap();
}

#[test]
fn a_classical_suite_has_to_be_asked_for() {
    let refused = Algorithms::of(&suite_of("Ed25519"), &McpConfig::default());
    let error = refused.err().unwrap();
    assert!(matches!(error, PqcTransportError::Config(_)), "{error}");
    assert_eq!(error.failure(), Failure::Usage);
    let key = suite_of("ML-DSA-44").signature;
    let key = key.generate(&mut *SeededWorld::new(0).rng()).unwrap();
    let algorithms = Algorithms::of(&suite_of("ML-DSA-65"), &McpConfig::default()).unwrap();
    let mixed = Identity::new(algorithms, key);
    assert!(matches!(mixed.err(), Some(PqcTransportError::Config(_))));
}

#[test]
fn a_server_that_nobody_may_use_does_not_start() {
    let config = |dids: &[&str]| McpConfig {
        allow_dids: dids.iter().map(|did| (*did).to_owned()).collect(),
        ..McpConfig::default()
    };
    let good = identity(SERVER).did().to_string();
    assert!(matches!(
        Clients::of(&config(&[&good])),
        Ok(Clients::Listed(_))
    ));
    for bad in [&[][..], &["alice"], &[&good, &good.to_uppercase()]] {
        let error = Clients::of(&config(bad)).unwrap_err();
        assert!(matches!(error, PqcTransportError::Config(_)), "{bad:?}");
    }
    for bad in ["", "did:pqaid:", "did:pqaid:00", &good[1..]] {
        assert_eq!(Did::parse(bad), None);
    }
}

/// Connects to a house, believing whom `[peers]` says.
async fn first_use(
    house: &Arc<House>,
    keys: &Arc<Keys>,
    mode: PeerMode,
    file: &str,
) -> Result<(), PqcTransportError> {
    let table = PeersTable {
        mode,
        file: file.into(),
        ..PeersTable::default()
    };
    let list = PeerList::load(&table, keys.clone())?;
    let server = Server::of(&house.config, list, "http://house", &*house.told)?;
    let (world, told) = (house.world.clone(), house.told.clone());
    let (client, config) = (identity(crate::support::CLIENT), &house.config);
    let audit = Audit::default();
    PqcMcpClient::connect(house.clone(), world, client, &server, config, audit, told)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_server_is_trusted_on_first_use_and_no_other_after_it() {
    let keys = Arc::new(Keys::default());
    let house = Arc::new(House::new());
    let pinned = first_use(&house, &keys, PeerMode::Pinned, "known.toml").await;
    assert!(matches!(
        pinned,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
    first_use(&house, &keys, PeerMode::Tofu, "known.toml")
        .await
        .unwrap();
    assert!(house.told.warnings()[0].contains("on first use"));
    first_use(&house, &keys, PeerMode::Pinned, "known.toml")
        .await
        .unwrap();
    let other = keys.text("known.toml").replace("sha256:", "sha256:0000");
    let other: String = other
        .lines()
        .map(|line| match line.strip_prefix("fingerprint = \"") {
            Some(_) => format!("fingerprint = \"sha256:{}\"\n", "0".repeat(64)),
            None => format!("{line}\n"),
        })
        .collect();
    keys.set("other.toml", &other);
    let changed = first_use(&house, &keys, PeerMode::Tofu, "other.toml").await;
    assert!(matches!(
        changed,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
    keys.set("broken.toml", "nonsense");
    let broken = first_use(&house, &keys, PeerMode::Tofu, "broken.toml").await;
    assert!(matches!(broken, Err(PqcTransportError::Config(_))));
    first_use(&house, &keys, PeerMode::Open, "none.toml")
        .await
        .unwrap();
    assert!(
        house
            .told
            .warnings()
            .iter()
            .any(|text| text.contains("open"))
    );
}

#[tokio::test]
async fn a_server_other_than_the_pinned_one_is_refused() {
    let mut config = House::new().config;
    config.server_did = Some(identity(crate::support::STRANGER).did().to_string());
    let house = Arc::new(House::with(|own| *own = config));
    let keys = Arc::new(Keys::default());
    let refused = first_use(&house, &keys, PeerMode::Tofu, "k").await;
    assert!(matches!(
        refused,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
    let house = Arc::new(House::with(|own| own.server_did = Some("alice".into())));
    let wrong = first_use(&house, &keys, PeerMode::Tofu, "k").await;
    assert!(matches!(wrong, Err(PqcTransportError::Config(_))));
}
