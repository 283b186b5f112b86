//! Nodes on the datagrams of one process, and their clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Datagrams, Transport, TransportSettings};
use pqfw_framework::world::World;
use pqfw_memory::{MemoryTransport, SeededWorld};
use pqfw_session::Config;
use pqfw_session::datagram::{Limits, Node, Secure};

use super::world;

/// Long enough for anything that is to happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// A network and its clock.
pub(crate) struct Net {
    transport: MemoryTransport,
    pub(crate) seeded: Arc<SeededWorld>,
    pub(crate) world: Arc<dyn World>,
}

/// Where the responder is.
pub(crate) fn far() -> SocketAddr {
    ([10, 0, 0, 2], 4433).into()
}

fn settings(listen: &str) -> TransportSettings {
    TransportSettings {
        listen: listen.into(),
        ..TransportSettings::default()
    }
}

impl Net {
    pub(crate) fn new() -> Self {
        let (seeded, world) = world(5);
        let transport = MemoryTransport::new();
        Self {
            transport,
            seeded,
            world,
        }
    }

    pub(crate) async fn socket(&self, listen: &str) -> Arc<dyn Datagrams> {
        let bound = self.transport.bind_datagrams(&settings(listen)).await;
        bound.unwrap()
    }

    /// A node whose driver runs.
    pub(crate) async fn node(&self, listen: &str, config: &Arc<Config>, limits: Limits) -> Node {
        let socket = self.socket(listen).await;
        let (node, driver) = Node::new(config.clone(), socket, self.world.clone(), limits);
        tokio::spawn(driver);
        node
    }

    pub(crate) async fn responder(&self, config: &Arc<Config>) -> Node {
        self.node("memory:10.0.0.2:4433", config, Limits::default())
            .await
    }

    pub(crate) async fn initiator(&self, config: &Arc<Config>) -> Node {
        self.node("memory:", config, Limits::initiator()).await
    }

    pub(crate) async fn open(
        &self,
        near: &Arc<Config>,
        far_config: &Arc<Config>,
    ) -> (Secure, Secure) {
        let responder = self.responder(far_config).await;
        let initiator = self.initiator(near).await;
        let (near, far) = tokio::join!(initiator.connect(far(), LIMIT), responder.accept());
        (near.unwrap(), far.unwrap())
    }
}

/// Lets everybody else do what they can.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
