//! Probes over QUIC: whole handshakes, of which only the outcome is seen.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use pqfw_framework::transport::TransportError;
use pqfw_tls::{Answered, Probe};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use tokio::net::lookup_host;

use crate::endpoint::broken;

/// Asks the server at `server`, HOST:PORT, which was dialled as `host`. What a server agreed to
/// before it ended a handshake is not seen here.
///
/// # Errors
/// [`TransportError::Connect`] when the name has no address; [`TransportError::Listen`] when no
/// socket can be had; [`TransportError::Tls`].
pub async fn ask(probe: &Probe, server: &str, host: &str) -> Result<Answered, TransportError> {
    let no = |reason: String| TransportError::Connect {
        address: server.to_owned(),
        reason,
    };
    let mut found = lookup_host(server)
        .await
        .map_err(|error| no(error.to_string()))?;
    let address = found.next();
    let address = address.ok_or_else(|| no("the name has no address".into()))?;
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::client(local).map_err(|error| TransportError::Listen {
        address: local.to_string(),
        reason: error.to_string(),
    })?;
    let crypto = QuicClientConfig::try_from(probe.config());
    let crypto = crypto.map_err(|error| TransportError::Tls(error.to_string()))?;
    let config = ClientConfig::new(Arc::new(crypto));
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let connecting = endpoint.connect_with(config, address, bare.unwrap_or(host));
    let connecting = connecting.map_err(|error| no(error.to_string()))?;
    Ok(match connecting.await {
        Ok(_) => Answered {
            group: only_group(probe),
            scheme: probe.scheme(),
            end: None,
        },
        Err(error) => Answered {
            group: None,
            scheme: probe.scheme(),
            end: Some(broken(server, &error).to_string()),
        },
    })
}

/// quinn does not say what was agreed to: it is known where there was no choice.
fn only_group(probe: &Probe) -> Option<u16> {
    match probe.config().crypto_provider().kx_groups.as_slice() {
        [one] => Some(u16::from(one.name())),
        _ => None,
    }
}
