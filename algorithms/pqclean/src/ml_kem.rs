//! ML-KEM, FIPS 203, in the expanded form: the crate does not take seeds.
//!
//! PQClean checks neither keys nor, beyond their length, ciphertexts. So the checks of FIPS 203
//! sections 7.2 and 7.3 are made here when a key is imported.
//!
//! On aarch64 its ML-KEM-768 does not free a hash state of some 200 bytes in each operation
//! (PQClean, pull request 595, which was never merged).

use pqcrypto_mlkem::{mlkem512, mlkem768, mlkem1024};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Plugin;
use sha3::{Digest, Sha3_256};

use crate::kem::{PqClean, set};

/// The modulus q (FIPS 203 section 2.3).
const Q: u16 = 3329;
/// Bytes of a packed polynomial (FIPS 203, Algorithm 5 with d = 12).
const POLYNOMIAL: usize = 384;
/// Bytes of the seed ρ, and of H(ek) and z.
const SEED: usize = 32;

set!(Level512, mlkem512, is_reduced::<2>, public_key::<2>);
set!(Level768, mlkem768, is_reduced::<3>, public_key::<3>);
set!(Level1024, mlkem1024, is_reduced::<4>, public_key::<4>);

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kem("ML-KEM-512", provider(), PqClean::<Level512>::new())
        .kem("ML-KEM-768", provider(), PqClean::<Level768>::new())
        .kem("ML-KEM-1024", provider(), PqClean::<Level1024>::new())
}

fn provider() -> ProviderInfo {
    let timing = "its ML-KEM compares and selects by masks";
    super::provider("pqcrypto-mlkem 0.1.1", timing)
}

/// FIPS 203 section 7.2, the modulus check, with the parameter k.
fn is_reduced<const K: usize>(ek: &[u8]) -> bool {
    let Some((polynomials, _)) = ek.split_at_checked(POLYNOMIAL * K) else {
        return false;
    };
    polynomials.as_chunks::<3>().0.iter().all(|&[a, b, c]| {
        let [a, b, c] = [a, b, c].map(u16::from);
        a + 256 * (b % 16) < Q && b / 16 + 16 * c < Q
    })
}

/// Finds ek in dk_PKE ‖ ek ‖ H(ek) ‖ z (FIPS 203, Algorithm 16), with the hash check of section
/// 7.3 and the modulus check. Everything looked at is public.
fn public_key<const K: usize>(dk: &[u8]) -> Option<&[u8]> {
    let (_, rest) = dk.split_at_checked(POLYNOMIAL * K)?;
    let (ek, rest) = rest.split_at_checked(POLYNOMIAL * K + SEED)?;
    let (hash, z) = rest.split_at_checked(SEED)?;
    let intact = z.len() == SEED && Sha3_256::digest(ek).as_slice() == hash;
    (intact && is_reduced::<K>(ek)).then_some(ek)
}
