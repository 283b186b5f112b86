//! The identity file of pqc-mcp: `{name, did, algorithm, public_key, private_key}`, keys in
//! hexadecimal.
//!
//! Its `algorithm` is a label that does not say what the key is, so the caller names the algorithm;
//! its DID is `did:pqaid:` and the SHA3-256 of the public key, which is checked.

use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::PrivateKeyParts;
use pqfw_framework::secret::SecretBytes;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::files;

const DID_PREFIX: &str = "did:pqaid:";

/// Reads an identity; importing the key then checks that the two halves agree.
pub(in crate::commands) fn read(
    info: &AlgorithmInfo,
    file: &SecretBytes,
    sha3_256: &AdmittedHash,
) -> Result<PrivateKeyParts, CliError> {
    let bad = |what: &str| CliError::operation(format!("not an identity file of pqc-mcp: {what}"));
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(file.expose()) else {
        return Err(bad("it is no JSON object"));
    };
    let mut field = |name: &'static str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(Zeroizing::new(text)),
        _ => Err(bad(&format!("no text under `{name}`"))),
    };
    let secret = files::hex("private_key", &field("private_key")?)?;
    let public = files::hex("public_key", &field("public_key")?)?;
    let did = field("did")?;
    let digest = sha3_256.digest(&[public.expose()]);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if did.strip_prefix(DID_PREFIX) != Some(&hex) {
        return Err(bad("its did is not the hash of its public key"));
    }
    Ok(PrivateKeyParts {
        public_key: Some(public.expose().to_vec()),
        ..PrivateKeyParts::of_raw(info, secret.expose())
    })
}
