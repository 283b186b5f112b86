//! A profile's `transport.tls`, resolved: what TLS 1.3 is made of, in this framework's own types.
//!
//! The transport that speaks TLS turns it into the library's configuration. Nothing here knows
//! that library.

use std::fmt;
use std::sync::Arc;

use crate::hash::AdmittedHash;
use crate::kem::AdmittedKem;
use crate::keys::Fingerprint;
use crate::signature::{AdmittedSignature, SigningKey};
use crate::world::World;

/// What one end of TLS 1.3 offers, accepts, is and trusts.
pub struct TlsSettings {
    /// Key-exchange groups, best first. A client sends the first one's share.
    pub groups: Vec<TlsGroup>,
    /// Signature algorithms accepted from the peer, best first.
    pub signatures: Vec<AdmittedSignature>,
    /// Who this end is; a server needs one, a client only where the server asks for it.
    pub identity: Option<TlsIdentity>,
    /// Whom a client believes to be its server.
    pub servers: TlsTrust,
    /// Whom a server believes to be its client; `None` to ask no client who it is.
    pub clients: Option<TlsTrust>,
    /// Whether a server refuses clients that show no identity; else it refuses only wrong ones.
    /// With bare keys there is no such middle, and both ends must say the same.
    pub require_client: bool,
    /// Whether peers show a bare public key (RFC 7250) instead of a certificate.
    pub raw_public_keys: bool,
    /// Where the clock and the randomness of handshakes come from.
    pub world: Arc<dyn World>,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<_> = self.groups.iter().map(|group| &group.name).collect();
        f.debug_struct("TlsSettings")
            .field("groups", &groups)
            .field("require_client", &self.require_client)
            .field("raw_public_keys", &self.raw_public_keys)
            .finish_non_exhaustive()
    }
}

/// One key-exchange group: a KEM, or a concatenation of several, under a code point.
/// [`Resolver::tls_group`](crate::registry::Resolver::tls_group) makes it from its name.
#[derive(Clone)]
pub struct TlsGroup {
    /// `X25519MLKEM768`, or the KEM's canonical name.
    pub name: String,
    /// The number on the wire: IANA's, or one for private use, 0xFE00 to 0xFEFF.
    pub code_point: u16,
    /// The KEMs in the order of their bytes in shares and in the shared secret. Where TLS names a
    /// curve, this is its [bare form](AdmittedKem::bare_diffie_hellman).
    pub parts: Vec<AdmittedKem>,
}

/// Who an end is.
pub struct TlsIdentity {
    /// X.509 certificates in DER, the end's own first; empty for a raw public key (RFC 7250).
    pub certificates: Vec<Vec<u8>>,
    /// The private key of the first certificate.
    pub key: Arc<SigningKey>,
}

/// Whom an end believes.
pub enum TlsTrust {
    /// X.509 chains up to these certificates in DER.
    Authorities(Vec<Vec<u8>>),
    /// Keys with these fingerprints, in a certificate or bare.
    Pinned {
        /// What fingerprints are made with.
        sha256: AdmittedHash,
        /// The fingerprints.
        keys: Vec<Fingerprint>,
    },
    /// Anybody: TLS carries a protocol that authenticates by itself, and hides it from onlookers.
    /// Whoever sits between the two ends can read along.
    Carrier,
}
