//! Sockets that a test makes, and settings for real ones.

use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, DatagramPath, Datagrams, Mark, Packet, TransportError, TransportSettings,
};
use pqfw_pqvpn::limits::MOST_DATAGRAM;

pub(crate) fn settings(listen: &str) -> TransportSettings {
    TransportSettings {
        listen: listen.into(),
        ..TransportSettings::default()
    }
}

/// The address in a socket's URL.
pub(crate) fn address(url: &str) -> SocketAddr {
    let after = url.split_once(':').unwrap().1;
    after.trim_start_matches('/').parse().unwrap()
}

/// A socket that carries so much and hears nothing.
pub(crate) struct Narrow(pub(crate) usize);

impl Datagrams for Narrow {
    fn url(&self) -> &str {
        "narrow:"
    }

    fn max_bytes(&self) -> usize {
        self.0
    }

    fn send<'a>(&'a self, _: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(ready(Ok(())))
    }

    fn receive(&self, _: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(pending())
    }
}

/// A socket that is no more.
pub(crate) struct Broken;

impl Broken {
    pub(crate) fn error() -> TransportError {
        TransportError::Broken {
            address: "broken:".into(),
            reason: "a test".into(),
        }
    }
}

impl Datagrams for Broken {
    fn url(&self) -> &str {
        "broken:"
    }

    fn max_bytes(&self) -> usize {
        MOST_DATAGRAM
    }

    fn path(&self, _: Mark) -> Result<Option<Arc<dyn DatagramPath>>, TransportError> {
        Err(Self::error())
    }

    fn send<'a>(&'a self, _: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(ready(Err(Self::error())))
    }

    fn receive(&self, _: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(ready(Err(Self::error())))
    }
}

/// A socket that carries no more than a handshake needs.
pub(crate) struct Capped(pub(crate) Arc<dyn Datagrams>);

impl Capped {
    fn fits(packet: &Packet) -> Result<(), TransportError> {
        match packet.bytes.len() <= MOST_DATAGRAM {
            true => Ok(()),
            false => Err(TransportError::TooLarge {
                address: packet.peer.to_string(),
                limit: MOST_DATAGRAM,
            }),
        }
    }
}

impl Datagrams for Capped {
    fn url(&self) -> &str {
        self.0.url()
    }

    fn max_bytes(&self) -> usize {
        MOST_DATAGRAM
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        match packets.iter().try_for_each(Self::fits) {
            Ok(()) => self.0.send(packets),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        self.0.receive(limit)
    }
}
