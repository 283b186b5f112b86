//! Nodes on the datagrams of one process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::transport::{BoxFuture, Datagrams, Packet, TransportError};
use pqfw_session::ChannelError;
use pqfw_session::datagram::{Limits, Node};

use crate::nonces::{end, watched};
use crate::support::net::{LIMIT, Net, far, settle};
use crate::support::people::{CHEAP, HYBRID, OTHER, config, config_with, pinned};
use crate::support::run;

#[test]
fn data_goes_both_ways_until_one_end_closes() {
    run(async {
        for (near, far) in [
            (vec![CHEAP], vec![CHEAP]),
            (vec![CHEAP, OTHER], vec![OTHER]),
            (vec![HYBRID], vec![HYBRID]),
        ] {
            let net = Net::new();
            let (near_config, far_config) = (config(1, &near), config(2, &far));
            let (near, far) = net.open(&near_config, &far_config).await;
            assert_eq!(&near.peer, far_config.identities()[0].fingerprint());
            assert_eq!(&far.peer, near_config.identities()[0].fingerprint());
            assert_eq!((&near.suite, &*near.peer_policy), (&far.suite, "modern"));
            let exported = near.exporter.export("EXPORTER-test", b"", 32).unwrap();
            let other = far.exporter.export("EXPORTER-test", b"", 32).unwrap();
            assert!(exported.constant_time_eq(other.expose()));
            for round in 0..3_u8 {
                near.channel.send(&[round; 1000]).await.unwrap();
                let came = far.channel.receive().await.unwrap();
                assert_eq!(came, Some(vec![round; 1000]));
                far.channel.send(&[round]).await.unwrap();
                assert_eq!(near.channel.receive().await.unwrap(), Some(vec![round]));
            }
            near.channel.close().await.unwrap();
            assert_eq!(far.channel.receive().await.unwrap(), None);
            assert_eq!(far.channel.receive().await.unwrap(), None);
            assert_eq!(far.channel.send(b"x").await, Err(ChannelError::Closed));
        }
    });
}

#[test]
fn a_channel_that_is_dropped_is_closed() {
    run(async {
        let net = Net::new();
        let (near, far) = net.open(&config(1, &[CHEAP]), &config(2, &[CHEAP])).await;
        drop(near);
        assert_eq!(far.channel.receive().await.unwrap(), None);
        assert_eq!(far.channel.most_data(1200), 0);
    });
}

#[test]
fn a_channel_that_is_idle_ends_by_itself() {
    run(async {
        let net = Net::new();
        let (near, far) = net.open(&config(1, &[CHEAP]), &config(2, &[CHEAP])).await;
        let hour = async {
            settle().await;
            net.seeded.advance(Duration::from_secs(3600));
        };
        let (near, far, ()) = tokio::join!(near.channel.receive(), far.channel.receive(), hour);
        assert_eq!(
            (near, far),
            (Err(ChannelError::Closed), Err(ChannelError::Closed))
        );
    });
}

#[test]
fn one_socket_has_many_channels() {
    run(async {
        let net = Net::new();
        let responder = net.responder(&config(2, &[CHEAP])).await;
        let (one, other) = (config(1, &[CHEAP]), config(3, &[CHEAP]));
        let (one, other) = (net.initiator(&one).await, net.initiator(&other).await);
        let mut channels = Vec::new();
        for node in [&one, &other, &one] {
            let (near, far) = tokio::join!(node.connect(far(), LIMIT), responder.accept());
            channels.push((near.unwrap(), far.unwrap()));
        }
        for (number, (near, _)) in channels.iter().enumerate() {
            near.channel.send(&[number.to_le_bytes()[0]]).await.unwrap();
        }
        for (number, (_, far)) in channels.iter().enumerate() {
            let came = far.channel.receive().await.unwrap();
            assert_eq!(came, Some(vec![number.to_le_bytes()[0]]));
        }
    });
}

#[test]
fn what_was_lost_is_sent_again_when_it_is_time() {
    run(async {
        let net = Net::new();
        let initiator = net.initiator(&config(1, &[CHEAP])).await;
        let work = initiator.connect(far(), LIMIT);
        let help = async {
            // The first hello goes to nobody.
            settle().await;
            let responder = net.responder(&config(2, &[CHEAP])).await;
            settle().await;
            net.seeded.advance(Duration::from_secs(1));
            responder.accept().await
        };
        let (near, far) = tokio::join!(work, help);
        assert_eq!(near.unwrap().suite, far.unwrap().suite);
    });
}

#[test]
fn who_gets_no_answer_gives_up_in_time_and_tells_what_was_said() {
    run(async {
        let near = config(1, &[CHEAP]);
        let nobody = near.identities()[0].fingerprint();
        let (millis, proven) = (LIMIT.as_millis(), false);
        let other_protocol = config_with(
            2,
            &[CHEAP],
            "other/1",
            Arc::new(pqfw_session::InsecureAnybody),
        );
        for (near, responder, expected) in [
            (&near, None, Some(ChannelError::TimedOut { millis })),
            (
                &near,
                Some(config(2, &[OTHER])),
                Some(ChannelError::RefusedByPeer { code: 40, proven }),
            ),
            (
                &near,
                Some(other_protocol),
                Some(ChannelError::RefusedByPeer { code: 120, proven }),
            ),
            (
                &pinned(1, &[CHEAP], nobody),
                Some(config(2, &[CHEAP])),
                None,
            ),
        ] {
            let net = Net::new();
            let _responder = match &responder {
                Some(config) => Some(net.responder(config).await),
                None => None,
            };
            let initiator = net.initiator(near).await;
            let wait = async {
                settle().await;
                net.seeded.advance(LIMIT);
            };
            let (opened, ()) = tokio::join!(initiator.connect(far(), LIMIT), wait);
            let error = opened.err().unwrap();
            match expected {
                Some(expected) => assert_eq!(error, expected),
                None => assert!(matches!(error, ChannelError::UnknownPeer(_)), "{error}"),
            }
        }
    });
}

#[test]
fn whom_the_responder_refuses_hears_it_at_once() {
    run(async {
        let net = Net::new();
        let far_config = config(2, &[CHEAP]);
        let nobody = far_config.identities()[0].fingerprint().clone();
        let _responder = net.responder(&pinned(2, &[CHEAP], &nobody)).await;
        let initiator = net.initiator(&config(1, &[CHEAP])).await;
        let error = initiator.connect(far(), LIMIT).await.err().unwrap();
        let (code, proven) = (48, true);
        assert_eq!(error, ChannelError::RefusedByPeer { code, proven });
    });
}

#[test]
fn a_driver_ends_with_the_last_who_needs_it() {
    run(async {
        let net = Net::new();
        let responder = net.responder(&config(2, &[CHEAP])).await;
        let socket = net.socket("memory:").await;
        let (node, driver) = Node::new(
            config(1, &[CHEAP]),
            socket,
            net.world.clone(),
            Limits::initiator(),
        );
        let driver = tokio::spawn(driver);
        let (near, far) = tokio::join!(node.connect(far(), LIMIT), responder.accept());
        drop(node);
        settle().await;
        assert!(!driver.is_finished());
        drop(near);
        assert_eq!(driver.await.unwrap(), Ok(()));
        // The last thing that it did was to say that the channel is closed.
        assert_eq!(far.unwrap().channel.receive().await.unwrap(), None);
    });
}

#[test]
fn a_call_that_is_dropped_leaves_nothing_behind() {
    run(async {
        let net = Net::new();
        let initiator = net.initiator(&config(1, &[CHEAP])).await;
        tokio::select! {
            biased;
            _ = initiator.connect(far(), LIMIT) => panic!("there is nobody"),
            () = settle() => {}
        }
        let responder = net.responder(&config(2, &[CHEAP])).await;
        // The first hello would be sent again by then, several times.
        net.seeded.advance(Duration::from_secs(60));
        settle().await;
        let (near, far) = tokio::join!(initiator.connect(far(), LIMIT), responder.accept());
        let (near, far) = (near.unwrap(), far.unwrap());
        near.channel.send(b"x").await.unwrap();
        let came = far.channel.receive().await.unwrap();
        assert_eq!(came, Some(b"x".to_vec()));
        let waits = tokio::select! {
            biased;
            _ = responder.accept() => false,
            () = settle() => true,
        };
        assert!(waits, "the call that was dropped opened a channel");
    });
}

/// A socket that breaks when it is told to.
struct Brittle {
    inner: Arc<dyn Datagrams>,
    broken: Mutex<Option<tokio::sync::oneshot::Receiver<()>>>,
}

impl Datagrams for Brittle {
    fn url(&self) -> &str {
        self.inner.url()
    }

    fn max_bytes(&self) -> usize {
        500
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.inner.send(packets)
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            let breaks = self.broken.lock().unwrap().take();
            let Some(mut breaks) = breaks else {
                return Err(broken());
            };
            let received = tokio::select! {
                _ = &mut breaks => return Err(broken()),
                received = self.inner.receive(limit) => received,
            };
            *self.broken.lock().unwrap() = Some(breaks);
            received
        })
    }
}

fn broken() -> TransportError {
    TransportError::Broken {
        address: "the socket".into(),
        reason: "it was told to".into(),
    }
}

#[test]
fn a_socket_that_breaks_ends_everything_and_everybody_is_told() {
    run(async {
        let net = Net::new();
        let (breaks, receiver) = tokio::sync::oneshot::channel();
        let socket = Arc::new(Brittle {
            inner: net.socket("memory:10.0.0.2:4433").await,
            broken: Mutex::new(Some(receiver)),
        });
        let (node, driver) = Node::new(
            config(2, &[CHEAP]),
            socket,
            net.world.clone(),
            Limits::default(),
        );
        let driver = tokio::spawn(driver);
        let initiator = net.initiator(&config(1, &[CHEAP])).await;
        let (_near, opened) = tokio::join!(initiator.connect(far(), LIMIT), node.accept());
        let opened = opened.unwrap();
        // What the transport takes is the limit.
        assert_eq!(opened.channel.most_data(1200), 500 - 42);
        let error = opened.channel.send(&[0; 459]).await.unwrap_err();
        assert!(
            matches!(error, ChannelError::TooLong { limit: 458, .. }),
            "{error}"
        );
        let (received, accepted, ()) =
            tokio::join!(opened.channel.receive(), node.accept(), async {
                settle().await;
                breaks.send(()).unwrap();
            });
        let expected = ChannelError::Transport(broken());
        assert_eq!(received.err().as_ref(), Some(&expected));
        assert_eq!(accepted.err().as_ref(), Some(&expected));
        assert_eq!(driver.await.unwrap().err().as_ref(), Some(&expected));
        let refused = node.connect(far(), LIMIT).await.err();
        assert_eq!(refused.as_ref(), Some(&expected));
    });
}

#[test]
fn what_nobody_receives_or_accepts_is_bounded() {
    run(async {
        let net = Net::new();
        let mut limits = Limits::default();
        (limits.attempts_per_address, limits.sessions_each) = (1000, 1000);
        let listen = "memory:10.0.0.2:4433";
        let responder = net.node(listen, &config(2, &[CHEAP]), limits).await;
        let initiator = net.initiator(&config(1, &[CHEAP])).await;
        let mut channels = Vec::new();
        for _ in 0..130 {
            channels.push(initiator.connect(far(), LIMIT).await.unwrap());
        }
        settle().await;
        for closed in &channels[128..] {
            assert_eq!(closed.channel.receive().await.unwrap(), None);
        }
        let first = responder.accept().await.unwrap();
        let send = async |data: &[u8]| {
            channels[0].channel.send(data).await.unwrap();
            tokio::task::yield_now().await;
        };
        for number in 0..1100_u16 {
            send(&number.to_be_bytes()).await;
        }
        settle().await;
        for number in 0..1024_u16 {
            let came = first.channel.receive().await.unwrap();
            assert_eq!(came, Some(number.to_be_bytes().to_vec()));
        }
        for _ in 0..1000 {
            send(&[7; 1100]).await;
        }
        settle().await;
        for _ in 0..(1 << 20) / 1100 {
            let came = first.channel.receive().await.unwrap();
            assert_eq!(came, Some(vec![7; 1100]));
        }
        send(b"room again").await;
        let came = first.channel.receive().await.unwrap();
        assert_eq!(came, Some(b"room again".to_vec()));
    });
}

#[test]
fn as_many_forged_records_as_the_aead_allows_end_the_session() {
    run(async {
        let (suite, _) = watched(|limits| limits.failed_opens = 3);
        let net = Net::new();
        let (near, far_end) = (Arc::new(end(1, &suite)), Arc::new(end(2, &suite)));
        let responder = net.responder(&far_end).await;
        // The attacker writes from the initiator's own address.
        let socket = net.socket("memory:10.0.0.1:1").await;
        let watching = Arc::new(Watching(socket.clone(), Mutex::default()));
        let (node, driver) = Node::new(
            near,
            watching.clone(),
            net.world.clone(),
            Limits::initiator(),
        );
        tokio::spawn(driver);
        let (near, opened) = tokio::join!(node.connect(far(), LIMIT), responder.accept());
        let (near, opened) = (near.unwrap(), opened.unwrap());
        near.channel.send(b"one").await.unwrap();
        let mut forged = watching.1.lock().unwrap().pop().unwrap();
        forged.bytes[24] = 9;
        for _ in 0..2 {
            socket.send(std::slice::from_ref(&forged)).await.unwrap();
        }
        near.channel.send(b"two").await.unwrap();
        assert_eq!(
            opened.channel.receive().await.unwrap(),
            Some(b"one".to_vec())
        );
        assert_eq!(
            opened.channel.receive().await.unwrap(),
            Some(b"two".to_vec())
        );
        socket.send(std::slice::from_ref(&forged)).await.unwrap();
        let error = opened.channel.receive().await.unwrap_err();
        assert!(error.to_string().contains("as the AEAD allows"), "{error}");
    });
}

/// A socket that remembers what was sent.
struct Watching(Arc<dyn Datagrams>, Mutex<Vec<Packet>>);

impl Datagrams for Watching {
    fn url(&self) -> &str {
        self.0.url()
    }

    fn max_bytes(&self) -> usize {
        self.0.max_bytes()
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.1.lock().unwrap().extend_from_slice(packets);
        self.0.send(packets)
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        self.0.receive(limit)
    }
}

#[test]
fn who_waits_for_a_driver_that_was_dropped_is_told() {
    run(async {
        let net = Net::new();
        let socket = net.socket("memory:10.0.0.2:4433").await;
        let config = config(2, &[CHEAP]);
        let (node, driver) = Node::new(config, socket, net.world.clone(), Limits::default());
        let driver = tokio::spawn(driver);
        let waiting = tokio::spawn(async move { node.accept().await.err() });
        settle().await;
        assert!(!waiting.is_finished());
        driver.abort();
        assert_eq!(waiting.await.unwrap(), Some(ChannelError::Closed));
    });
}
