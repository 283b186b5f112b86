//! No key seals twice under one nonce, whatever becomes of the channel: seen by an AEAD that keeps
//! count. And the key log tells the same secrets at both ends.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::aead::{AdmittedAead, Aead, AeadCipher, AeadError, AeadKey};
use pqfw_framework::catalogue::{AeadLimits, AlgorithmInfo, Sizes};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Plugin, Registry, Resolver};
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::Response;
use pqfw_memory::{Interceptor, RequestFate};
use pqfw_session::exchange::{ChannelExchange, Resend, ServiceLimits};
use pqfw_session::stream::{accept, connect};
use pqfw_session::{Config, InsecureAnybody, KeyLog};

use crate::exchanges::serve;
use crate::streams::{LIMIT, read_all};
use crate::support::people::{CHEAP, identities, suite};
use crate::support::pipe::{Nature, pair};
use crate::support::{run, world};

/// The keys and nonces that something was sealed with, and how often one pair came again.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) seen: BTreeSet<(Vec<u8>, Vec<u8>)>,
    pub(crate) again: usize,
}

pub(crate) type Seen = Arc<Mutex<Count>>;

/// A sound AEAD that keeps count.
struct Watched(AdmittedAead, Seen);

struct WatchedKey(AeadKey, Vec<u8>, Seen);

impl Aead for Watched {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
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
        let mut count = self.2.lock().unwrap();
        let new = count.seen.insert((self.1.clone(), nonce.to_vec()));
        count.again += usize::from(!new);
        self.0.seal_in_place(nonce, aad, buffer, tag)
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        self.0.open_in_place(nonce, aad, buffer, tag)
    }
}

/// The cheap suite with a watched AEAD of other limits.
pub(crate) fn watched(limit: impl FnOnce(&mut AeadLimits)) -> (Suite, Seen) {
    let suite = suite(CHEAP);
    let mut sizes = *suite.aead.sizes();
    limit(&mut sizes.limits);
    let row = AlgorithmInfo::new("Watched", Sizes::Aead(sizes), "a test")
        .known_answers(&suite.aead.info().known_answers);
    let provider = ProviderInfo::new("test", "test 1");
    let seen = Seen::default();
    let code = Watched(suite.aead.clone(), seen.clone());
    let plugin = Plugin::new("test").row(row).aead("Watched", provider, code);
    let registry = Registry::builder().with(plugin).build().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    let aead = resolver.aead("Watched").unwrap();
    // The gate measures with the same nonce more than once.
    *seen.lock().unwrap() = Count::default();
    (Suite { aead, ..suite }, seen)
}

/// An AEAD that no channel takes.
pub(crate) fn short_lived() -> Suite {
    watched(|limits| limits.sealed_messages = (1 << 17) - 1).0
}

pub(crate) fn end(seed: u64, suite: &Suite) -> Config {
    end_with(seed, vec![suite.clone()])
}

pub(crate) fn end_with(seed: u64, suites: Vec<Suite>) -> Config {
    let peers = Arc::new(InsecureAnybody);
    let identities = identities(seed, &suites);
    Config::new("test/1".into(), String::new(), suites, identities, peers).unwrap()
}

#[derive(Default)]
pub(crate) struct Lines(pub(crate) Mutex<BTreeSet<String>>);

impl KeyLog for Lines {
    fn line(&self, line: &str) {
        self.0.lock().unwrap().insert(line.into());
    }
}

#[test]
fn a_stream_seals_nothing_twice_under_a_nonce_and_both_ends_log_the_same() {
    run(async {
        let (suite, seen) = watched(|_| ());
        let (near_lines, far_lines) = (Arc::new(Lines::default()), Arc::new(Lines::default()));
        let near = Arc::new(end(1, &suite).insecure_with_keylog(near_lines.clone()));
        let far = Arc::new(end(2, &suite).insecure_with_keylog(far_lines.clone()));
        let (_, world) = world(1);
        let nature = Nature {
            capacity: 3000,
            pieces: Some(5),
            cut_after: None,
        };
        let pipes = pair(nature, nature);
        let (near, far) = tokio::join!(
            connect(&near, pipes.0, &world, LIMIT),
            accept(&far, pipes.1, &world, LIMIT)
        );
        let (mut near, mut far) = (near.unwrap(), far.unwrap());
        let near_work = async {
            for round in 0..40 {
                near.connection
                    .writer
                    .write_all(&[round; 3000])
                    .await
                    .unwrap();
                near.control.key_update(round % 3 == 0).unwrap();
                near.control.fresh_exchange().unwrap();
            }
            near.connection.writer.finish().await.unwrap();
        };
        let far_work = async {
            for round in 0..40 {
                far.connection
                    .writer
                    .write_all(&[round; 3000])
                    .await
                    .unwrap();
                far.control.key_update(round % 2 == 0).unwrap();
            }
            far.connection.writer.finish().await.unwrap();
        };
        let (.., there, back) = tokio::join!(
            near_work,
            far_work,
            read_all(&mut *far.connection.reader),
            read_all(&mut *near.connection.reader)
        );
        assert_eq!(
            (there.unwrap().len(), back.unwrap().len()),
            (120_000, 120_000)
        );
        let count = seen.lock().unwrap();
        assert!(count.seen.len() > 160 && count.again == 0);
        let (near, far) = (near_lines.0.lock().unwrap(), far_lines.0.lock().unwrap());
        // A direction that ended changes no more keys, so one end may know the last one alone.
        let common = near.intersection(&far).count();
        assert!(common + 2 >= near.len().max(far.len()), "{common}");
        for label in [
            "PQFW1_C_HS ",
            "PQFW1_S_HS ",
            "PQFW1_C_AP_0 ",
            "PQFW1_S_AP_1 ",
        ] {
            let line = near.iter().find(|line| line.starts_with(label)).unwrap();
            assert_eq!(line.len(), label.len() + 64 + 1 + 64);
        }
    });
}

#[test]
fn exchanges_seal_nothing_twice_under_a_nonce() {
    run(async {
        let (suite, seen) = watched(|_| ());
        let (_, direct) = serve(Arc::new(end(2, &suite)), ServiceLimits::default());
        let (_, world) = world(3);
        let mut number = 0;
        let wire = Interceptor::new(direct).on_request(move |request| {
            number += 1;
            let status = [425, 401, 400][number % 3];
            let body = Vec::new();
            match number % 5 {
                0 if request.route.ends_with("/r") => RequestFate::Forge(Response { status, body }),
                1 => RequestFate::Duplicate,
                2 if number % 4 == 0 => RequestFate::Drop,
                _ => RequestFate::Pass,
            }
        });
        let client = ChannelExchange::new(Arc::new(end(1, &suite)), Arc::new(wire), world);
        let client = client.resending(Resend::Everything);
        let mut answered = 0;
        for _ in 0..300 {
            answered += usize::from(client.request("POST", "/", b"x").await.is_ok());
        }
        let count = seen.lock().unwrap();
        assert!(answered > 100 && count.seen.len() > 300, "{answered}");
        assert_eq!(count.again, 0);
    });
}
