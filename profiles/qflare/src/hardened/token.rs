//! Enrolment tokens as people carry them: `pqfw-enrol-1.SERVER.DEVICE.SECRET`.

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::error::ClientError;
use crate::json::{base64_url, from_base64_url};
use crate::state::DeviceId;

const PREFIX: &str = "pqfw-enrol-1";
/// Bytes of chance in a secret; 43 characters.
const SECRET: usize = 32;

/// A token: whom to believe, who to be, and the proof that the operator said so.
pub struct EnrolToken {
    /// The server's fingerprint.
    pub server: Fingerprint,
    /// The device that it enrols.
    pub device: DeviceId,
    secret: Zeroizing<String>,
}

impl EnrolToken {
    /// Makes a token with a fresh secret.
    #[must_use]
    pub fn new(server: Fingerprint, device: DeviceId, rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET]);
        rng.fill_bytes(&mut bytes[..]);
        let secret = Zeroizing::new(base64_url(&bytes[..]));
        Self {
            server,
            device,
            secret,
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`ClientError::Token`].
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let mut parts = text.trim().split('.');
        let mut next = || parts.next().ok_or(ClientError::Token);
        let (prefix, server, device, secret) = (next()?, next()?, next()?, next()?);
        let server = Fingerprint::parse(&format!("sha256:{server}"));
        let bytes = from_base64_url(secret).map(Zeroizing::new);
        let good = prefix == PREFIX
            && parts.next().is_none()
            && bytes.is_some_and(|bytes| bytes.len() == SECRET);
        match (server, DeviceId::parse(device)) {
            (Some(server), Ok(device)) if good => Ok(Self {
                server,
                device,
                secret: Zeroizing::new(secret.to_owned()),
            }),
            _ => Err(ClientError::Token),
        }
    }

    /// The secret, 43 characters: in `qflare-1` it is the whole token.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }

    /// The token as it is printed, once.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let server = self.server.as_str();
        let server = server.strip_prefix("sha256:").unwrap_or(server);
        let (device, secret) = (&self.device, &*self.secret);
        Zeroizing::new(format!("{PREFIX}.{server}.{device}.{secret}"))
    }
}

#[cfg(test)]
mod tests {
    use pqfw_framework::world::World;
    use pqfw_memory::SeededWorld;

    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_printed_and_no_other_way() {
        let server = Fingerprint::parse(&format!("sha256:{}", "0a".repeat(32))).unwrap();
        let device = DeviceId::parse("cam-1_b").unwrap();
        let token = EnrolToken::new(server, device, &mut *SeededWorld::new(0).rng());
        let text = token.expose();
        let read = EnrolToken::parse(&format!("{}\n", &*text)).unwrap();
        assert_eq!(*read.expose(), *text);
        assert_eq!(read.expose_secret().len(), 43);
        for wrong in [
            "".to_owned(),
            text.replace("enrol-1", "enrol-2"),
            text.replace("cam-1_b", "cam 1"),
            text[..text.len() - 1].to_owned(),
            format!("{}.x", &*text),
            text.replace("0a", "0A"),
        ] {
            let read = EnrolToken::parse(&wrong).map(drop);
            assert_eq!(read, Err(ClientError::Token), "{wrong}");
        }
    }
}
