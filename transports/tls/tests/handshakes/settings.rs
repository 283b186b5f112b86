//! Settings that cannot work are refused before anything listens.

use pqfw_framework::transport::TlsSettings;
use pqfw_tls::{TlsClient, TlsServer};

use crate::support::{carrier, resolve};

fn server_refusal(settings: &TlsSettings) -> String {
    TlsServer::new(settings, &[]).err().unwrap().to_string()
}

#[test]
fn a_server_shows_who_it_is() {
    let mut settings = carrier(&["MLKEM768"], "ML-DSA-65");
    settings.identity = None;
    let refusal = server_refusal(&settings);
    assert!(refusal.contains("must show who it is"), "{refusal}");
}

#[test]
fn required_clients_must_be_known_by_something() {
    let mut settings = carrier(&["MLKEM768"], "ML-DSA-65");
    settings.require_client = true;
    let refusal = server_refusal(&settings);
    assert!(refusal.contains("add client_ca or pins"), "{refusal}");
}

#[test]
fn without_groups_or_signatures_there_is_no_handshake() {
    let mut settings = carrier(&[], "ML-DSA-65");
    let refusal = TlsClient::new(&settings, &[]).err().unwrap().to_string();
    assert!(refusal.contains("no groups"), "{refusal}");
    settings.groups = carrier(&["MLKEM768"], "ML-DSA-65").groups;
    settings.signatures.clear();
    let refusal = TlsClient::new(&settings, &[]).err().unwrap().to_string();
    assert!(refusal.contains("no signatures"), "{refusal}");
}

#[test]
fn two_of_one_number_are_refused() {
    let mut settings = carrier(&["MLKEM768", "MLKEM768"], "ML-DSA-65");
    let refusal = server_refusal(&settings);
    assert!(refusal.contains("0x0201"), "{refusal}");
    settings.groups.truncate(1);
    let again = resolve(|r| r.signature("ML-DSA-65")).unwrap();
    settings.signatures.push(again);
    let refusal = server_refusal(&settings);
    assert!(refusal.contains("0x0905"), "{refusal}");
}
