//! SPHINCS+, the simple sets: SPHINCS+ submission to round 3.1, 10 June 2022.
//!
//! It signs the message as it is: round 3.1 has no context, and no prefix as FIPS 205 has.
//!
//! A key is not checked when it is imported: its last part, the root, follows from the others, but
//! the wrapping crate offers no way to compute it again. A damaged key makes signatures that do
//! not verify.

use pqcrypto_sphincsplus::{
    sphincssha2128fsimple, sphincssha2128ssimple, sphincssha2192fsimple, sphincssha2192ssimple,
    sphincssha2256fsimple, sphincssha2256ssimple, sphincsshake128fsimple, sphincsshake128ssimple,
    sphincsshake192fsimple, sphincsshake192ssimple, sphincsshake256fsimple, sphincsshake256ssimple,
};
use pqcrypto_traits::sign::DetachedSignature as _;
use pqfw_framework::registry::Plugin;

use crate::signature::{PqClean, Set};

/// Offers one set: by its name in the catalogue, its type here and the module of the crate.
macro_rules! sets {
    ($plugin:expr, $($id:literal $set:ident $module:ident;)*) => {{
        $(
            struct $set;

            impl Set for $set {
                type PublicKey = $module::PublicKey;
                type SecretKey = $module::SecretKey;
                const SIGNATURE: usize = $module::signature_bytes();
                const CONTEXT: bool = false;

                fn generate() -> (Self::PublicKey, Self::SecretKey) {
                    $module::keypair()
                }

                fn sign(message: &[u8], _: &[u8], key: &Self::SecretKey) -> Vec<u8> {
                    $module::detached_sign(message, key).as_bytes().to_vec()
                }

                fn verify(
                    signature: &[u8],
                    message: &[u8],
                    _: &[u8],
                    key: &Self::PublicKey,
                ) -> bool {
                    $module::DetachedSignature::from_bytes(signature).is_ok_and(|signature| {
                        $module::verify_detached_signature(&signature, message, key).is_ok()
                    })
                }

                fn public_key(secret: &[u8]) -> Option<Vec<u8>> {
                    second_half(secret, $module::secret_key_bytes())
                }
            }
        )*
        $plugin$(.signature($id, provider(), PqClean::<$set>::new()))*
    }};
}

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    sets! {
        plugin,
        "SPHINCS+-SHA2-128s-simple" Sha2128s sphincssha2128ssimple;
        "SPHINCS+-SHA2-128f-simple" Sha2128f sphincssha2128fsimple;
        "SPHINCS+-SHA2-192s-simple" Sha2192s sphincssha2192ssimple;
        "SPHINCS+-SHA2-192f-simple" Sha2192f sphincssha2192fsimple;
        "SPHINCS+-SHA2-256s-simple" Sha2256s sphincssha2256ssimple;
        "SPHINCS+-SHA2-256f-simple" Sha2256f sphincssha2256fsimple;
        "SPHINCS+-SHAKE-128s-simple" Shake128s sphincsshake128ssimple;
        "SPHINCS+-SHAKE-128f-simple" Shake128f sphincsshake128fsimple;
        "SPHINCS+-SHAKE-192s-simple" Shake192s sphincsshake192ssimple;
        "SPHINCS+-SHAKE-192f-simple" Shake192f sphincsshake192fsimple;
        "SPHINCS+-SHAKE-256s-simple" Shake256s sphincsshake256ssimple;
        "SPHINCS+-SHAKE-256f-simple" Shake256f sphincsshake256fsimple;
    }
}

fn provider() -> pqfw_framework::provider::ProviderInfo {
    super::provider(
        "pqcrypto-sphincsplus 0.7.2",
        "SPHINCS+ hashes its secrets and indexes by public values alone",
    )
}

/// PK.seed ‖ PK.root of SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root; `None` when the whole has another
/// length.
fn second_half(secret: &[u8], length: usize) -> Option<Vec<u8>> {
    let public = secret.get(length / 2..)?;
    (secret.len() == length).then(|| public.to_vec())
}
