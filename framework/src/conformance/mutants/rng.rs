//! Bad sources of randomness, for mutants that have one.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::conformance::Tools;

/// A generator that gives what a function gives for each block of 32 bytes.
pub(super) struct Blocks<F> {
    block: F,
    left: Vec<u8>,
    number: u64,
}

impl<F: FnMut(u64) -> Vec<u8>> Blocks<F> {
    pub(super) fn new(block: F) -> Self {
        Self {
            block,
            left: Vec::new(),
            number: 0,
        }
    }
}

/// The same bytes for everybody.
pub(super) fn constant() -> Blocks<impl FnMut(u64) -> Vec<u8>> {
    // Not one byte for all, which might be no scalar.
    Blocks::new(|number| number.to_le_bytes().map(|byte| byte ^ 0x5a).repeat(4))
}

/// A good stretch of a seed that may be bad.
pub(super) fn stretched(tools: &Tools, seed: Vec<u8>) -> Blocks<impl FnMut(u64) -> Vec<u8>> {
    let tools = tools.clone();
    Blocks::new(move |number| {
        let block = tools.shake256(&[&seed, &number.to_le_bytes()]);
        block.unwrap_or_else(|| vec![0; 32])
    })
}

impl<F: FnMut(u64) -> Vec<u8>> TryRng for Blocks<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, output: &mut [u8]) -> Result<(), Infallible> {
        for byte in output {
            if self.left.is_empty() {
                self.left = (self.block)(self.number);
                self.number += 1;
            }
            *byte = self.left.pop().unwrap_or_default();
        }
        Ok(())
    }
}

impl<F: FnMut(u64) -> Vec<u8>> TryCryptoRng for Blocks<F> {}
