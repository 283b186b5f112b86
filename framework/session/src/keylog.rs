//! The key log: traffic secrets for whoever debugs (`docs/protocols/channel.md` section 10).
//!
//! Whoever has it reads everything. Where it goes is the caller's business.

use std::sync::Arc;

use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

/// Where traffic secrets are written to.
pub trait KeyLog: Send + Sync {
    /// Takes one line, without its end. Secret.
    fn line(&self, line: &str);
}

/// A key log and the handshake whose secrets go there.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) sink: Option<Arc<dyn KeyLog>>,
    pub(crate) random: [u8; 32],
}

impl Log {
    pub(crate) fn secret(&self, label: &str, secret: &SecretBytes) {
        let Some(sink) = &self.sink else { return };
        // As long as the line gets, so that no copy is left behind by growth.
        let length = label.len() + 2 + 2 * (self.random.len() + secret.len());
        let mut line = Zeroizing::new(String::with_capacity(length));
        line.push_str(label);
        for bytes in [&self.random[..], secret.expose()] {
            line.push(' ');
            for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
                line.extend(char::from_digit(nibble.into(), 16));
            }
        }
        sink.line(&line);
    }
}
