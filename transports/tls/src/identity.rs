//! Who an end is: certificates or a bare public key, and the key that signs for it.

use std::fmt;
use std::sync::Arc;

use pqfw_framework::keys::public_to_der;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::transport::{TlsIdentity, TransportError};
use pqfw_framework::world::World;
use rustls::client::{AlwaysResolvesClientRawPublicKeys, ResolvesClientCert};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, ResolvesServerCert};
use rustls::sign::{self, CertifiedKey, SingleCertAndKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::scheme::scheme;

/// The identity for a server.
pub(crate) fn server(
    identity: &TlsIdentity,
    world: &Arc<dyn World>,
) -> Result<Arc<dyn ResolvesServerCert>, TransportError> {
    let certified = certified(identity, world)?;
    Ok(match identity.certificates.is_empty() {
        true => Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified)),
        false => Arc::new(SingleCertAndKey::from(certified)),
    })
}

/// The identity for a client.
pub(crate) fn client(
    identity: &TlsIdentity,
    world: &Arc<dyn World>,
) -> Result<Arc<dyn ResolvesClientCert>, TransportError> {
    let certified = certified(identity, world)?;
    Ok(match identity.certificates.is_empty() {
        true => Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified)),
        false => Arc::new(SingleCertAndKey::from(certified)),
    })
}

fn certified(
    identity: &TlsIdentity,
    world: &Arc<dyn World>,
) -> Result<Arc<CertifiedKey>, TransportError> {
    let info = identity.key.info();
    let spki = public_to_der(info, &identity.key.verifying_key());
    let spki = spki.map_err(|error| TransportError::Tls(error.to_string()))?;
    let key = Arc::new(IdentityKey(Arc::new(Signer {
        scheme: scheme(info),
        key: identity.key.clone(),
        spki: spki.clone(),
        world: world.clone(),
    })));
    // RFC 7250 section 3: a bare key stands where the certificate would.
    let certificates = match identity.certificates.is_empty() {
        true => vec![CertificateDer::from(spki)],
        false => {
            let certificates = identity.certificates.iter();
            certificates
                .map(|der| CertificateDer::from(der.clone()))
                .collect()
        }
    };
    let certified = CertifiedKey::new(certificates, key);
    if !identity.certificates.is_empty() {
        certified.keys_match().map_err(|error| {
            TransportError::Tls(match error {
                Error::InconsistentKeys(_) => {
                    format!("the certificate is not for this {} key", info.id)
                }
                other => format!("the certificate cannot be read: {other}"),
            })
        })?;
    }
    Ok(Arc::new(certified))
}

/// A private key of the registry's, as rustls takes it.
#[derive(Debug)]
struct IdentityKey(Arc<Signer>);

impl sign::SigningKey for IdentityKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        let offered = offered.contains(&self.0.scheme);
        offered.then(|| -> Box<dyn sign::Signer> { Box::new(Shared(self.0.clone())) })
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.spki.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        // A notion of TLS 1.2, which has no value for most of what is here; 1.3 does not ask.
        SignatureAlgorithm::Unknown(0)
    }
}

struct Signer {
    scheme: SignatureScheme,
    key: Arc<SigningKey>,
    spki: Vec<u8>,
    world: Arc<dyn World>,
}

#[derive(Debug)]
struct Shared(Arc<Signer>);

impl sign::Signer for Shared {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut rng = self.0.world.rng();
        let signature = self.0.key.sign(&mut *rng, &[message]);
        signature.map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key.info().id)
    }
}
