//! Keys of ML-KEM (FIPS 203) and of Kyber round 3, which are the same bytes.
//!
//! liboqs checks those of ML-KEM when they are used, and those of Kyber never. Round 3 does not
//! ask for reduced public keys as FIPS 203 section 7.2 does; the check is made of both, and
//! refuses only keys that no key generation gives.

use oqs::kem::Algorithm;
use pqfw_framework::registry::Plugin;
use sha3::{Digest, Sha3_256};

use super::{Checks, Liboqs};
use crate::claimed;

/// The modulus q (FIPS 203 section 2.3).
const Q: u32 = 3329;
/// Bytes of ρ, of H(ek) and of z.
const SEED: usize = 32;

pub(super) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kem("ML-KEM-512", claimed(), code::<2>(Algorithm::MlKem512))
        .kem("ML-KEM-768", claimed(), code::<3>(Algorithm::MlKem768))
        .kem("ML-KEM-1024", claimed(), code::<4>(Algorithm::MlKem1024))
        .kem("Kyber-512", claimed(), code::<2>(Algorithm::Kyber512))
        .kem("Kyber-768", claimed(), code::<3>(Algorithm::Kyber768))
        .kem("Kyber-1024", claimed(), code::<4>(Algorithm::Kyber1024))
}

/// With the parameter k.
fn code<const K: usize>(algorithm: Algorithm) -> Liboqs {
    let checks = Checks {
        is_public_key: is_reduced::<K>,
        public_key: public_key::<K>,
    };
    Liboqs::new(algorithm, checks)
}

/// FIPS 203 section 7.2: twice twelve bits in three bytes, little-endian, each below q.
fn is_reduced<const K: usize>(ek: &[u8]) -> bool {
    let Some(packed) = ek.get(..384 * K) else {
        return false;
    };
    let mut pairs = packed.as_chunks::<3>().0.iter();
    pairs.all(|&[low, middle, high]| {
        let pair = u32::from_le_bytes([low, middle, high, 0]);
        pair & 0xfff < Q && pair >> 12 < Q
    })
}

/// Finds ek in dk_PKE ‖ ek ‖ H(ek) ‖ z and checks its hash (FIPS 203 section 7.3) and its modulus.
/// All that is looked at is public.
fn public_key<const K: usize>(dk: &[u8]) -> Option<&[u8]> {
    let ek = dk.get(384 * K..768 * K + SEED)?;
    let hash = dk.get(768 * K + SEED..768 * K + 2 * SEED)?;
    let intact = Sha3_256::digest(ek).as_slice() == hash;
    (intact && is_reduced::<K>(ek)).then_some(ek)
}
