//! The operator's doors of a running system, as a trait: requests with JSON, and metrics.
//!
//! | door | who comes in |
//! | --- | --- |
//! | [`Door::Socket`] | whoever may open a file of mode 0600 |
//! | [`Door::Loopback`] | programs of this machine that show the token |
//! | metrics | whoever reaches the address: read-only, and nothing secret |
//!
//! What a door answers is an [`ExchangeService`], as in every exchange; `pqfw-control` opens them.

use std::sync::Arc;

use rand_core::CryptoRng;

use crate::metrics::MetricsSource;
use crate::secret::SecretBytes;
use crate::system::{KeyFileError, KeyFiles};
use crate::transport::{BoxFuture, ExchangeService, Listener, TransportError};
use crate::world::World;

/// A door for the operator's requests.
#[derive(Clone)]
pub enum Door {
    /// A Unix socket that its owner alone may open.
    Socket {
        /// Its path; a relative one is below the state directory.
        path: String,
    },
    /// A port of this machine, where each request shows `authorization: Bearer TOKEN`.
    Loopback {
        /// A loopback address and a port.
        listen: String,
        /// The token, at least [`LEAST_TOKEN_BYTES`] long.
        token: Arc<SecretBytes>,
    },
}

/// The shortest token: 16 bytes of hexadecimal digits hold 64 bits.
pub const LEAST_TOKEN_BYTES: usize = 16;

/// What opens doors.
pub trait Control: Send + Sync {
    /// Opens a door. A path that another process answers at is refused; one that a process has
    /// left behind is taken.
    ///
    /// # Errors
    /// [`TransportError::Address`], [`TransportError::Listen`].
    fn open(
        &self,
        door: Door,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>>;

    /// Serves metrics as `GET /metrics`, in the text format of Prometheus.
    ///
    /// # Errors
    /// [`TransportError::Address`], [`TransportError::Listen`].
    fn open_metrics(
        &self,
        listen: String,
        source: Arc<dyn MetricsSource>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>>;
}

/// Reads a token of a key file, or makes one there.
///
/// # Errors
/// [`KeyFileError`].
pub fn token(
    files: &dyn KeyFiles,
    name: &str,
    rng: &mut dyn CryptoRng,
) -> Result<SecretBytes, KeyFileError> {
    if let Some(file) = files.read(name)? {
        return Ok(SecretBytes::copy_of(file.expose().trim_ascii()));
    }
    let mut random = SecretBytes::zeroed(TOKEN_RANDOM_BYTES);
    rng.fill_bytes(random.expose_mut());
    let mut digits = SecretBytes::zeroed(2 * TOKEN_RANDOM_BYTES);
    for (pair, byte) in digits.expose_mut().chunks_mut(2).zip(random.expose()) {
        for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = if value < 10 {
                b'0' + value
            } else {
                b'a' + value - 10
            };
        }
    }
    files.write(name, digits.expose(), true)?;
    Ok(digits)
}

const TOKEN_RANDOM_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::sync::Mutex;

    use rand_core::{TryCryptoRng, TryRng};

    use super::*;

    #[derive(Default)]
    struct Folder(Mutex<BTreeMap<String, (Vec<u8>, bool)>>);

    impl KeyFiles for Folder {
        fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
            let files = self.0.lock().unwrap();
            Ok(files
                .get(name)
                .map(|(bytes, _)| SecretBytes::copy_of(bytes)))
        }

        fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
            let mut files = self.0.lock().unwrap();
            files.insert(name.into(), (bytes.to_vec(), secret));
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<(), KeyFileError> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }

        fn describe(&self) -> String {
            "keys".into()
        }
    }

    struct Bytes(u8);

    impl TryRng for Bytes {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(self.0.into())
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(self.0.into())
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    impl TryCryptoRng for Bytes {}

    #[test]
    fn a_token_is_made_once_and_kept_secret() {
        let folder = Folder::default();
        let made = token(&folder, "control.sec", &mut Bytes(0x3f)).unwrap();
        assert_eq!(made.expose(), "3f".repeat(32).as_bytes());
        assert!(folder.0.lock().unwrap()["control.sec"].1, "secret");
        let again = token(&folder, "control.sec", &mut Bytes(0)).unwrap();
        assert!(again.constant_time_eq(made.expose()));
    }

    #[test]
    fn the_end_of_a_line_is_no_part_of_a_token() {
        let folder = Folder::default();
        folder.write("t.sec", b"a token by hand\n", true).unwrap();
        let read = token(&folder, "t.sec", &mut Bytes(0)).unwrap();
        assert_eq!(read.expose(), b"a token by hand");
    }
}
