//! Keys of eFrodoKEM: FrodoKEM as it was submitted to round 3 of the NIST process, without the
//! salt of the standard form. A key must serve for few encapsulations.
//!
//! ```text
//!  private key:  s │ pk │ Sᵀ │ pkh        s and pkh as long as a shared secret
//! ```
//!
//! The submission asks for no check. That pkh is the hash of pk finds a key that was damaged there
//! or cut together wrongly. Every string of the right length is a public key: a seed and a matrix
//! of integers modulo 2^15 or 2^16, packed without gaps.

use oqs::kem::Algorithm;
use pqfw_framework::registry::Plugin;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Shake128, Shake256};

use super::{Checks, Liboqs};
use crate::claimed;

pub(super) fn offer(plugin: Plugin) -> Plugin {
    let sets = [
        ("640-AES", Algorithm::FrodoKem640Aes, CHECKS_640),
        ("640-SHAKE", Algorithm::FrodoKem640Shake, CHECKS_640),
        ("976-AES", Algorithm::FrodoKem976Aes, CHECKS_976),
        ("976-SHAKE", Algorithm::FrodoKem976Shake, CHECKS_976),
        ("1344-AES", Algorithm::FrodoKem1344Aes, CHECKS_1344),
        ("1344-SHAKE", Algorithm::FrodoKem1344Shake, CHECKS_1344),
    ];
    sets.into_iter()
        .fold(plugin, |plugin, (set, algorithm, checks)| {
            let id = format!("eFrodoKEM-{set}");
            plugin.kem(&id, claimed(), Liboqs::new(algorithm, checks))
        })
}

const CHECKS_640: Checks = Checks {
    is_public_key: |_| true,
    public_key: |secret| public_key::<Shake128>(secret, 16, 9616),
};

const CHECKS_976: Checks = Checks {
    is_public_key: |_| true,
    public_key: |secret| public_key::<Shake256>(secret, 24, 15_632),
};

const CHECKS_1344: Checks = Checks {
    is_public_key: |_| true,
    public_key: |secret| public_key::<Shake256>(secret, 32, 21_520),
};

/// Finds pk, by the length of s and its own. Both sides of the comparison are public.
fn public_key<H: Default + ExtendableOutput + Update>(
    secret: &[u8],
    short: usize,
    public: usize,
) -> Option<&[u8]> {
    let public = secret.get(short..short + public)?;
    let pkh = secret.get(secret.len().checked_sub(short)?..)?;
    let mut expected = vec![0; short];
    let mut hash = H::default();
    hash.update(public);
    hash.finalize_xof().read(&mut expected);
    (expected == pkh).then_some(public)
}
