//! Certificates out of files.

use pqfw_framework::transport::TransportError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Reads every certificate of a PEM file (RFC 7468 section 5), in its order.
///
/// # Errors
/// [`TransportError::Tls`] when the file is no PEM or has no certificate.
pub fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, TransportError> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(file) {
        let certificate = certificate
            .map_err(|error| TransportError::Tls(format!("the PEM is broken: {error}")))?;
        found.push(certificate.to_vec());
    }
    if found.is_empty() {
        let what = "there is no `BEGIN CERTIFICATE` in the file";
        return Err(TransportError::Tls(what.into()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_in_their_order_and_keys_are_passed_over() {
        let file = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n\
                    -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\
                    -----BEGIN CERTIFICATE-----\nAwQF\n-----END CERTIFICATE-----\n";
        let found = certificates(file.as_bytes()).unwrap();
        assert_eq!(found, [[0, 1, 2], [3, 4, 5]]);
    }

    #[test]
    fn files_without_a_certificate_are_refused() {
        let cut = b"-----BEGIN CERTIFICATE-----\nAAEC\n";
        for file in [b"".as_slice(), b"nothing", cut] {
            let refused = certificates(file);
            assert!(matches!(refused, Err(TransportError::Tls(_))));
        }
    }
}
