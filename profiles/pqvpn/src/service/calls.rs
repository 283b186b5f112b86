//! Whom a node calls: `bootstrap.peers`, looked up through its transport.

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::system::{Event, Host};

use crate::config::{Bootstrap, Settings};
use crate::driver::Handle;
use crate::operator::Board;

/// How long a name that was not found is left alone.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(30);

/// Peers that are called, and those whose names were not found yet.
pub(super) struct Calls {
    found: Vec<(Bootstrap, SocketAddr)>,
    missing: Vec<Bootstrap>,
}

impl Calls {
    /// Looks everybody up once.
    pub(super) async fn look_up(settings: &Settings, host: &Host) -> Self {
        let mut calls = Self {
            found: Vec::new(),
            missing: settings.bootstrap.clone(),
        };
        calls.again(&settings.listen, host).await;
        calls
    }

    /// The addresses of those that were found: what a full tunnel leads around itself.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.found.iter().map(|(_, address)| address.ip()).collect()
    }

    /// Those whose names were not found.
    pub(super) fn missing(&self) -> &[Bootstrap] {
        &self.missing
    }

    /// Has the node call them, and goes on looking for those that are missing. Never ends.
    pub(super) async fn keep(
        mut self,
        listen: String,
        node: Handle,
        board: Arc<Board>,
        host: Host,
    ) {
        loop {
            for (peer, address) in self.found.drain(..) {
                board.called(host.world.now(), &peer.place, address);
                if let Err(why) = node.connect(&peer.place, address, peer.peer) {
                    let text = format!("{} is not called: {why}", peer.place);
                    host.report.event(&Event::Warning(text));
                }
            }
            if self.missing.is_empty() {
                return pending().await;
            }
            let again = host.world.now().since_start + LOOK_UP_AGAIN;
            host.world.sleep_until(again).await;
            self.again(&listen, &host).await;
        }
    }

    async fn again(&mut self, listen: &str, host: &Host) {
        // A socket of IPv4 reaches no address of IPv6, nor the other way.
        let own: Option<SocketAddr> = listen.parse().ok();
        let reaches =
            |address: &SocketAddr| own.is_none_or(|own| own.is_ipv4() == address.is_ipv4());
        for peer in std::mem::take(&mut self.missing) {
            let found = host.transport.resolve(&peer.place).await;
            let address = match found {
                Ok(all) => all
                    .into_iter()
                    .find(reaches)
                    .ok_or_else(|| format!("{} has no address that {listen} reaches", peer.place)),
                Err(error) => Err(error.to_string()),
            };
            match address {
                Ok(address) => self.found.push((peer, address)),
                Err(why) => {
                    host.report.event(&Event::Warning(why));
                    self.missing.push(peer);
                }
            }
        }
    }
}
