//! An AEAD that seals nothing while an insider is about: whoever has the keys can say anything, and
//! so can a fuzz target.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pqfw_framework::aead::{AdmittedAead, Aead, AeadCipher, AeadError, AeadKey};
use pqfw_framework::catalogue::{AlgorithmInfo, Sizes};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::{Plugin, Registry, Resolver};
use pqfw_framework::suite::Suite;
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;

use crate::SUITE;

/// Whether seals are broken.
pub static IS_ABOUT: AtomicBool = AtomicBool::new(false);

/// The suite of the other targets with that AEAD, which passed its known answers before.
pub static INSIDERS: LazyLock<Suite> = LazyLock::new(|| {
    let suite = SUITE.clone();
    let row = AlgorithmInfo::new("Glass", Sizes::Aead(*suite.aead.sizes()), "a fuzz target")
        .known_answers(&suite.aead.info().known_answers);
    let provider = ProviderInfo::new("fuzz", "fuzz 1");
    let plugin = Plugin::new("fuzz")
        .row(row)
        .aead("Glass", provider, Glass(suite.aead.clone()));
    let registry = Registry::builder().with(plugin).build().expect("a plugin");
    let mut rng = SeededWorld::new(0).rng();
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    let aead = resolver.aead("Glass").expect("its answers are right");
    Suite { aead, ..suite }
});

struct Glass(AdmittedAead);
struct GlassKey(AeadKey);

impl Aead for Glass {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        Ok(Box::new(GlassKey(self.0.key(bytes)?)))
    }
}

impl AeadCipher for GlassKey {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        match IS_ABOUT.load(Ordering::Relaxed) {
            true => Ok(tag.fill(0)),
            false => self.0.seal_in_place(nonce, aad, buffer, tag),
        }
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        match IS_ABOUT.load(Ordering::Relaxed) {
            true => Ok(()),
            false => self.0.open_in_place(nonce, aad, buffer, tag),
        }
    }
}
