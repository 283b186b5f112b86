//! eFrodoKEM: FrodoKEM as it was submitted to round 3 of the NIST process, and as liboqs has it,
//! without the salt that the standard form adds. A key must serve for few encapsulations.
//!
//! The crate's code is PQClean's optimised C, without special instructions: with AES it is many
//! times slower than a library that has them.

use pqcrypto_frodo::{
    frodokem640aes, frodokem640shake, frodokem976aes, frodokem976shake, frodokem1344aes,
    frodokem1344shake,
};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Plugin;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Shake128, Shake256};

use crate::kem::{PqClean, set};

// A public key is a seed and a matrix of integers modulo 2^15 or 2^16, packed without gaps: every
// string of the right length is one.
set!(Aes640, frodokem640aes, any, public_key_640);
set!(Shake640, frodokem640shake, any, public_key_640);
set!(Aes976, frodokem976aes, any, public_key_976);
set!(Shake976, frodokem976shake, any, public_key_976);
set!(Aes1344, frodokem1344aes, any, public_key_1344);
set!(Shake1344, frodokem1344shake, any, public_key_1344);

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kem("eFrodoKEM-640-AES", provider(), PqClean::<Aes640>::new())
        .kem(
            "eFrodoKEM-640-SHAKE",
            provider(),
            PqClean::<Shake640>::new(),
        )
        .kem("eFrodoKEM-976-AES", provider(), PqClean::<Aes976>::new())
        .kem(
            "eFrodoKEM-976-SHAKE",
            provider(),
            PqClean::<Shake976>::new(),
        )
        .kem("eFrodoKEM-1344-AES", provider(), PqClean::<Aes1344>::new())
        .kem(
            "eFrodoKEM-1344-SHAKE",
            provider(),
            PqClean::<Shake1344>::new(),
        )
}

fn provider() -> ProviderInfo {
    let timing = "its FrodoKEM compares and selects by masks, and its AES is bitsliced";
    super::provider("pqcrypto-frodo 0.4.11", timing)
}

fn any(_: &[u8]) -> bool {
    true
}

fn public_key_640(secret: &[u8]) -> Option<&[u8]> {
    public_key::<Shake128>(secret, 16, frodokem640aes::public_key_bytes(), 640)
}

fn public_key_976(secret: &[u8]) -> Option<&[u8]> {
    public_key::<Shake256>(secret, 24, frodokem976aes::public_key_bytes(), 976)
}

fn public_key_1344(secret: &[u8]) -> Option<&[u8]> {
    public_key::<Shake256>(secret, 32, frodokem1344aes::public_key_bytes(), 1344)
}

/// Finds pk in s ‖ pk ‖ Sᵀ ‖ pkh, where pkh is the hash of pk, of the length of s. The submission
/// asks for no check; this one finds a key that was damaged or cut together wrongly.
fn public_key<H: Default + ExtendableOutput + Update>(
    secret: &[u8],
    short: usize,
    public: usize,
    n: usize,
) -> Option<&[u8]> {
    let (_, rest) = secret.split_at_checked(short)?;
    let (public, rest) = rest.split_at_checked(public)?;
    // Eight columns of n coefficients in 16 bits.
    let (_, pkh) = rest.split_at_checked(8 * n * 2)?;
    let mut hash = vec![0; short];
    let mut state = H::default();
    state.update(public);
    state.finalize_xof().read(&mut hash);
    // Both are public.
    (hash == pkh).then_some(public)
}
