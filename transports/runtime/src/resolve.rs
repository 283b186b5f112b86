//! Names of hosts, looked up where this machine looks names up.

use std::net::SocketAddr;

use pqfw_framework::transport::TransportError;

/// The addresses of `HOST:PORT`, in the system's order. It needs a tokio runtime.
///
/// # Errors
/// [`TransportError::Address`].
pub async fn resolve(authority: &str) -> Result<Vec<SocketAddr>, TransportError> {
    let refused = |reason: String| TransportError::Address {
        address: authority.escape_debug().to_string(),
        reason,
    };
    let found = tokio::net::lookup_host(authority).await;
    let found: Vec<_> = found.map_err(|error| refused(error.to_string()))?.collect();
    match found.is_empty() {
        true => Err(refused("the name has no address".into())),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_is_itself_and_nonsense_is_refused() {
        for text in ["127.0.0.1:9000", "[::1]:1"] {
            assert_eq!(resolve(text).await.unwrap(), [text.parse().unwrap()]);
        }
        for bad in ["", "127.0.0.1", "hub:port"] {
            let error = resolve(bad).await.unwrap_err();
            assert!(matches!(error, TransportError::Address { .. }), "{bad}");
        }
    }
}
