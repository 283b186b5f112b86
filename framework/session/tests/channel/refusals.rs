//! What keeps a channel from beginning, or ends it: each error, as its reader sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{StreamReader, StreamWriter, TransportError};
use pqfw_framework::world::Now;
use pqfw_session::stream::{accept, connect};
use pqfw_session::{
    Alert, ChannelError, Config, ConfigError, InsecureAnybody, PeerCheck, PeerRefused, PinnedPeers,
};

use crate::streams::{LIMIT, open, opened, read_all};
use crate::support::people::{
    CHEAP, HYBRID, OTHER, config, config_with, identities, pinned, suite, suites,
};
use crate::support::pipe::{CALM, Nature, connection, pair, pipe};
use crate::support::{run, world};

fn make(suites: Vec<Suite>, names: &[&str], protocol: &str, policy: &str) -> Option<ConfigError> {
    let identities = identities(1, &crate::support::people::suites(names));
    let anybody = Arc::new(InsecureAnybody);
    Config::new(protocol.into(), policy.into(), suites, identities, anybody).err()
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let cheap = || suites(&[CHEAP]);
    assert_eq!(make(cheap(), &[CHEAP], "a/1", ""), None);
    for (protocol, policy) in [
        (String::new(), String::new()),
        ("a".repeat(65), String::new()),
        ("a b".into(), String::new()),
        ("a".into(), "p".repeat(256)),
    ] {
        let error = make(cheap(), &[CHEAP], &protocol, &policy);
        assert!(matches!(error, Some(ConfigError::Name { .. })), "{error:?}");
    }
    assert_eq!(
        make(cheap(), &[CHEAP], &"a".repeat(64), &"p".repeat(255)),
        None
    );
    let error = make(cheap(), &[HYBRID], "a/1", "").unwrap();
    assert!(matches!(error, ConfigError::NoIdentity { .. }), "{error}");
    assert!(error.to_string().contains("pqfw keys generate"));
    let error = make(suites(&[CHEAP, CHEAP]), &[CHEAP], "a/1", "");
    assert_eq!(error, Some(ConfigError::Twice(CHEAP.into())));
    let mut many = Vec::new();
    for kem in ["X25519", "P-256", "P-384", "ML-KEM-512", "ML-KEM-768"] {
        for aead in [
            "AES-128-GCM",
            "AES-256-GCM",
            "ChaCha20-Poly1305",
            "AES-128-GCM-SIV",
            "AES-256-GCM-SIV",
        ] {
            for hash in ["256", "384", "512"] {
                many.push(suite(&format!("{kem}/Ed25519/{aead}/HKDF-SHA{hash}")));
            }
        }
    }
    assert_eq!(make(many[..64].to_vec(), &[CHEAP], "a/1", ""), None);
    let error = make(many[..65].to_vec(), &[CHEAP], "a/1", "");
    assert_eq!(error, Some(ConfigError::TooMany(65)));
    let short = crate::nonces::short_lived();
    let error = make(vec![short], &[CHEAP], "a/1", "");
    assert_eq!(error, Some(ConfigError::Aead("Watched".into())));
}

#[test]
fn each_end_learns_why_the_other_refuses() {
    run(async {
        let refused = |code: Alert, proven| ChannelError::RefusedByPeer {
            code: code.code(),
            proven,
        };
        let (near, far) = open(&[CHEAP], &[OTHER], pair(CALM, CALM)).await;
        let (near, far) = (near.err().unwrap(), far.err().unwrap());
        assert_eq!(near, refused(Alert::HandshakeFailure, false));
        assert!(near.to_string().contains("handshake_failure"), "{near}");
        assert!(matches!(
            far,
            ChannelError::Refused {
                alert: Alert::HandshakeFailure,
                ..
            }
        ));

        let (_, world) = world(1);
        let stranger = config(7, &[CHEAP]).identities()[0].fingerprint().clone();
        let anybody = config(3, &[CHEAP]);
        let careful = pinned(2, &[CHEAP], &stranger);
        let (near_end, far_end) = pair(CALM, CALM);
        let (near, far) = tokio::join!(
            connect(&anybody, near_end, &world, LIMIT),
            accept(&careful, far_end, &world, LIMIT)
        );
        assert_eq!(near.err(), Some(refused(Alert::UnknownPeer, true)));
        assert!(matches!(far.err(), Some(ChannelError::UnknownPeer(_))));
        let (near_end, far_end) = pair(CALM, CALM);
        let (near, far) = tokio::join!(
            connect(&careful, near_end, &world, LIMIT),
            accept(&anybody, far_end, &world, LIMIT)
        );
        assert!(matches!(near.err(), Some(ChannelError::UnknownPeer(_))));
        assert_eq!(far.err(), Some(refused(Alert::UnknownPeer, true)));

        let nobody = Arc::new(PinnedPeers::new([]));
        let other = config_with(2, &[CHEAP], "test/2", nobody);
        let (near_end, far_end) = pair(CALM, CALM);
        let (near, far) = tokio::join!(
            connect(&anybody, near_end, &world, LIMIT),
            accept(&other, far_end, &world, LIMIT)
        );
        assert_eq!(
            near.err(),
            Some(refused(Alert::NoApplicationProtocol, false))
        );
        assert!(far.is_err());
    });
}

#[test]
fn silence_is_waited_for_no_longer_than_was_said() {
    run(async {
        let (seeded, world) = world(1);
        let (config, (near, _far)) = (config(1, &[CHEAP]), pair(CALM, CALM));
        let (end, ()) = tokio::join!(connect(&config, near, &world, LIMIT), async {
            tokio::task::yield_now().await;
            seeded.advance(LIMIT - Duration::from_millis(1));
            tokio::task::yield_now().await;
            seeded.advance(Duration::from_millis(1));
        });
        assert_eq!(end.err(), Some(ChannelError::TimedOut { millis: 10_000 }));
    });
}

/// A stream that breaks.
struct Broken;

impl StreamReader for Broken {
    fn read<'a>(
        &'a mut self,
        _: &'a mut [u8],
    ) -> pqfw_framework::transport::BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async {
            Err(TransportError::Broken {
                address: "there".into(),
                reason: "the cable".into(),
            })
        })
    }
}

#[test]
fn a_stream_that_breaks_or_ends_is_reported() {
    run(async {
        let (_, world) = world(1);
        let (mut near, _far) = pair(CALM, CALM);
        near.reader = Box::new(Broken);
        let error = connect(&config(1, &[CHEAP]), near, &world, LIMIT)
            .await
            .err();
        assert!(matches!(error, Some(ChannelError::Transport(_))));
        let (near, far) = pair(CALM, CALM);
        drop(far);
        let error = connect(&config(1, &[CHEAP]), near, &world, LIMIT)
            .await
            .err();
        assert_eq!(error, Some(ChannelError::Truncated(None)));
    });
}

#[test]
fn a_record_that_was_changed_ends_both_directions() {
    run(async {
        // The attacker holds the wire from the first end to the second.
        let (near_out, mut tapped) = pipe(CALM);
        let (mut forwarded, far_in) = pipe(CALM);
        let (far_out, near_in) = pipe(CALM);
        let tap = async {
            let mut buffer = vec![0; 100_000];
            loop {
                let bytes = tapped.read(&mut buffer).await.unwrap();
                if bytes == 0 {
                    return;
                }
                if bytes > 9000 {
                    buffer[4000] ^= 1;
                }
                forwarded.write_all(&buffer[..bytes]).await.unwrap();
            }
        };
        let talk = async {
            let pipes = (connection(near_in, near_out), connection(far_in, far_out));
            let (mut near, mut far) = opened(&[CHEAP], pipes).await;
            near.connection.writer.write_all(b"small").await.unwrap();
            near.connection
                .writer
                .write_all(&[1; 10_000])
                .await
                .unwrap();
            let mut buffer = vec![0; 20_000];
            assert_eq!(far.connection.reader.read(&mut buffer).await, Ok(5));
            let error = far.connection.reader.read(&mut buffer).await.unwrap_err();
            assert!(error.to_string().contains("bad_record_mac"), "{error}");
            let again = far.connection.reader.read(&mut buffer).await.unwrap_err();
            assert_eq!(again, error);
            assert!(far.connection.writer.write_all(b"x").await.is_err());
            assert_eq!(far.control.key_update(true), Err(ChannelError::Closed));
            let told = near.connection.reader.read(&mut buffer).await.unwrap_err();
            assert!(told.to_string().contains("bad_record_mac"), "{told}");
            assert!(near.connection.writer.write_all(b"x").await.is_err());
        };
        tokio::join!(tap, talk);
    });
}

#[test]
fn an_exporter_gives_what_fits() {
    run(async {
        let (near, _far) = opened(&[CHEAP], pair(CALM, CALM)).await;
        assert!(near.exporter.export(&"l".repeat(249), b"", 1).is_ok());
        let long = near
            .exporter
            .export(&"l".repeat(250), b"", 1)
            .err()
            .unwrap();
        assert!(
            matches!(long, ChannelError::TooLong { field: "label", .. }),
            "{long}"
        );
        let much = near.exporter.export("l", b"", 255 * 32 + 1).err().unwrap();
        assert!(matches!(much, ChannelError::Primitive(_)), "{much}");
        assert!(near.exporter.export("l", b"", 70_000).is_err());
    });
}

/// How many seeds: 300, or what `PQFW_SEEDS` says.
fn seeds() -> u64 {
    std::env::var("PQFW_SEEDS").map_or(300, |text| text.parse().unwrap())
}

#[test]
fn whatever_the_pieces_and_wherever_the_cut_what_is_read_was_written() {
    run(async {
        for seed in 0..seeds() {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut below = |most: u32| usize::try_from(rng.next_u32() % most).unwrap();
            let cut_after = (below(2) == 0).then(|| below(9000));
            let nature = Nature {
                capacity: 1 + below(5000),
                pieces: Some(seed),
                cut_after,
            };
            let calm = Nature {
                cut_after: None,
                ..nature
            };
            let pipes = if below(2) == 0 {
                pair(nature, calm)
            } else {
                pair(calm, nature)
            };
            let data: Vec<u8> = (0..below(20_000)).map(|n| n.to_le_bytes()[0]).collect();
            let (near, far) = open(&[CHEAP], &[CHEAP], pipes).await;
            let (Ok(near), Ok(far)) = (near, far) else {
                assert!(cut_after.is_some(), "seed {seed}");
                continue;
            };
            let (mut near, mut far) = (near.connection, far.connection);
            let send = async |writer: &mut dyn StreamWriter| {
                // A cut may be noticed while there is still something to say.
                let _ = writer.write_all(&data).await;
                let _ = writer.finish().await;
            };
            let (.., there, back) = tokio::join!(
                send(&mut *near.writer),
                send(&mut *far.writer),
                read_all(&mut *far.reader),
                read_all(&mut *near.reader)
            );
            for came in [there, back] {
                match came {
                    Ok(came) => assert!(came == data, "seed {seed}"),
                    Err(error) => {
                        assert!(cut_after.is_some(), "seed {seed}: {error}");
                        assert!(
                            error.to_string().contains("close_notify"),
                            "seed {seed}: {error}"
                        );
                    }
                }
            }
        }
    });
}

/// Accepts anybody, and notes what it hears of them.
#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

impl PeerCheck for Notes {
    fn check(&self, _: Now, _: &Fingerprint) -> Result<(), PeerRefused> {
        self.0.lock().unwrap().push("proved");
        Ok(())
    }

    fn opened(&self, _: Now, _: &Fingerprint) -> Result<(), PeerRefused> {
        self.0.lock().unwrap().push("open");
        Ok(())
    }
}

#[test]
fn a_peer_is_remembered_only_when_the_channel_is_open() {
    run(async {
        let (_, world) = world(1);
        let nobody = Arc::new(PinnedPeers::new([]));
        let careful = config_with(2, &[CHEAP], "test/1", nobody);
        for (far, heard) in [
            (careful, &["proved"][..]),
            (config(2, &[CHEAP]), &["proved", "open"]),
        ] {
            let notes = Arc::new(Notes::default());
            let near = config_with(1, &[CHEAP], "test/1", notes.clone());
            let (near_end, far_end) = pair(CALM, CALM);
            let (opened, _) = tokio::join!(
                connect(&near, near_end, &world, LIMIT),
                accept(&far, far_end, &world, LIMIT)
            );
            assert_eq!(opened.is_ok(), heard.len() == 2);
            assert_eq!(*notes.0.lock().unwrap(), heard);
        }
    });
}

#[test]
fn an_end_does_not_talk_to_itself() {
    run(async {
        let (_, world) = world(1);
        let both = config(5, &[CHEAP]);
        let (near_end, far_end) = pair(CALM, CALM);
        let (near, _) = tokio::join!(
            connect(&both, near_end, &world, LIMIT),
            accept(&both, far_end, &world, LIMIT)
        );
        let Some(ChannelError::UnknownPeer(refused)) = near.err() else {
            panic!("it took its own key for somebody else's");
        };
        assert!(refused.reason.contains("our own key"), "{refused}");
    });
}

/// The first words of an initiator.
async fn hello_of(names: &[&str]) -> Vec<u8> {
    let (_, world) = world(1);
    let (near, mut far) = pair(CALM, CALM);
    let config = config(1, names);
    let heard = async {
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while heard.len() < 5
            || heard.len()
                < 5 + usize::try_from(u32::from_be_bytes(heard[1..5].try_into().unwrap())).unwrap()
        {
            let came = far.reader.read(&mut buffer).await.unwrap();
            heard.extend(&buffer[..came]);
        }
        far.writer.finish().await.unwrap();
        heard
    };
    tokio::join!(connect(&config, near, &world, LIMIT), heard).1
}

#[test]
fn after_a_retry_a_hello_without_cookie_is_refused_whether_its_share_fits_or_not() {
    run(async {
        let first = hello_of(&[OTHER, CHEAP]).await;
        for second in [first.clone(), hello_of(&[CHEAP]).await] {
            let (_, world) = world(1);
            let (mut near, far) = pair(CALM, CALM);
            let own = config(2, &[CHEAP]);
            let said = async {
                near.writer.write_all(&first).await.unwrap();
                near.writer.write_all(&second).await.unwrap();
            };
            let (accepted, ()) = tokio::join!(accept(&own, far, &world, LIMIT), said);
            let refused = matches!(
                accepted.err(),
                Some(ChannelError::Refused {
                    alert: Alert::UnexpectedMessage,
                    ..
                })
            );
            assert!(refused);
        }
    });
}
