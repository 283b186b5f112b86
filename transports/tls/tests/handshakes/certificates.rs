//! X.509: an authority, a leaf, names, dates, pins, and keys that are not the certificate's.

use std::sync::Arc;

use pqfw_framework::keys::private_from_file;
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust};
use pqfw_memory::SeededWorld;
use pqfw_tls::TlsServer;
use pqfw_tls::rustls::{CertificateError, Error};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_ML_DSA_44, PKCS_ML_DSA_65, PKCS_ML_DSA_87,
    SignatureAlgorithm,
};

use crate::support::{Refused, carrier, client, pinned, raw_key, resolve, server, shake};

type Kind = (&'static str, &'static SignatureAlgorithm);

const ML_DSA_65: Kind = ("ML-DSA-65", &PKCS_ML_DSA_65);

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    kind: Kind,
}

impl Authority {
    fn new(kind: Kind) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(kind.1).unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            kind,
        }
    }

    fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    /// A certificate for `name` with a key of the authority's algorithm, until the given year.
    fn issue(&self, name: &str, last_year: i32) -> TlsIdentity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate_for(self.kind.1).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let signature = resolve(|r| r.signature(self.kind.0)).unwrap();
        let parts = private_from_file(signature.info(), key.serialized_der()).unwrap();
        TlsIdentity {
            certificates: vec![certificate.der().to_vec()],
            key: Arc::new(signature.import_private_key(&parts).unwrap()),
        }
    }
}

/// Both ends with certificates of one authority.
fn settings(authority: &Authority, identity: TlsIdentity) -> TlsSettings {
    let mut settings = carrier(&["X25519MLKEM768"], authority.kind.0);
    settings.raw_public_keys = false;
    settings.servers = TlsTrust::Authorities(vec![authority.der()]);
    settings.clients = Some(TlsTrust::Authorities(vec![authority.der()]));
    settings.require_client = true;
    settings.identity = Some(identity);
    settings
}

/// A server with a certificate for `localhost` that asks no client who it is.
pub(crate) fn with_a_certificate() -> TlsSettings {
    let authority = Authority::new(ML_DSA_65);
    let mut settings = settings(&authority, authority.issue("localhost", 2030));
    settings.clients = None;
    settings.require_client = false;
    settings
}

#[test]
fn an_authority_vouches_for_both_ends() {
    let kinds = [
        ("ML-DSA-44", &PKCS_ML_DSA_44),
        ML_DSA_65,
        ("ML-DSA-87", &PKCS_ML_DSA_87),
        ("Ed25519", &PKCS_ED25519),
        ("ECDSA-P256", &PKCS_ECDSA_P256_SHA256),
        ("ECDSA-P384", &PKCS_ECDSA_P384_SHA384),
    ];
    for kind in kinds {
        let authority = Authority::new(kind);
        let ours = settings(&authority, authority.issue("localhost", 2030));
        let ends = shake(client(&ours), server(&ours)).unwrap_or_else(|e| panic!("{kind:?} {e:?}"));
        assert!(ends.server.peer_certificates().is_some());
    }
}

#[test]
fn a_client_without_a_certificate_is_let_in_only_where_none_is_required() {
    let authority = Authority::new(ML_DSA_65);
    let mut ours = settings(&authority, authority.issue("localhost", 2030));
    let (strict, nobody) = (server(&ours), {
        ours.require_client = false;
        let lenient = server(&ours);
        ours.identity = None;
        shake(client(&ours), lenient).unwrap();
        client(&ours)
    });
    let refused = shake(nobody, strict).err();
    assert_eq!(
        refused,
        Some(Refused::Server(Error::NoCertificatesPresented))
    );
}

fn refused_by_client(ours: &TlsSettings) -> CertificateError {
    match shake(client(ours), server(ours)).err() {
        Some(Refused::Client(Error::InvalidCertificate(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_authoritys_word_counts_for_nothing() {
    let (ours, theirs) = (Authority::new(ML_DSA_65), Authority::new(ML_DSA_65));
    let mut settings = settings(&ours, theirs.issue("localhost", 2030));
    assert!(matches!(
        refused_by_client(&settings),
        CertificateError::UnknownIssuer | CertificateError::BadSignature
    ));
    settings.servers = TlsTrust::Authorities(vec![theirs.der()]);
    let refused = shake(client(&settings), server(&settings)).err();
    assert!(matches!(
        refused,
        Some(Refused::Server(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        )))
    ));
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new(ML_DSA_65);
    let ours = settings(&authority, authority.issue("elsewhere.example", 2030));
    assert!(matches!(
        refused_by_client(&ours),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    ));
}

/// The clock is the world's: this one stands at the beginning of 2026.
#[test]
fn an_expired_certificate_is_refused_by_the_clock_of_the_world() {
    let authority = Authority::new(ML_DSA_65);
    let mut ours = settings(&authority, authority.issue("localhost", 2025));
    assert!(matches!(
        refused_by_client(&ours),
        CertificateError::Expired | CertificateError::ExpiredContext { .. }
    ));
    // 2024-06-01
    ours.world = Arc::new(SeededWorld::starting_at(2, 1_717_200_000_000_000));
    shake(client(&ours), server(&ours)).unwrap();
}

#[test]
fn a_pin_holds_for_the_key_in_a_certificate() {
    let authority = Authority::new(ML_DSA_65);
    let identity = authority.issue(
        "a name that nobody asks for".split(' ').next().unwrap(),
        2025,
    );
    let right = pinned(&[&identity]);
    let mut ours = settings(&authority, identity);
    (ours.servers, ours.clients) = (right, None);
    ours.require_client = false;
    shake(client(&ours), server(&ours)).unwrap();
    ours.servers = pinned(&[&raw_key("ML-DSA-65")]);
    assert_eq!(
        refused_by_client(&ours),
        CertificateError::ApplicationVerificationFailure
    );
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused_at_once() {
    let authority = Authority::new(ML_DSA_65);
    let mut identity = authority.issue("localhost", 2030);
    identity.key = raw_key("ML-DSA-65").key;
    let refusal = TlsServer::new(&settings(&authority, identity), &[]).err();
    let refusal = refusal.unwrap().to_string();
    assert!(refusal.contains("not for this ML-DSA-65 key"), "{refusal}");
}

#[test]
fn what_is_no_certificate_is_refused_at_once() {
    let authority = Authority::new(ML_DSA_65);
    let mut identity = authority.issue("localhost", 2030);
    identity.certificates = vec![b"not DER".to_vec()];
    let refusal = TlsServer::new(&settings(&authority, identity), &[]).err();
    let refusal = refusal.unwrap().to_string();
    assert!(refusal.contains("cannot be read"), "{refusal}");
}
