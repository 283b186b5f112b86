//! Hybrids that have a name and bytes of their own, for pqfw.
//!
//! - `X-Wing` (draft-connolly-cfrg-xwing-kem-10): ML-KEM-768 with X25519, a KEM.
//! - Composite ML-DSA (draft-ietf-lamps-pq-composite-sigs-19): ML-DSA with Ed25519 or with ECDSA,
//!   signatures. Six of the draft's eighteen: those with RSA, Ed448, P-521 and the brainpool curves
//!   are not offered.
//!
//! One provider, `rustcrypto`, built on the crates of the parts. Both documents are drafts, which
//! may change their bytes; each row of the catalogue says which draft it is.
//!
//! These are single algorithms, and not the framework's own hybrids (`Ed25519+ML-DSA-65`), which
//! combine any algorithms with any providers and have other bytes.

mod ecdsa;
mod ed25519;
mod lattice;
mod representative;
mod sets;
mod signature;
mod traditional;
mod x_wing;

use pqfw_framework::registry::Plugin;

use sets::{
    MlDsa44EcdsaP256, MlDsa44Ed25519, MlDsa65EcdsaP256, MlDsa65EcdsaP384, MlDsa65Ed25519,
    MlDsa87EcdsaP384, Set,
};
use signature::Composite;

/// Brings X-Wing and composite ML-DSA by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    let plugin = Plugin::new("composite").kem("X-Wing", x_wing::provider(), x_wing::XWing);
    let plugin = with::<MlDsa44Ed25519>(plugin);
    let plugin = with::<MlDsa44EcdsaP256>(plugin);
    let plugin = with::<MlDsa65EcdsaP256>(plugin);
    let plugin = with::<MlDsa65EcdsaP384>(plugin);
    let plugin = with::<MlDsa65Ed25519>(plugin);
    with::<MlDsa87EcdsaP384>(plugin)
}

fn with<S: Set>(plugin: Plugin) -> Plugin {
    plugin.signature(S::ID, signature::provider::<S>(), Composite::<S>::new())
}

pqfw_framework::register_plugin!(plugin);
