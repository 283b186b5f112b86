//! Every body of QU3 is read or refused with 4xx; what was read is written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_qu3::policy::{self, Reading};
use pqfw_qu3::wire::{self, InferenceRequest, InferenceResponse};

/// A refusal repeats at most 1 KiB of a request for each of its fields, escaped, and a few words.
const MAX_REFUSAL_BYTES: usize = 32 << 10;

fuzz_target!(|body: &[u8]| {
    let names = [
        "kem_ciphertext_b64",
        "nonce_b64",
        "client_sign_public_key_b64",
    ];
    if let Err(refusal) = wire::string_fields(body, names) {
        let response = refusal.response();
        assert!((400..500).contains(&response.status));
        assert!(wire::parse(&response.body).is_ok());
        assert!(response.body.len() <= MAX_REFUSAL_BYTES);
    }
    match InferenceRequest::read(body) {
        Ok((request, signature)) => {
            let again = InferenceRequest::read(&request.plaintext(&signature));
            assert_eq!(again.expect("our own request"), (request, signature));
        }
        Err(refusal) => assert_eq!(refusal.status(), 400),
    }
    if let Some((response, _)) = InferenceResponse::read(body) {
        let again = InferenceResponse::read(&response.plaintext());
        // The two statuses of a peer can contradict each other; ours cannot.
        if response.outcome.is_ok() == response.attestation.success {
            assert_eq!(again.map(|(response, _)| response), Some(response));
        }
    }
    let text = String::from_utf8_lossy(body);
    if let Ok(Reading::Rules(rules)) = policy::read(&text, &["model_caps", "model_reverse"]) {
        assert!(text.to_lowercase().contains("allow") || text.to_lowercase().contains("deny"));
        let _ = rules.names_clients();
    }
    if let Some(bytes) = wire::decode(&text) {
        assert_eq!(wire::encode(&bytes), text);
    }
});
