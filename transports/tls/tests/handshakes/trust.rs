//! Who is believed: bare keys both ways, pins, clients that must show themselves.

use pqfw_framework::transport::{TlsSettings, TlsTrust, TransportError};
use pqfw_tls::rustls::pki_types::CertificateDer;
use pqfw_tls::rustls::{CertificateError, Error, PeerIncompatible};
use pqfw_tls::{TlsClient, TlsServer};

use crate::support::{Refused, carrier, client, pinned, raw_key, server, shake};

const NOT_PINNED: Error =
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

fn settings() -> TlsSettings {
    carrier(&["MLKEM768"], "ML-DSA-65")
}

#[test]
fn bare_keys_of_every_kind_authenticate_both_ends() {
    for signature in [
        "ML-DSA-44",
        "ML-DSA-65",
        "ML-DSA-87",
        "Ed25519",
        "ECDSA-P256",
        "ECDSA-P384",
        "Ed25519+ML-DSA-65",
    ] {
        let mut ours = carrier(&["MLKEM768"], signature);
        let theirs = raw_key(signature);
        ours.servers = pinned(&[ours.identity.as_ref().unwrap()]);
        ours.clients = Some(pinned(&[&theirs]));
        ours.require_client = true;
        let server = server(&ours);
        ours.identity = Some(theirs);
        let ends = shake(client(&ours), server).unwrap_or_else(|e| panic!("{signature}: {e:?}"));
        let shown = |certificates: Option<&[CertificateDer<'_>]>| certificates.unwrap().len();
        assert_eq!(shown(ends.client.peer_certificates()), 1, "{signature}");
        assert_eq!(shown(ends.server.peer_certificates()), 1, "{signature}");
    }
}

#[test]
fn a_server_with_another_key_is_refused() {
    let mut ours = settings();
    ours.servers = pinned(&[&raw_key("ML-DSA-65")]);
    let refused = shake(client(&ours), server(&ours));
    assert_eq!(refused.err(), Some(Refused::Client(NOT_PINNED)));
}

#[test]
fn a_client_with_another_key_is_refused() {
    let mut ours = settings();
    ours.clients = Some(pinned(&[&raw_key("ML-DSA-65")]));
    ours.require_client = true;
    let refused = shake(client(&ours), server(&ours));
    assert_eq!(refused.err(), Some(Refused::Server(NOT_PINNED)));
}

#[test]
fn a_client_without_a_key_is_refused_where_one_is_required() {
    let mut ours = settings();
    ours.clients = Some(pinned(&[&raw_key("ML-DSA-65")]));
    let mut nobody = settings();
    nobody.identity = None;
    ours.require_client = true;
    let refused = shake(client(&nobody), server(&ours));
    let expected = Error::PeerIncompatible(PeerIncompatible::IncorrectCertificateTypeExtension);
    assert_eq!(refused.err(), Some(Refused::Server(expected)));
    ours.require_client = false;
    let refusal = TlsServer::new(&ours, &[]).err().unwrap().to_string();
    assert!(refusal.contains("always or never"), "{refusal}");
    ours.clients = None;
    shake(client(&nobody), server(&ours)).unwrap();
}

#[test]
fn a_signature_that_is_not_asked_for_is_not_given() {
    let refused = shake(
        client(&carrier(&["MLKEM768"], "ML-DSA-87")),
        server(&settings()),
    );
    assert!(matches!(refused.err(), Some(Refused::Server(_))));
}

#[test]
fn bare_keys_and_certificates_do_not_mix() {
    let mut certificates = settings();
    certificates.raw_public_keys = false;
    let refused = shake(client(&certificates), server(&settings())).err();
    let expected = Error::PeerIncompatible(PeerIncompatible::IncorrectCertificateTypeExtension);
    assert_eq!(refused, Some(Refused::Server(expected)));
}

fn refused(settings: &TlsSettings) -> [String; 2] {
    let text = |error: Option<TransportError>| error.unwrap().to_string();
    [
        text(TlsClient::new(settings, &[]).err()),
        text(TlsServer::new(settings, &[]).err()),
    ]
}

#[test]
fn authorities_of_bare_keys_are_refused() {
    let mut ours = settings();
    ours.servers = TlsTrust::Authorities(vec![Vec::new()]);
    ours.clients = Some(TlsTrust::Authorities(vec![Vec::new()]));
    ours.require_client = true;
    for refusal in refused(&ours) {
        assert!(refusal.contains("name pins"), "{refusal}");
    }
    ours.raw_public_keys = false;
    for refusal in refused(&ours) {
        assert!(refusal.contains("cannot be read"), "{refusal}");
    }
}

#[test]
fn an_empty_trust_believes_nobody() {
    let mut ours = settings();
    ours.raw_public_keys = false;
    ours.servers = TlsTrust::Authorities(Vec::new());
    ours.clients = Some(TlsTrust::Authorities(Vec::new()));
    let [by_client, by_server] = refused(&ours);
    assert!(
        by_client.contains("which servers to believe"),
        "{by_client}"
    );
    assert!(
        by_server.contains("authorities cannot be used"),
        "{by_server}"
    );
}
