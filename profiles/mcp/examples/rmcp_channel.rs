//! A server written with the official Rust SDK, directly on a post-quantum channel over TCP, and a client
//! of the same: `cargo run -p pqfw-mcp --example rmcp_channel --features rmcp`.

mod rmcp_tools;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamService, Transport, TransportLimits, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_mcp::bridge::rmcp::LineTransport;
use pqfw_runtime::OsWorld;
use pqfw_session::{Config, Identity, PinnedPeers, stream};
use pqfw_tcp::TcpTransport;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp_tools::Tools;

type Failure = Box<dyn Error + Send + Sync>;

/// Serves the tools on every channel.
struct Served {
    channel: Arc<Config>,
    world: Arc<dyn World>,
}

impl StreamService for Served {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let (channel, world) = (self.channel.clone(), self.world.clone());
        Box::pin(async move {
            let served = async {
                let opened = stream::accept(&channel, connection, &world, OPENING).await?;
                eprintln!("serving {}, in {}", opened.peer, opened.suite);
                let transport = LineTransport::new(opened.connection, MESSAGE_BYTES);
                Tools.serve(transport).await?.waiting().await?;
                Ok::<_, Failure>(())
            };
            if let Err(error) = served.await {
                eprintln!("a session is over: {error}");
            }
        })
    }
}

const OPENING: Duration = Duration::from_secs(10);
const MESSAGE_BYTES: usize = 1 << 20;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let suite = suite(&*world)?;
    let identity = || {
        let key = suite.signature.generate(&mut *world.rng())?;
        Ok::<_, Failure>(Identity::new(key, &suite.digest)?)
    };
    let (server_is, client_is) = (identity()?, identity()?);
    let known =
        |identity: &Identity| Arc::new(PinnedPeers::new(vec![identity.fingerprint().clone()]));
    let (server_knows, client_knows) = (known(&client_is), known(&server_is));
    let end = |identity, peers| {
        let (protocol, suites) = ("example/1".into(), vec![suite.clone()]);
        Config::new(protocol, "modern".into(), suites, vec![identity], peers).map(Arc::new)
    };
    let mut settings = TransportSettings {
        listen: "127.0.0.1:0".into(),
        limits: TransportLimits {
            body_bytes: MESSAGE_BYTES,
            ..TransportLimits::default()
        },
        ..TransportSettings::default()
    };
    let served = Arc::new(Served {
        channel: end(server_is, server_knows)?,
        world: world.clone(),
    });
    let listener = TcpTransport
        .serve_stream(&settings, served, world.clone())
        .await?;

    settings.connect = listener.url().to_owned();
    let connection = TcpTransport.connect_stream(&settings).await?;
    let channel = end(client_is, client_knows)?;
    let opened = stream::connect(&channel, connection, &world, OPENING).await?;
    let transport = LineTransport::new(opened.connection, MESSAGE_BYTES);
    let mut client = ().serve(transport).await?;
    for tool in client.list_all_tools().await? {
        eprintln!("tool {}", tool.name);
    }
    let numbers = serde_json::json!({ "a": 2, "b": 3 });
    let numbers = numbers.as_object().cloned().unwrap_or_default();
    let call = CallToolRequestParams::new("add").with_arguments(numbers);
    let answer = serde_json::to_value(client.call_tool(call).await?)?;
    let sum = answer.pointer("/content/0/text").cloned();
    assert_eq!(sum, Some("5".into()), "{answer}");
    eprintln!("add(2, 3) = 5");
    client.close().await?;
    listener.shutdown().await;
    Ok(())
}

fn suite(world: &dyn World) -> Result<Suite, Failure> {
    let registry = Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()?;
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("X25519+ML-KEM-768"),
        signature: one("ML-DSA-65"),
        aead: one("AES-256-GCM"),
        kdf: one("HKDF-SHA256"),
    };
    let (mut rng, today) = (world.rng(), world.now().day());
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], &today);
    Ok(Suite::resolve(&names, &mut resolver)?)
}
