//! ML-DSA, FIPS 204: hedged signing of messages, with a context.
//!
//! The portable C code, or that for NEON: the code for AVX2 does not check that z of a signature is
//! short (FIPS 204, Algorithm 8, line 13), and rounds wrongly where a hint meets a multiple of 2γ2
//! (pq-crystals/dilithium, issue 113 and commit bba9534), so the workspace leaves it out.
//!
//! Keys are generated and read in the expanded form alone; the crate does not take seeds. That
//! form lacks the public key, which the crate cannot compute: see `ml_dsa/expanded.rs`.

mod expanded;

use ::ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use pqcrypto_mldsa::{mldsa44, mldsa65, mldsa87};
use pqcrypto_traits::sign::DetachedSignature as _;
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Plugin;

use crate::signature::{PqClean, Set};

/// Implements one set over its module, with the same set in the crate `ml-dsa`.
macro_rules! set {
    ($set:ident, $module:ident, $parameters:ident) => {
        struct $set;

        impl Set for $set {
            type PublicKey = $module::PublicKey;
            type SecretKey = $module::SecretKey;
            const SIGNATURE: usize = $module::signature_bytes();
            const CONTEXT: bool = true;

            fn generate() -> (Self::PublicKey, Self::SecretKey) {
                $module::keypair()
            }

            fn sign(message: &[u8], context: &[u8], key: &Self::SecretKey) -> Vec<u8> {
                let signature = $module::detached_sign_ctx(message, context, key);
                signature.as_bytes().to_vec()
            }

            fn verify(
                signature: &[u8],
                message: &[u8],
                context: &[u8],
                key: &Self::PublicKey,
            ) -> bool {
                $module::DetachedSignature::from_bytes(signature).is_ok_and(|signature| {
                    let verdict =
                        $module::verify_detached_signature_ctx(&signature, message, context, key);
                    verdict.is_ok()
                })
            }

            fn public_key(secret: &[u8]) -> Option<Vec<u8>> {
                expanded::public_key::<$parameters>(secret)
            }
        }
    };
}

set!(Level44, mldsa44, MlDsa44);
set!(Level65, mldsa65, MlDsa65);
set!(Level87, mldsa87, MlDsa87);

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .signature("ML-DSA-44", provider(), PqClean::<Level44>::new())
        .signature("ML-DSA-65", provider(), PqClean::<Level65>::new())
        .signature("ML-DSA-87", provider(), PqClean::<Level87>::new())
}

fn provider() -> ProviderInfo {
    let timing = "rejected signing attempts show, as FIPS 204 allows";
    super::provider("pqcrypto-mldsa 0.1.2", timing).native_context()
}
