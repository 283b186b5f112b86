//! Who listens under which name.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::TransportError;

use crate::datagram::Packets;
use crate::exchange::MemoryDesk;
use crate::stream::Queue;

/// The names of one network; clones are the same network.
#[derive(Clone, Default)]
pub(crate) struct Network {
    names: Arc<Mutex<Names>>,
}

#[derive(Default)]
struct Names {
    endpoints: BTreeMap<String, Endpoint>,
    unnamed: u64,
}

/// What is reached under a name.
#[derive(Clone)]
pub(crate) enum Endpoint {
    Datagram(Packets),
    Exchange(MemoryDesk),
    Stream(Queue),
}

impl Network {
    /// Listens on `memory:NAME`, or under a fresh name on `memory:`.
    pub(crate) fn listen(
        &self,
        address: &str,
        endpoint: impl FnOnce(&str) -> Endpoint,
    ) -> Result<Place, TransportError> {
        let wanted = name_in(address)?;
        let mut names = self.lock();
        let mut name = wanted.to_owned();
        while name.is_empty() || (wanted.is_empty() && names.endpoints.contains_key(&name)) {
            names.unnamed += 1;
            name = format!("unnamed-{}", names.unnamed);
        }
        if names.endpoints.contains_key(&name) {
            return Err(TransportError::Listen {
                address: address.into(),
                reason: "the name is taken in this process".into(),
            });
        }
        let url = format!("{SCHEME}{name}");
        names.endpoints.insert(name.clone(), endpoint(&url));
        drop(names);
        Ok(Place {
            network: self.clone(),
            name,
            url,
        })
    }

    /// Listens on `memory:ADDRESS`, or under a fresh address on `memory:`.
    pub(crate) fn listen_at(
        &self,
        address: &str,
        endpoint: Endpoint,
    ) -> Result<(SocketAddr, Place), TransportError> {
        let socket_address = match name_in(address)? {
            "" => self.fresh_address(),
            name => name.parse().map_err(|_| TransportError::Address {
                address: address.into(),
                reason: "datagrams take memory:ADDRESS:PORT, such as memory:10.0.0.1:5000".into(),
            })?,
        };
        let place = self.listen(&format!("{SCHEME}{socket_address}"), |_| endpoint)?;
        Ok((socket_address, place))
    }

    /// An address of fd00::/8, which nobody can reach from outside (RFC 4193).
    fn fresh_address(&self) -> SocketAddr {
        let mut names = self.lock();
        loop {
            names.unnamed += 1;
            let bits = (0xfd00_u128 << 112) | u128::from(names.unnamed);
            let address = SocketAddr::from((std::net::Ipv6Addr::from_bits(bits), 1));
            if !names.endpoints.contains_key(&address.to_string()) {
                return address;
            }
        }
    }

    /// The name that a client wants.
    pub(crate) fn wanted(address: &str) -> Result<&str, TransportError> {
        match name_in(address)? {
            "" => Err(TransportError::Address {
                address: address.into(),
                reason: "a client needs a name, such as memory:server".into(),
            }),
            name => Ok(name),
        }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.lock().endpoints.get(name).cloned()
    }

    /// The refusal of a client whose name nobody listens under, or for something else.
    pub(crate) fn nobody(address: &str) -> TransportError {
        TransportError::Connect {
            address: address.into(),
            reason: "nobody listens under that name in this process".into(),
        }
    }

    /// A panic elsewhere cannot leave the network half changed: each holder makes one change.
    fn lock(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SCHEME: &str = "memory:";

fn name_in(address: &str) -> Result<&str, TransportError> {
    address
        .strip_prefix(SCHEME)
        .ok_or_else(|| TransportError::Address {
            address: address.into(),
            reason: "the memory transport takes memory:NAME".into(),
        })
}

/// A name on the network; nobody is reached under it after its drop.
pub(crate) struct Place {
    network: Network,
    name: String,
    url: String,
}

impl Place {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.network.lock().endpoints.remove(&self.name);
    }
}
