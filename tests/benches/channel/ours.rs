//! Our side: two ends of the channel that have each other's key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::registry::Registry;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamService, StreamWriter, Transport, TransportLimits,
    TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_session::stream::{Secure, accept, connect};
use pqfw_session::{Config, Identity, PinnedPeers};
use pqfw_tcp::TcpTransport;
use tokio::sync::oneshot;

use crate::pair::{BULK_BYTES, CHUNK, connection, memory};
use crate::suite::resolve;

const WITHIN: Duration = Duration::from_secs(60);

/// Both ends.
pub(crate) struct Ours {
    initiator: Arc<Config>,
    responder: Arc<Config>,
    world: Arc<dyn World>,
}

impl Ours {
    /// Ends of the suite `KEM/SIGNATURE/AEAD/KDF`, all of it by AWS-LC where that has it.
    pub(crate) fn of(registry: &Registry, suite: &str) -> Self {
        let world = OsWorld::new();
        let suite = resolve(registry, &world, suite);
        let identity = || {
            let key = suite.signature.generate(&mut *world.rng());
            Identity::new(key.expect("generates"), &suite.digest).expect("has an identifier")
        };
        let (near, far) = (identity(), identity());
        let peers = [&far, &near].map(|one| PinnedPeers::new([one.fingerprint().clone()]));
        let [of_near, of_far] = peers;
        let config = |identity, peers: PinnedPeers| {
            let (suites, peers) = (vec![suite.clone()], Arc::new(peers));
            let config = Config::new("bench/1".into(), "".into(), suites, vec![identity], peers);
            Arc::new(config.expect("fits together"))
        };
        Self {
            initiator: config(near, of_near),
            responder: config(far, of_far),
            world: Arc::new(world),
        }
    }

    /// An open channel over a stream in memory, both ends.
    pub(crate) async fn in_memory(&self) -> Ends {
        let (near, far) = memory();
        self.shake(connection(near), connection(far)).await
    }

    async fn shake(&self, near: Connection, far: Connection) -> Ends {
        let (near, far) = tokio::join!(
            connect(&self.initiator, near, &self.world, WITHIN),
            accept(&self.responder, far, &self.world, WITHIN),
        );
        (near.expect("is accepted"), far.expect("accepts"))
    }

    /// An open channel over the transport `tcp`, both ends.
    pub(crate) async fn over_tcp(&self) -> Ends {
        let (door, came) = oneshot::channel();
        let door = Arc::new(Door(Mutex::new(Some(door))));
        let mut settings = TransportSettings {
            listen: "127.0.0.1:0".into(),
            connect: String::new(),
            limits: LIMITS,
            tls: None,
        };
        let world = self.world.clone();
        let listener = TcpTransport.serve_stream(&settings, door, world).await;
        let listener = listener.expect("listens");
        settings.connect = listener.url().into();
        let near = TcpTransport.connect_stream(&settings).await;
        let far = came.await.expect("a connection came");
        self.shake(near.expect("connects"), far).await
    }
}

pub(crate) type Ends = (Secure, Secure);

/// Sends all that is to be sent there and back.
pub(crate) async fn bulk((near, far): &mut Ends) {
    let (near, far) = (&mut near.connection, &mut far.connection);
    tokio::join!(send(&mut *near.writer), receive(&mut *far.reader));
    tokio::join!(send(&mut *far.writer), receive(&mut *near.reader));
}

async fn send(writer: &mut dyn StreamWriter) {
    let chunk = vec![7; CHUNK];
    for _ in 0..BULK_BYTES / CHUNK {
        writer.write_all(&chunk).await.expect("is sent");
    }
}

async fn receive(reader: &mut dyn StreamReader) {
    let (mut chunk, mut left) = (vec![0; CHUNK], BULK_BYTES);
    while left > 0 {
        let read = reader.read(&mut chunk).await.expect("comes");
        assert_ne!(read, 0, "cut off");
        left -= read;
    }
}

/// Gives the first connection away.
struct Door(Mutex<Option<oneshot::Sender<Connection>>>);

impl StreamService for Door {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let waits = self.0.lock().expect("nobody panicked").take();
        let waits = waits.expect("one connection is made");
        assert!(waits.send(connection).is_ok(), "nobody waits for it");
        Box::pin(async {})
    }
}

const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 0,
    header_bytes: 0,
    connections: 1,
    idle_secs: 60,
    request_secs: 60,
    per_ip_per_minute: 0,
};
