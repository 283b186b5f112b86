//! A generator that hands out given bytes.

use rand_core::{Infallible, TryCryptoRng, TryRng};

/// Hands out the bytes of a vector, and counts what is asked for.
///
/// Beyond its script it goes on with a sequence that does not repeat, because code that rejects
/// and draws again would never end with a constant one.
pub(super) struct Scripted<'a> {
    script: &'a [u8],
    drawn: usize,
    beyond: u64,
}

impl<'a> Scripted<'a> {
    pub(super) fn new(script: &'a [u8]) -> Self {
        Self {
            script,
            drawn: 0,
            beyond: 0,
        }
    }

    /// The bytes that were asked for.
    pub(super) fn drawn(&self) -> usize {
        self.drawn
    }

    fn byte(&mut self) -> u8 {
        let scripted = self.script.get(self.drawn).copied();
        self.drawn = self.drawn.saturating_add(1);
        scripted.unwrap_or_else(|| {
            self.beyond = self.beyond.wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.beyond.wrapping_mul(self.beyond | 1).to_be_bytes()[0]
        })
    }
}

impl TryRng for Scripted<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes([(); 4].map(|()| self.byte())))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes([(); 8].map(|()| self.byte())))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.byte());
        Ok(())
    }
}

/// It is a generator for keys as far as the type goes; the keys are a vector's.
impl TryCryptoRng for Scripted<'_> {}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    #[test]
    fn the_script_comes_first_and_everything_is_counted() {
        let mut rng = Scripted::new(&[1, 2, 3, 4, 5]);
        let mut bytes = [0; 3];
        rng.fill_bytes(&mut bytes);
        assert_eq!((bytes, rng.drawn()), ([1, 2, 3], 3));
        assert_eq!(rng.next_u32() & 0xffff, 0x0504);
        assert_eq!(rng.drawn(), 7);
    }

    #[test]
    fn what_comes_after_the_script_is_not_constant() {
        let mut rng = Scripted::new(&[]);
        let mut bytes = [0; 64];
        rng.fill_bytes(&mut bytes);
        bytes.sort_unstable();
        assert!(bytes.windows(2).filter(|pair| pair[0] != pair[1]).count() > 30);
    }
}
