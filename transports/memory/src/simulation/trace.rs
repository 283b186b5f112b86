//! A fingerprint of everything that arrived: equal runs have equal ones.

use std::time::Duration;

use super::Arrival;

/// FNV-1a, 64 bits, over every arrival: fast, and nobody wants to forge it.
pub(super) struct Trace(u64);

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Trace {
    pub(super) fn new() -> Self {
        Self(BASIS)
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.0
    }

    /// Takes an arrival in.
    pub(super) fn take(&mut self, clock: Duration, to: usize, arrival: &Arrival) {
        let (kind, from, bytes) = match arrival {
            Arrival::Datagram { from, bytes } => (1, from, &**bytes),
            Arrival::Bytes { from, bytes } => (2, from, &**bytes),
            Arrival::End { from } => (3, from, &[][..]),
            Arrival::Broken { from } => (4, from, &[][..]),
        };
        let head = [clock.as_nanos(), kind, to as u128, *from as u128];
        let head = head.iter().flat_map(|number| number.to_be_bytes());
        for byte in head.chain(bytes.iter().copied()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
}
