//! Whom an end believes.
//!
//! Whatever is trusted, the peer must sign the handshake with the key that it shows. Authorities
//! are judged by rustls's own verifier (names, dates, chains). A pin trusts one key: of a
//! certificate around it neither names nor dates nor issuer matter.

use std::fmt;
use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::transport::{TlsSettings, TlsTrust, TransportError};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    RootCertStore, SignatureScheme,
};

/// What a client asks of its server.
pub(crate) fn of_servers(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TransportError> {
    if let TlsTrust::Authorities(authorities) = &settings.servers {
        if authorities.is_empty() {
            return Err(TransportError::Tls(
                "nothing says which servers to believe: add ca, pins or carrier = true".into(),
            ));
        }
        let roots = roots(settings, authorities)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
        return Ok(verifier.build().map_err(unusable)?);
    }
    Ok(Arc::new(Peers::new(&settings.servers, settings, provider)))
}

/// What a server asks of its clients.
pub(crate) fn of_clients(
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TransportError> {
    let Some(trust) = &settings.clients else {
        if settings.require_client {
            return Err(TransportError::Tls(
                "require_client, and nothing says which clients to believe: add client_ca or pins"
                    .into(),
            ));
        }
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    if settings.raw_public_keys && !settings.require_client {
        return Err(TransportError::Tls(
            "with raw_public_keys clients are asked for their key always or never: set \
             require_client = true at both ends"
                .into(),
        ));
    }
    if let TlsTrust::Authorities(authorities) = trust {
        let roots = roots(settings, authorities)?;
        let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        if !settings.require_client {
            verifier = verifier.allow_unauthenticated();
        }
        return verifier.build().map_err(unusable);
    }
    Ok(Arc::new(Peers::new(trust, settings, provider)))
}

fn roots(
    settings: &TlsSettings,
    authorities: &[Vec<u8>],
) -> Result<Arc<RootCertStore>, TransportError> {
    if settings.raw_public_keys {
        return Err(TransportError::Tls(
            "authorities sign certificates, and with raw_public_keys there are none: name pins \
             instead of ca and client_ca"
                .into(),
        ));
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(CertificateDer::from(authority.clone()))
            .map_err(|error| {
                TransportError::Tls(format!(
                    "an authority's certificate cannot be read: {error}"
                ))
            })?;
    }
    Ok(Arc::new(roots))
}

fn unusable(error: impl fmt::Display) -> TransportError {
    TransportError::Tls(format!("the authorities cannot be used: {error}"))
}

/// Peers that are known by their keys, or not at all.
struct Peers {
    /// `None` for anybody.
    pins: Option<Pins>,
    raw: bool,
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

struct Pins {
    sha256: AdmittedHash,
    keys: Vec<Fingerprint>,
}

impl Peers {
    fn new(trust: &TlsTrust, settings: &TlsSettings, provider: &CryptoProvider) -> Self {
        let pins = match trust {
            TlsTrust::Pinned { sha256, keys } => Some(Pins {
                sha256: sha256.clone(),
                keys: keys.clone(),
            }),
            TlsTrust::Authorities(_) | TlsTrust::Carrier => None,
        };
        Self {
            pins,
            raw: settings.raw_public_keys,
            required: settings.require_client,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// Whether this is somebody to talk to.
    fn known(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(pins) = &self.pins else {
            return Ok(());
        };
        let fingerprint = if self.raw {
            Fingerprint::of_spki(&pins.sha256, shown)
        } else {
            let spki = ParsedCertificate::try_from(shown)?.subject_public_key_info();
            Fingerprint::of_spki(&pins.sha256, &spki)
        };
        if pins.keys.contains(&fingerprint) {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn signed(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.raw {
            let spki = SubjectPublicKeyInfoDer::from(shown.as_ref());
            verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
        } else {
            verify_tls13_signature(message, shown, signature, &self.algorithms)
        }
    }
}

pub(crate) const NOT_1_2: Error =
    Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13);

impl ServerCertVerifier for Peers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.known(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NOT_1_2)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.raw
    }
}

impl ClientCertVerifier for Peers {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.known(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(NOT_1_2)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.raw
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.pins {
            Some(_) => "pinned peers",
            None => "any peer",
        })
    }
}
