//! A KEM, or several side by side, as a key-exchange group of TLS 1.3.
//!
//! ```text
//!  client share  = encapsulation keys    server share = ciphertexts    secret = shared secrets
//! ```
//!
//! each one after the other in the group's order (draft-ietf-tls-hybrid-design section 3). A share
//! of any other length is refused before it is cut up.

use std::fmt;
use std::sync::Arc;

use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, KemError};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::TlsGroup;
use pqfw_framework::world::World;
use rustls::crypto::{ActiveKeyExchange, CompletedKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

use crate::leak::{Leaked, code, place};

/// A group with the randomness that its keys come from.
struct KemGroup {
    group: TlsGroup,
    world: Arc<dyn World>,
}

static GROUPS: Leaked<(u16, Vec<String>, usize), KemGroup> = Leaked::new();

/// The group as rustls takes it.
pub(crate) fn supported(group: &TlsGroup, world: &Arc<dyn World>) -> &'static dyn SupportedKxGroup {
    let parts = group.parts.iter();
    let parts = parts.map(|kem| code(kem.info(), kem.provider())).collect();
    GROUPS.get((group.code_point, parts, place(world)), || {
        Box::new(KemGroup {
            group: group.clone(),
            world: world.clone(),
        })
    })
}

impl KemGroup {
    fn named(&self) -> NamedGroup {
        NamedGroup::from(self.group.code_point)
    }
}

impl SupportedKxGroup for KemGroup {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut rng = self.world.rng();
        let (mut keys, mut share) = (Vec::new(), Vec::new());
        for kem in &self.group.parts {
            let key = kem.generate(&mut *rng).map_err(|error| ours(&error))?;
            share.extend(key.encapsulation_key());
            keys.push(key);
        }
        Ok(Box::new(Started {
            named: self.named(),
            keys,
            share,
        }))
    }

    /// The server's side, which has no key pair: the default of the trait is for Diffie-Hellman.
    fn start_and_complete(&self, client_share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let length = |kem: &AdmittedKem| kem.sizes().encapsulation_key;
        let shares = cut(client_share, self.group.parts.iter().map(length))?;
        let mut rng = self.world.rng();
        let (mut ciphertexts, mut secrets) = (Vec::new(), Vec::new());
        for (kem, share) in self.group.parts.iter().zip(shares) {
            let key = kem.import_encapsulation_key(share);
            let key = key.map_err(|error| theirs(&error))?;
            let encapsulated = key.encapsulate(&mut *rng);
            let (ciphertext, secret) = encapsulated.map_err(|error| theirs(&error))?;
            ciphertexts.extend(ciphertext);
            secrets.push(secret);
        }
        Ok(CompletedKeyExchange {
            group: self.named(),
            pub_key: ciphertexts,
            secret: joined(&secrets),
        })
    }

    fn name(&self) -> NamedGroup {
        self.named()
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

impl fmt::Debug for KemGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#06x})", self.group.name, self.group.code_point)
    }
}

/// The client's side between its hello and the server's.
struct Started {
    named: NamedGroup,
    keys: Vec<DecapsulationKey>,
    share: Vec<u8>,
}

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        let length = |key: &DecapsulationKey| key.sizes().ciphertext;
        let ciphertexts = cut(server_share, self.keys.iter().map(length))?;
        let mut secrets = Vec::new();
        for (key, ciphertext) in self.keys.iter().zip(ciphertexts) {
            let secret = key.decapsulate(ciphertext);
            secrets.push(secret.map_err(|error| theirs(&error))?);
        }
        Ok(joined(&secrets))
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        self.named
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }
}

/// Cuts a share into pieces of these lengths, with nothing left over.
fn cut(share: &[u8], lengths: impl Iterator<Item = usize>) -> Result<Vec<&[u8]>, Error> {
    let (mut rest, mut pieces) = (share, Vec::new());
    for length in lengths {
        let (piece, behind) = rest.split_at_checked(length).ok_or(INVALID_SHARE)?;
        pieces.push(piece);
        rest = behind;
    }
    if rest.is_empty() {
        Ok(pieces)
    } else {
        Err(INVALID_SHARE)
    }
}

const INVALID_SHARE: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

/// The secrets one after the other; rustls wipes what it gets, and each part wipes itself.
fn joined(secrets: &[SecretBytes]) -> SharedSecret {
    let mut whole = Vec::with_capacity(secrets.iter().map(SecretBytes::len).sum());
    for secret in secrets {
        whole.extend_from_slice(secret.expose());
    }
    SharedSecret::from(whole)
}

/// A provider that failed is our fault, whoever's bytes it had.
fn theirs(error: &KemError) -> Error {
    match error {
        KemError::ProviderFailed => ours(error),
        _ => INVALID_SHARE,
    }
}

fn ours(error: &KemError) -> Error {
    Error::General(error.to_string())
}
