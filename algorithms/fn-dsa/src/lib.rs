//! FN-DSA, what FIPS 206 is to make of Falcon, in pure Rust, for pqfw.
//!
//! One provider, `fn-dsa`, for FN-DSA-512 and FN-DSA-1024: the crate `fn-dsa` by Thomas Pornin,
//! one of Falcon's authors. **There is no draft of FIPS 206 yet.** Version 0.4 is what its author
//! expects of it, and says that a later version will not read its keys or verify its signatures:
//! so the rows are experimental, and nothing here should be kept.
//!
//! It takes contexts of up to 255 bytes and signs messages, not hashes: the pre-hashed variants of
//! the crate are not offered. Signatures have one length. Private keys have one form, that of the
//! crate, and no seed.
//!
//! Falcon, round 3, is another algorithm. It signs a salted message without the public key or a
//! context, writes integers from the other end, and its public keys are polynomials where these
//! are their transforms: nothing of the one can be read by the other.

mod adapter;
mod degree;
mod encoding;
mod random;
mod validity;

use pqfw_framework::registry::Plugin;

use adapter::{FnDsa, provider};
use degree::{Degree512, Degree1024};

/// Brings FN-DSA by the provider `fn-dsa`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("fn-dsa")
        .signature("FN-DSA-512", provider(), FnDsa::<Degree512>::new())
        .signature("FN-DSA-1024", provider(), FnDsa::<Degree1024>::new())
}

pqfw_framework::register_plugin!(plugin);
