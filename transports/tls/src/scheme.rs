//! Signatures as TLS 1.3 and X.509 verify them.

use std::fmt;

use pqfw_framework::catalogue::{AlgorithmInfo, private_tls_scheme};
use pqfw_framework::keys::{KeyCodecError, identifier_content};
use pqfw_framework::signature::AdmittedSignature;
use pqfw_framework::transport::TransportError;
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

use crate::leak::{Leaked, code};

/// The signature scheme of an algorithm: IANA's, or one for private use.
#[must_use]
pub fn scheme(info: &AlgorithmInfo) -> SignatureScheme {
    let code_point = info.tls_code_point;
    SignatureScheme::from(code_point.unwrap_or_else(|| private_tls_scheme(&info.id)))
}

/// One algorithm that verifies signatures of handshakes and of certificates.
struct Verifier {
    signature: AdmittedSignature,
    /// The identifier of its keys.
    key: AlgorithmIdentifier,
    /// The identifier of its signatures in certificates.
    certificate: AlgorithmIdentifier,
}

type Algorithm = &'static dyn SignatureVerificationAlgorithm;
type Mapping = [(SignatureScheme, &'static [Algorithm])];

static VERIFIERS: Leaked<String, [Algorithm]> = Leaked::new();
static IDENTIFIERS: Leaked<Vec<u8>, [u8]> = Leaked::new();
static ALL: Leaked<Vec<String>, [Algorithm]> = Leaked::new();
static MAPPINGS: Leaked<Vec<String>, Mapping> = Leaked::new();

/// The algorithms as rustls and webpki take them, in the same order of preference.
pub(crate) fn algorithms(
    signatures: &[AdmittedSignature],
) -> Result<WebPkiSupportedAlgorithms, TransportError> {
    let mut mapping: Vec<(SignatureScheme, &'static [Algorithm])> = Vec::new();
    let mut names = Vec::new();
    for signature in signatures {
        let info = signature.info();
        let scheme = scheme(info);
        if mapping.iter().any(|(other, _)| *other == scheme) {
            return Err(TransportError::Tls(format!(
                "{} has the number {:#06x} of another signature of this profile; take one of them \
                 out",
                info.id,
                u16::from(scheme)
            )));
        }
        names.push(code(info, signature.provider()));
        mapping.push((scheme, verifier(signature)?));
    }
    let all = mapping.iter().flat_map(|(_, one)| one.iter().copied());
    Ok(WebPkiSupportedAlgorithms {
        all: ALL.get(names.clone(), || all.collect()),
        mapping: MAPPINGS.get(names, || mapping.clone().into()),
    })
}

/// The algorithm of one signature, in a list of its own as rustls wants it.
fn verifier(signature: &AdmittedSignature) -> Result<&'static [Algorithm], TransportError> {
    let info = signature.info();
    let unnamed = |error: KeyCodecError| TransportError::Tls(error.to_string());
    let content = identifier_content(info).map_err(unnamed)?;
    let content = IDENTIFIERS.get(content.clone(), || content.into());
    let key = AlgorithmIdentifier::from_slice(content);
    // RFC 5758 section 3.2: ECDSA names its hash in certificates. All others have one identifier
    // for keys and signatures: RFC 8410 section 6, RFC 9881 section 2, RFC 9909 section 4.
    let certificate = match scheme(info) {
        SignatureScheme::ECDSA_NISTP256_SHA256 => alg_id::ECDSA_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384 => alg_id::ECDSA_SHA384,
        _ => key,
    };
    Ok(VERIFIERS.get(code(info, signature.provider()), || {
        let verifier: Algorithm = Box::leak(Box::new(Verifier {
            signature: signature.clone(),
            key,
            certificate,
        }));
        Box::new([verifier])
    }))
}

impl SignatureVerificationAlgorithm for Verifier {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = self.signature.import_verifying_key(public_key);
        let key = key.map_err(|_| InvalidSignature)?;
        // RFC 9881 section 3 and draft-ietf-tls-mldsa section 3: the native context is empty.
        key.verify(&[message], &[], signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.certificate
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature.info().id)
    }
}
