//! The providers of each algorithm agree with each other: every ordered triple of key maker,
//! encapsulator or signer, decapsulator or verifier, as a property over seeds.
//!
//! With `--all-features` the triples are over every provider that pqfw can be built with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

use std::cell::RefCell;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::Kind;
use pqfw_framework::hash::{Hash, HashState};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::agreement::{Agreement, Disagreement, agree};
use pqfw_framework::registry::{Code, Entry, Plugin, Registry};
use pqfw_framework::secret::SecretForm;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Cases of the property for each kind; one for algorithms whose row says that they are slow.
const CASES: u32 = 12;

/// Runs the property on every algorithm of `kind` and returns what cannot be combined.
fn all_agree(kind: Kind) -> Vec<String> {
    let registry = pqfw::registry().build().unwrap();
    let rows: Vec<_> = registry.rows().filter(|row| row.kind() == kind).collect();
    let mut impossible = Vec::new();
    for row in rows {
        let entries: Vec<&Entry> = registry.entries_of(&row.id).iter().collect();
        if entries.is_empty() {
            continue;
        }
        let cases = if row.slow { 1 } else { CASES };
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let last = RefCell::new(Agreement::default());
        let outcome = TestRunner::new(config).run(&any::<u64>(), |seed| {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let agreement = agree(&entries, &mut rng)
                .map_err(|disagreement| TestCaseError::fail(disagreement.to_string()))?;
            prop_assert!(agreement.agreed >= entries.len(), "{agreement:?}");
            *last.borrow_mut() = agreement;
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", row.id));
        let agreement = last.into_inner();
        let count = entries.len();
        if agreement.impossible.is_empty() && matches!(kind, Kind::Kem | Kind::Signature) {
            assert_eq!(agreement.agreed, count.pow(3), "{}", row.id);
        }
        let reasons = agreement.impossible.into_iter();
        impossible.extend(reasons.map(|reason| format!("{}: {reason}", row.id)));
    }
    impossible
}

#[test]
fn kems_agree_in_every_triple_and_on_forged_ciphertexts() {
    assert_eq!(all_agree(Kind::Kem), Vec::<String>::new());
}

#[test]
fn signatures_agree_in_every_triple() {
    assert_eq!(all_agree(Kind::Signature), Vec::<String>::new());
}

#[test]
fn aeads_agree_in_every_pair() {
    assert_eq!(all_agree(Kind::Aead), Vec::<String>::new());
}

#[test]
fn kdfs_and_hashes_agree() {
    assert_eq!(all_agree(Kind::Kdf), Vec::<String>::new());
    assert_eq!(all_agree(Kind::Hash), Vec::<String>::new());
}

/// A provider that agrees with a good one on ciphertexts of even parity.
struct Whimsical(std::sync::Arc<dyn Kem>);

struct WhimsicalKey(Box<dyn Decapsulate>);

impl Kem for Whimsical {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(WhimsicalKey(self.0.generate(rng)?)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        self.0.import_encapsulation_key(bytes)
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(WhimsicalKey(
            self.0.import_decapsulation_key(form)?,
        )))
    }
}

impl Decapsulate for WhimsicalKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.0.encapsulation_key()
    }

    fn export(
        &self,
        kind: pqfw_framework::secret::SecretKind,
    ) -> Result<pqfw_framework::secret::SecretBytes, KemError> {
        self.0.export(kind)
    }

    fn decapsulate(&self, ciphertext: &[u8], secret: &mut [u8]) -> Result<(), KemError> {
        self.0.decapsulate(ciphertext, secret)?;
        let parity = ciphertext
            .iter()
            .fold(0, |sum, byte| sum ^ (byte.count_ones() % 2));
        if parity == 1 {
            secret[0] ^= 1;
        }
        Ok(())
    }
}

#[test]
fn a_provider_that_does_not_agree_is_named() {
    let good = pqfw::registry().build().unwrap();
    let base = good.entries_of("ML-KEM-768");
    let Code::Kem(kem) = base.first().unwrap().code() else {
        panic!("ML-KEM-768 is a KEM")
    };
    let plugin = Plugin::new("other").kem(
        "ML-KEM-768",
        ProviderInfo::new("other", "other 1"),
        Whimsical(kem.clone()),
    );
    let registry = Registry::builder()
        .with(pqfw_ml_kem::plugin())
        .with(plugin)
        .build()
        .unwrap();
    let entries: Vec<_> = registry.entries_of("ML-KEM-768").iter().collect();
    // A forgery differs by one bit, so that it or its original has odd parity.
    let error: Disagreement = agree(&entries, &mut ChaCha20Rng::seed_from_u64(1)).unwrap_err();
    assert_eq!(error.algorithm, "ML-KEM-768");
    assert!(error.combination.contains("other"), "{error}");
}

/// A hash of nothing but the length.
struct OnlyLength;

struct Seen(Vec<u8>);

impl Hash for OnlyLength {
    fn start(&self) -> Box<dyn HashState> {
        Box::new(Seen(Vec::new()))
    }
}

impl HashState for Seen {
    fn update(&mut self, input: &[u8]) {
        self.0.extend_from_slice(input);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>, output: &mut [u8]) {
        output.fill(u8::try_from(self.0.len() % 251).unwrap());
    }
}

#[test]
fn a_hash_that_differs_is_named() {
    let registry = Registry::builder()
        .with(pqfw_hash::plugin())
        .with(Plugin::new("other").hash(
            "SHA-256",
            ProviderInfo::new("other", "other 1"),
            OnlyLength,
        ))
        .build()
        .unwrap();
    let entries: Vec<_> = registry.entries_of("SHA-256").iter().collect();
    let error = agree(&entries, &mut ChaCha20Rng::seed_from_u64(1)).unwrap_err();
    assert_eq!(error.what, "the output differs");
}

#[test]
fn nobody_disagrees_with_nobody() {
    let nobody: [&Entry; 0] = [];
    let agreement = agree(&nobody, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    assert_eq!(agreement.agreed, 0);
}
