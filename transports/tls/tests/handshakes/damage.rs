//! One bit, changed on the way or by the signer: the handshake fails.

use std::sync::Arc;

use pqfw_tls::rustls::server::{ClientHello, ResolvesServerCert};
use pqfw_tls::rustls::sign::{CertifiedKey, Signer, SigningKey};
use pqfw_tls::rustls::{
    CertificateError, Error, ServerConfig, SignatureAlgorithm, SignatureScheme,
};

use crate::support::{Refused, carrier, client, server, shake, shake_through};

#[test]
fn a_flipped_bit_of_the_ciphertext_shows() {
    for group in ["MLKEM768", "X25519MLKEM768", "FrodoKEM-640-SHAKE"] {
        let settings = carrier(&[group], "ML-DSA-65");
        let mut first = true;
        let refused = shake_through(client(&settings), server(&settings), |server, bytes| {
            if server && std::mem::take(&mut first) {
                // Within the key share, which is most of the ServerHello.
                bytes[600] ^= 1;
            }
        });
        let refused = refused.err();
        assert_eq!(
            refused,
            Some(Refused::Client(Error::DecryptError)),
            "{group}"
        );
    }
}

#[test]
fn a_flipped_bit_of_the_encapsulation_key_shows() {
    let settings = carrier(&["FrodoKEM-640-SHAKE"], "ML-DSA-65");
    let mut first = true;
    let refused = shake_through(client(&settings), server(&settings), |server, bytes| {
        if !server && std::mem::take(&mut first) {
            bytes[5000] ^= 1;
        }
    });
    assert_eq!(refused.err(), Some(Refused::Client(Error::DecryptError)));
}

/// A server that signs with the right key and then spoils the signature.
#[derive(Debug)]
struct Spoiling(Arc<dyn ResolvesServerCert>);

impl ResolvesServerCert for Spoiling {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let honest = self.0.resolve(hello)?;
        let key = SpoiltKey(honest.key.clone());
        Some(Arc::new(CertifiedKey::new(
            honest.cert.clone(),
            Arc::new(key),
        )))
    }

    fn only_raw_public_keys(&self) -> bool {
        self.0.only_raw_public_keys()
    }
}

#[derive(Debug)]
struct SpoiltKey(Arc<dyn SigningKey>);

impl SigningKey for SpoiltKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(SpoiltSigner(signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

#[derive(Debug)]
struct SpoiltSigner(Box<dyn Signer>);

impl Signer for SpoiltSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = self.0.sign(message)?;
        let middle = signature.len() / 2;
        signature[middle] ^= 1;
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

#[test]
fn a_flipped_bit_of_the_signature_shows_even_to_who_believes_anybody() {
    for signature in ["ML-DSA-65", "Ed25519", "ECDSA-P256"] {
        let settings = carrier(&["MLKEM768"], signature);
        let honest = server(&settings);
        let mut spoiling = ServerConfig::clone(&honest);
        spoiling.cert_resolver = Arc::new(Spoiling(honest.cert_resolver.clone()));
        let refused = shake(client(&settings), Arc::new(spoiling)).err();
        let expected = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(refused, Some(Refused::Client(expected)), "{signature}");
    }
}
