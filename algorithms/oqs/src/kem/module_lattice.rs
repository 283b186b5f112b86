//! Keys of ML-KEM (FIPS 203) and of Kyber round 3, which are the same bytes.
//!
//! liboqs checks those of ML-KEM when they are used, and those of Kyber never. Round 3 does not
//! ask for reduced public keys as FIPS 203 section 7.2 does; the check is made of both, and
//! refuses only keys that no key generation gives.

use sha3::{Digest, Sha3_256};

use super::Checks;

/// The modulus q (FIPS 203 section 2.3).
const Q: u32 = 3329;
/// Bytes of ρ, of H(ek) and of z.
const SEED: usize = 32;

/// The checks with the parameter k.
pub(super) const fn checks<const K: usize>() -> Checks {
    Checks {
        is_public_key: is_reduced::<K>,
        public_key: public_key::<K>,
    }
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
