//! The key schedule (RFC 8446 section 7.1, with a KEM's secret in the place of (EC)DHE and the
//! prefix `pqfw1 `).

use std::sync::Arc;

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;

use crate::error::ChannelError;

const PREFIX: &[u8] = b"pqfw1 ";

type Result<T> = std::result::Result<T, ChannelError>;

/// HKDF-Expand-Label.
pub(crate) fn expand_label(
    suite: &Suite,
    secret: &SecretBytes,
    label: &[u8],
    context: &[u8],
    length: usize,
) -> Result<SecretBytes> {
    let too_long = |field, got, limit| ChannelError::TooLong { field, got, limit };
    let label_limit = usize::from(u8::MAX) - PREFIX.len();
    let label_length = u8::try_from(PREFIX.len() + label.len())
        .map_err(|_| too_long("label", label.len(), label_limit))?;
    let context_length = u8::try_from(context.len())
        .map_err(|_| too_long("context", context.len(), u8::MAX.into()))?;
    let be16 = u16::try_from(length)
        .map_err(|_| too_long("output", length, u16::MAX.into()))?
        .to_be_bytes();
    let info: [&[u8]; 6] = [
        &be16,
        &[label_length],
        PREFIX,
        label,
        &[context_length],
        context,
    ];
    Ok(suite.kdf.expand(secret, &info, length)?)
}

/// Derive-Secret, of a transcript's hash.
pub(crate) fn derive(
    suite: &Suite,
    secret: &SecretBytes,
    label: &str,
    transcript: &[u8],
) -> Result<SecretBytes> {
    let length = suite.kdf.sizes().prk;
    expand_label(suite, secret, label.as_bytes(), transcript, length)
}

/// Extract over what `secret` hands down: the step from one stage of the schedule to the next.
pub(crate) fn next_stage(suite: &Suite, secret: &SecretBytes, ikm: &[u8]) -> Result<SecretBytes> {
    let nothing = suite.hash.digest(&[]);
    let salt = derive(suite, secret, "derived", &nothing)?;
    Ok(suite.kdf.extract(salt.expose(), ikm)?)
}

/// The secrets between `answer` and `finished`, and the main secret behind them.
pub(crate) struct HandshakeSecrets {
    pub(crate) initiator: SecretBytes,
    pub(crate) responder: SecretBytes,
    pub(crate) main: SecretBytes,
}

impl HandshakeSecrets {
    /// From the KEM's secret and TH(hello … answer).
    pub(crate) fn new(suite: &Suite, shared: &SecretBytes, transcript: &[u8]) -> Result<Self> {
        let zeros = vec![0; suite.kdf.sizes().prk];
        let early = suite.kdf.extract(&zeros, &zeros)?;
        let handshake = next_stage(suite, &early, shared.expose())?;
        Ok(Self {
            initiator: derive(suite, &handshake, "c hs traffic", transcript)?,
            responder: derive(suite, &handshake, "s hs traffic", transcript)?,
            main: next_stage(suite, &handshake, &zeros)?,
        })
    }
}

/// The traffic secrets of application data, from a main secret.
pub(crate) struct ApplicationSecrets {
    pub(crate) initiator: SecretBytes,
    pub(crate) responder: SecretBytes,
}

impl ApplicationSecrets {
    pub(crate) fn new(suite: &Suite, main: &SecretBytes, transcript: &[u8]) -> Result<Self> {
        Ok(Self {
            initiator: derive(suite, main, "c ap traffic", transcript)?,
            responder: derive(suite, main, "s ap traffic", transcript)?,
        })
    }
}

/// What `finished` holds: HMAC with the sender's key over the transcript so far. HKDF's extract
/// *is* HMAC (RFC 5869 section 2.2).
pub(crate) fn verify_data(
    suite: &Suite,
    base: &SecretBytes,
    transcript: &[u8],
) -> Result<SecretBytes> {
    let length = suite.kdf.sizes().prk;
    let key = expand_label(suite, base, b"finished", &[], length)?;
    Ok(suite.kdf.extract(key.expose(), transcript)?)
}

/// The traffic secret after this one.
pub(crate) fn updated(suite: &Suite, secret: &SecretBytes) -> Result<SecretBytes> {
    let length = suite.kdf.sizes().prk;
    expand_label(suite, secret, b"traffic upd", &[], length)
}

/// Secrets for the application, bound to this channel (RFC 8446 section 7.5).
pub struct Exporter {
    suite: Arc<Suite>,
    secret: SecretBytes,
}

impl Exporter {
    pub(crate) fn new(suite: Arc<Suite>, secret: SecretBytes) -> Self {
        Self { suite, secret }
    }

    /// A secret that both ends have and nobody else, another for every label and context.
    ///
    /// # Errors
    /// [`ChannelError::TooLong`] for a label above 249 bytes or an output above 65 535;
    /// [`ChannelError::Primitive`] for one above what the KDF gives.
    pub fn export(&self, label: &str, context: &[u8], length: usize) -> Result<SecretBytes> {
        let suite = &*self.suite;
        let nothing = suite.hash.digest(&[]);
        let own = expand_label(
            suite,
            &self.secret,
            label.as_bytes(),
            &nothing,
            suite.kdf.sizes().prk,
        )?;
        let context = suite.hash.digest(&[context]);
        expand_label(suite, &own, b"exporter", &context, length)
    }
}
