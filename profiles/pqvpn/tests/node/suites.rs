//! Suites, identities and configurations that make no node.

use std::time::Duration;

use pqfw_framework::catalogue::{AlgorithmInfo, Sizes};
use pqfw_framework::kem::{
    AdmittedKem, Decapsulate, DecapsulationKey, Encapsulate, EncapsulationKey, Kem, KemError,
};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Plugin, Registry, Resolver};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::suite::Suite;
use pqfw_pqvpn::limits::MOST_MESSAGE;
use pqfw_pqvpn::node::{ConfigError, Node};
use pqfw_pqvpn::{Identity, IdentityError, RecordTerms, Suites, SuitesError};

use crate::net::config;
use crate::people::{CHEAP, OTHER, SIBLING, TOO_LONG, rng, shared, suite, suites};
use crate::watched::watched_suite;

fn error(suites: Vec<Suite>) -> SuitesError {
    Suites::new(suites).err().expect("no node has these suites")
}

#[test]
fn suites_have_one_kem_one_signature_and_different_names() {
    assert_eq!(error(Vec::new()), SuitesError::Number(0));
    assert_eq!(error(vec![suite(CHEAP); 17]), SuitesError::Number(17));
    let mixed = SuitesError::Mixed(CHEAP.into(), OTHER.into());
    assert_eq!(error(vec![suite(CHEAP), suite(OTHER)]), mixed);
    let same = SuitesError::Same(CHEAP.into(), CHEAP.into());
    assert_eq!(error(vec![suite(CHEAP), suite(CHEAP)]), same);
    for (messages, fits) in [((1 << 20) - 1, false), (1 << 20, true)] {
        let made = Suites::new(vec![watched_suite(CHEAP, 1, messages).0]);
        match made {
            Ok(_) => assert!(fits),
            Err(why) => assert_eq!(why, SuitesError::Aead("Watched".into())),
        }
    }
    let (name, bytes) = (TOO_LONG.to_owned(), 165_728);
    assert_eq!(
        error(vec![suite(TOO_LONG)]),
        SuitesError::Long { name, bytes }
    );
    let two = suites(&[CHEAP, SIBLING]);
    let offer = two.offer();
    assert_eq!(two.choose(&[offer[1], offer[0]]).unwrap().name, CHEAP);
    assert!(two.choose(&[]).is_none());
    // The first four bytes of the SHA-256 of the name, by sha256sum.
    assert_eq!(offer[0].0, [0xcd, 0x66, 0xe2, 0x25]);
}

#[test]
fn a_configuration_must_fit() {
    let own = shared(0, CHEAP);
    let error = |change: fn(&mut pqfw_pqvpn::node::Config)| {
        let mut config = config(&own, &[CHEAP], &[]);
        change(&mut config);
        Node::new(config, Box::new(rng(1))).err()
    };
    assert_eq!(error(|_| ()), None);
    for shards in [0, 17] {
        let mut config = config(&own, &[CHEAP], &[]);
        config.shards = shards;
        let refused = Node::new(config, Box::new(rng(1))).err();
        assert_eq!(refused, Some(ConfigError::Shards(shards)));
    }
    let zero = Some(ConfigError::Zero("rekey_after"));
    assert_eq!(error(|config| config.rekey_after = Duration::ZERO), zero);
    let zero = Some(ConfigError::Zero("keepalive"));
    assert_eq!(error(|config| config.keepalive = Duration::ZERO), zero);
    let foreign = error(|config| config.identity = shared(0, OTHER));
    assert_eq!(foreign, Some(ConfigError::Identity));
    let record = |config: &mut pqfw_pqvpn::node::Config, of: u64, onion| {
        let terms = RecordTerms {
            onion: vec![0; onion],
            expires_unix_secs: 1,
            ..RecordTerms::default()
        };
        config.record = shared(of, CHEAP).record(terms, &mut rng(1)).unwrap();
    };
    // Expired long ago, which is nobody's business here; of another; and too long for a message.
    let longest = shared(0, CHEAP).record(RecordTerms::default(), &mut rng(1));
    let longest = MOST_MESSAGE - longest.unwrap().as_bytes().len();
    for (of, onion, expected) in [
        (0, longest, None),
        (1, 0, Some(ConfigError::Record)),
        (0, longest + 1, Some(ConfigError::Record)),
    ] {
        let mut config = config(&own, &[CHEAP], &[]);
        record(&mut config, of, onion);
        assert_eq!(Node::new(config, Box::new(rng(1))).err(), expected);
    }
}

/// Another KEM's code under a name without an identifier.
struct Nameless(AdmittedKem);
struct Public(EncapsulationKey);
struct Private(DecapsulationKey);

impl Kem for Nameless {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Private(self.0.generate(rng)?)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        Ok(Box::new(Public(self.0.import_encapsulation_key(bytes)?)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Private(self.0.import_decapsulation_key(form)?)))
    }
}

impl Encapsulate for Public {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        self.0.encapsulate_into(rng, ciphertext, shared_secret)
    }
}

impl Decapsulate for Private {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.0.encapsulation_key()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        self.0.export(kind)
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let secret = self.0.decapsulate(ciphertext)?;
        shared_secret.copy_from_slice(secret.expose());
        Ok(())
    }
}

#[test]
fn keys_without_an_identifier_have_no_identity() {
    let cheap = suite(CHEAP);
    let sizes = Sizes::Kem(*cheap.kem.sizes());
    let row = AlgorithmInfo::new("Nameless", sizes, "a test")
        .known_answers(&cheap.kem.info().known_answers);
    let code = Nameless(cheap.kem.clone());
    let provider = ProviderInfo::new("test", "test 1");
    let plugin = Plugin::new("test").row(row).kem("Nameless", provider, code);
    let registry = Registry::builder().with(plugin).build().unwrap();
    let mut rng = rng(0);
    let kem = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01").kem("Nameless");
    let suite = Suite {
        kem: kem.unwrap(),
        ..cheap
    };
    let signing = suite.signature.generate(&mut rng).unwrap();
    let decapsulation = suite.kem.generate(&mut rng).unwrap();
    let made = Identity::new(&Suites::new(vec![suite]).unwrap(), signing, decapsulation);
    assert!(matches!(made, Err(IdentityError::Failed(_))));
}
