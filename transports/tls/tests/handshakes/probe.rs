//! Probes: what a server takes is found, and what it does not take is not.

use pqfw_framework::transport::TlsSettings;
use pqfw_tls::rustls::SignatureScheme;
use pqfw_tls::{Answered, Probe, TlsServer};
use tokio::io::duplex;

use crate::certificates::with_a_certificate;
use crate::support::{resolve, world};

async fn ask(settings: &TlsSettings, group: &str, scheme: SignatureScheme) -> Answered {
    let group = resolve(|r| r.tls_group(group)).unwrap();
    let probe = Probe::new(&[group], &[scheme], &[], &world()).unwrap();
    let server = TlsServer::new(settings, &[]).unwrap();
    let (near, far) = duplex(100_000);
    let (answered, _) = tokio::join!(probe.ask(near, "localhost"), server.accept(far));
    answered.unwrap()
}

#[tokio::test]
async fn a_server_shows_what_it_takes() {
    let settings = with_a_certificate();
    let answered = ask(&settings, "X25519MLKEM768", SignatureScheme::ML_DSA_65).await;
    let expected = Answered {
        group: Some(0x11EC),
        scheme: Some(0x0905),
        end: None,
    };
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn what_it_does_not_take_is_refused() {
    let settings = with_a_certificate();
    let answered = ask(&settings, "MLKEM1024", SignatureScheme::ML_DSA_65).await;
    assert_eq!((answered.group, answered.scheme), (None, None));
    assert!(answered.end.is_some());
    let answered = ask(&settings, "X25519MLKEM768", SignatureScheme::ED25519).await;
    assert_eq!(answered.scheme, None);
    assert!(answered.end.is_some());
}
