//! What threads that carry packets beside a node have of it.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{DatagramPath, Packet};

use super::Handle;
use crate::node::Input;
use crate::plane::{Heard, Plane};

/// What threads that carry packets beside a node have of it.
#[derive(Clone)]
pub struct Carrier {
    /// Sealers and openers.
    pub plane: Arc<Plane>,
    /// The socket.
    pub path: Arc<dyn DatagramPath>,
    pub(super) node: Handle,
}

impl Carrier {
    /// The moment, for sealers and openers.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.node.shared().world.now().since_start
    }

    /// Counts datagrams that were sent on the path.
    pub fn sent(&self, datagrams: usize, bytes: usize) {
        self.node.shared().carried.sent.add(datagrams, bytes);
    }

    /// Counts datagrams that came on the path, without those that the node is handed: it counts them.
    pub fn received(&self, datagrams: usize, bytes: usize) {
        self.node.shared().carried.received.add(datagrams, bytes);
    }

    /// Tells the node what was heard in its sessions, and hands it what was not for the plane.
    pub fn tell(&self, heard: impl Iterator<Item = Heard>, others: Vec<Packet>) {
        let shared = self.node.shared();
        {
            let mut state = shared.lock();
            let (now, mut frames) = (shared.world.now(), Vec::new());
            for heard in heard {
                // What is heard is never refused.
                let _ = state.tell(now, Input::Heard(heard), &mut frames);
            }
            state.unsent.append(&mut frames);
        }
        shared.received(others);
        shared.lock().wake();
    }
}
