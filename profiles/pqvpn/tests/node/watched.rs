//! An AEAD that keeps count of keys and nonces, with limits of the test's choosing, and that fails
//! when it is told to.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pqfw_framework::aead::{AdmittedAead, Aead, AeadCipher, AeadError, AeadKey};
use pqfw_framework::catalogue::{AlgorithmInfo, Sizes};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::{Plugin, Registry, Resolver};
use pqfw_framework::suite::Suite;
use pqfw_pqvpn::Suites;

use crate::people::{rng, suite};

/// What was sealed with which key under which nonce, and how often one pair came again.
#[derive(Default)]
pub(crate) struct Count {
    seen: Mutex<(BTreeSet<KeyAndNonce>, usize)>,
    /// Whether the provider's code refuses to work.
    pub(crate) fails: AtomicBool,
}

type KeyAndNonce = (Vec<u8>, Vec<u8>);

impl Count {
    /// How many messages were sealed, and how often a nonce came again under its key.
    pub(crate) fn sealed_and_again(&self) -> (usize, usize) {
        let seen = self.seen.lock().unwrap();
        (seen.0.len(), seen.1)
    }

    fn check(&self) -> Result<(), AeadError> {
        match self.fails.load(Ordering::Relaxed) {
            true => Err(AeadError::ProviderFailed),
            false => Ok(()),
        }
    }
}

struct Watched(AdmittedAead, Arc<Count>);

struct WatchedKey(AeadKey, Vec<u8>, Arc<Count>);

impl Aead for Watched {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        self.1.check()?;
        let key = WatchedKey(self.0.key(bytes)?, bytes.to_vec(), self.1.clone());
        Ok(Box::new(key))
    }
}

impl AeadCipher for WatchedKey {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        self.2.check()?;
        let mut seen = self.2.seen.lock().unwrap();
        let new = seen.0.insert((self.1.clone(), nonce.to_vec()));
        seen.1 += usize::from(!new);
        self.0.seal_in_place(nonce, aad, buffer, tag)
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        self.2.check()?;
        self.0.open_in_place(nonce, aad, buffer, tag)
    }
}

/// A suite with a watched AEAD, whose keys may fail to open and may seal so many messages.
pub(crate) fn watched_suite(
    name: &str,
    failed_opens: u64,
    sealed_messages: u64,
) -> (Suite, Arc<Count>) {
    let suite = suite(name);
    let mut sizes = *suite.aead.sizes();
    sizes.limits.failed_opens = failed_opens;
    sizes.limits.sealed_messages = sealed_messages;
    let row = AlgorithmInfo::new("Watched", Sizes::Aead(sizes), "a test")
        .known_answers(&suite.aead.info().known_answers);
    let count = Arc::new(Count::default());
    let code = Watched(suite.aead.clone(), count.clone());
    let provider = ProviderInfo::new("test", "test 1");
    let plugin = Plugin::new("test").row(row).aead("Watched", provider, code);
    let registry = Registry::builder().with(plugin).build().unwrap();
    let mut rng = rng(0);
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    let aead = resolver.aead("Watched").unwrap();
    // The gate measures with the same nonce more than once.
    *count.seen.lock().unwrap() = Default::default();
    (Suite { aead, ..suite }, count)
}

/// The same as the only suite of a node.
pub(crate) fn watched(name: &str, failed_opens: u64) -> (Suites, Arc<Count>) {
    let (suite, count) = watched_suite(name, failed_opens, 1 << 32);
    (Suites::new(vec![suite]).unwrap(), count)
}
