//! Chance for tests: the same in every run, so that a failure can be had again.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// Numbers that look random and that anybody can foresee: SplitMix64 (Steele, Lea and Flood, 2014).
/// For tests, and never for a key.
pub struct InsecureChance(u64);

impl InsecureChance {
    /// Begins with a seed; one seed gives the same numbers for ever.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl TryRng for InsecureChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for InsecureChance {}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    /// The numbers that Rosetta Code publishes for the seed 1234567.
    #[test]
    fn it_is_split_mix_64() {
        let mut chance = InsecureChance::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| chance.next_u64()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, published);
    }
}
