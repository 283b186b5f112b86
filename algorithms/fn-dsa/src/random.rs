//! The caller's generator, as the crate wants it: by the traits of `rand_core` 0.6.

use fn_dsa::{RngCore, RngError};
use pqfw_framework::rand_core::CryptoRng;

/// Hands every request on.
pub(crate) struct Random<'a>(pub(crate) &'a mut dyn CryptoRng);

impl fn_dsa::CryptoRng for Random<'_> {}

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RngError> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}
