//! The generator of NIST's known answers, in the place of liboqs's own.
//!
//! CTR_DRBG of SP 800-90A section 10.2.1 with AES-256, no derivation function and no
//! personalisation, seeded once and never reseeded: what the submissions' `rng.c` does.
#![expect(unsafe_code, reason = "liboqs calls back with a pointer and a length")]

use std::slice;
use std::sync::Mutex;

use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, KeyInit};
use oqs::ffi::rand::OQS_randombytes_custom_algorithm;

/// Bytes of a seed: a key and a block.
pub(crate) const SEED: usize = 48;

static CURRENT: Mutex<Drbg> = Mutex::new(Drbg { key: [0; 32], v: 0 });

/// Makes liboqs draw from the generator seeded with `seed`, from here on and in every thread.
pub(crate) fn install(seed: &[u8; SEED]) {
    *CURRENT.lock().unwrap() = Drbg::new(seed);
    // SAFETY: `fill` has the signature that liboqs asks for, and lives as long as the program.
    unsafe { OQS_randombytes_custom_algorithm(Some(fill)) };
}

/// Gives liboqs its random bytes.
///
/// # Safety
/// `output` points to `length` bytes that may be written.
unsafe extern "C" fn fill(output: *mut u8, length: usize) {
    // SAFETY: liboqs keeps the contract above; it calls for its own buffers.
    let output = unsafe { slice::from_raw_parts_mut(output, length) };
    CURRENT.lock().unwrap().fill(output);
}

#[derive(Clone)]
pub(crate) struct Drbg {
    key: [u8; 32],
    /// The counter block, big-endian.
    v: u128,
}

impl Drbg {
    pub(crate) fn new(seed: &[u8; SEED]) -> Self {
        let mut drbg = Self { key: [0; 32], v: 0 };
        drbg.update(seed);
        drbg
    }

    /// Generates, with the update that follows each request.
    pub(crate) fn fill(&mut self, output: &mut [u8]) {
        for chunk in output.chunks_mut(16) {
            chunk.copy_from_slice(&self.block()[..chunk.len()]);
        }
        self.update(&[0; SEED]);
    }

    fn block(&mut self) -> [u8; 16] {
        self.v = self.v.wrapping_add(1);
        let mut block = self.v.to_be_bytes().into();
        Aes256::new(&self.key.into()).encrypt_block(&mut block);
        block.into()
    }

    fn update(&mut self, provided: &[u8; SEED]) {
        let mut fresh = [self.block(), self.block(), self.block()].concat();
        fresh
            .iter_mut()
            .zip(provided)
            .for_each(|(byte, other)| *byte ^= other);
        self.key.copy_from_slice(&fresh[..32]);
        self.v = u128::from_be_bytes(fresh[32..].try_into().unwrap());
    }
}
