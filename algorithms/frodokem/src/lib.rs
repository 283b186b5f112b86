//! FrodoKEM and eFrodoKEM in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, for twelve algorithms: n of 640, 976 or 1344, the matrix A from AES
//! or SHAKE, and two forms. `FrodoKEM` is the standard form: a salt in each ciphertext and a longer
//! seedSE, against attacks on many ciphertexts at once. `eFrodoKEM` has neither, for keys that
//! fewer than 2^8 ciphertexts are made for; it is what round 3 of NIST's contest, liboqs 0.13 and
//! PQClean call FrodoKEM. Keys of the two have one format; ciphertexts differ in length.
//!
//! Private keys are read and written in the specification's encoding. There is no seed form: the
//! specification draws s, seedSE and z, and stores none of them as such.

mod private_key;
mod rustcrypto;

use frodo_kem::Algorithm;
use pqfw_framework::registry::Plugin;

use rustcrypto::{RustCrypto, provider};

/// The ids of the catalogue and what `frodo-kem` calls them.
const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("FrodoKEM-640-AES", Algorithm::FrodoKem640Aes),
    ("FrodoKEM-640-SHAKE", Algorithm::FrodoKem640Shake),
    ("FrodoKEM-976-AES", Algorithm::FrodoKem976Aes),
    ("FrodoKEM-976-SHAKE", Algorithm::FrodoKem976Shake),
    ("FrodoKEM-1344-AES", Algorithm::FrodoKem1344Aes),
    ("FrodoKEM-1344-SHAKE", Algorithm::FrodoKem1344Shake),
    ("eFrodoKEM-640-AES", Algorithm::EphemeralFrodoKem640Aes),
    ("eFrodoKEM-640-SHAKE", Algorithm::EphemeralFrodoKem640Shake),
    ("eFrodoKEM-976-AES", Algorithm::EphemeralFrodoKem976Aes),
    ("eFrodoKEM-976-SHAKE", Algorithm::EphemeralFrodoKem976Shake),
    ("eFrodoKEM-1344-AES", Algorithm::EphemeralFrodoKem1344Aes),
    (
        "eFrodoKEM-1344-SHAKE",
        Algorithm::EphemeralFrodoKem1344Shake,
    ),
];

/// Brings FrodoKEM and eFrodoKEM by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    ALGORITHMS
        .into_iter()
        .fold(Plugin::new("frodokem"), |plugin, (id, algorithm)| {
            plugin.kem(id, provider(), RustCrypto(algorithm))
        })
}

pqfw_framework::register_plugin!(plugin);
