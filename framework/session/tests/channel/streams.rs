//! Streams: what one end writes the other reads, whatever the pieces; new keys on the way; ends and
//! cuts told apart; and no half that waits for the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamService, StreamWriter, Transport, TransportError,
    TransportLimits, TransportSettings,
};
use pqfw_memory::MemoryTransport;
use pqfw_session::ChannelError;
use pqfw_session::stream::{Secure, accept, connect};

use crate::support::people::{CHEAP, HYBRID, OTHER, SIBLING, config};
use crate::support::pipe::{CALM, Nature, pair};
use crate::support::{run, world};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// An initiator and a responder on a pipe.
pub(crate) async fn open(
    initiator: &[&str],
    responder: &[&str],
    pipes: (Connection, Connection),
) -> (Result<Secure, ChannelError>, Result<Secure, ChannelError>) {
    let (_, world) = world(1);
    let (near, far) = (config(1, initiator), config(2, responder));
    tokio::join!(
        connect(&near, pipes.0, &world, LIMIT),
        accept(&far, pipes.1, &world, LIMIT)
    )
}

pub(crate) async fn opened(names: &[&str], pipes: (Connection, Connection)) -> (Secure, Secure) {
    let (near, far) = open(names, names, pipes).await;
    (near.unwrap(), far.unwrap())
}

pub(crate) async fn read_all(reader: &mut dyn StreamReader) -> Result<Vec<u8>, TransportError> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 5000]);
    loop {
        match reader.read(&mut buffer).await? {
            0 => return Ok(all),
            bytes => all.extend_from_slice(&buffer[..bytes]),
        }
    }
}

#[test]
fn both_ends_know_each_other_and_share_secrets_that_differ_by_label() {
    run(async {
        for name in [CHEAP, OTHER, SIBLING, HYBRID] {
            let (near, far) = opened(&[name], pair(CALM, CALM)).await;
            let (initiator, responder) = (config(1, &[name]), config(2, &[name]));
            assert_eq!(near.peer, *responder.identities()[0].fingerprint());
            assert_eq!(far.peer, *initiator.identities()[0].fingerprint());
            assert_eq!((near.suite.as_str(), far.suite.as_str()), (name, name));
            assert_eq!(near.peer_policy, "modern");
            let export = |end: &Secure, label, context: &[u8]| {
                let secret = end.exporter.export(label, context, 50).unwrap();
                secret.expose().to_vec()
            };
            assert_eq!(export(&near, "a", b"x"), export(&far, "a", b"x"));
            assert_ne!(export(&near, "a", b"x"), export(&near, "b", b"x"));
            assert_ne!(export(&near, "a", b"x"), export(&near, "a", b"y"));
        }
    });
}

#[test]
fn a_retry_brings_the_key_that_the_responder_wants() {
    run(async {
        let (near, far) = open(&[CHEAP, OTHER], &[OTHER, CHEAP], pair(CALM, CALM)).await;
        assert_eq!(near.unwrap().suite, OTHER);
        assert_eq!(far.unwrap().suite, OTHER);
        let (near, _) = open(&[CHEAP, SIBLING], &[SIBLING], pair(CALM, CALM)).await;
        assert_eq!(
            near.unwrap().suite,
            SIBLING,
            "its KEM is the share's: no retry"
        );
    });
}

#[test]
fn what_is_written_is_read_both_ways_at_once_in_any_pieces() {
    run(async {
        for seed in 0..20 {
            let nature = Nature {
                capacity: 3000,
                pieces: Some(seed),
                cut_after: None,
            };
            let (near, far) = opened(&[CHEAP], pair(nature, nature)).await;
            let (mut near, mut far) = (near.connection, far.connection);
            let there: Vec<u8> = (0..200_000_u32).map(|n| n.to_be_bytes()[3]).collect();
            let back = vec![7; 100_001];
            let write = async |writer: &mut dyn StreamWriter, bytes: &[u8]| {
                for chunk in bytes.chunks(70_001) {
                    writer.write_all(chunk).await.unwrap();
                }
                writer.finish().await.unwrap();
            };
            let (.., came, went) = tokio::join!(
                write(&mut *near.writer, &there),
                write(&mut *far.writer, &back),
                read_all(&mut *far.reader),
                read_all(&mut *near.reader),
            );
            assert!(came.unwrap() == there && went.unwrap() == back, "{seed}");
        }
    });
}

#[test]
fn keys_change_both_ways_under_load() {
    run(async {
        let nature = Nature {
            capacity: 4000,
            pieces: Some(3),
            cut_after: None,
        };
        let (near, far) = opened(&[CHEAP], pair(nature, nature)).await;
        let (near_control, far_control) = (near.control, far.control);
        let (mut near, mut far) = (near.connection, far.connection);
        let near_work = async {
            for round in 0..60 {
                near.writer.write_all(&[round; 997]).await.unwrap();
                near_control.key_update(round % 3 == 0).unwrap();
                if round % 5 == 0 {
                    near_control.fresh_exchange().unwrap();
                }
            }
            near.writer.finish().await.unwrap();
        };
        let far_work = async {
            for round in 0..60 {
                far.writer.write_all(&[round; 1003]).await.unwrap();
                far_control.key_update(round % 2 == 0).unwrap();
                assert!(
                    !far_control.fresh_exchange().unwrap(),
                    "only the initiator begins one"
                );
            }
            far.writer.finish().await.unwrap();
        };
        let (.., there, back) = tokio::join!(
            near_work,
            far_work,
            read_all(&mut *far.reader),
            read_all(&mut *near.reader)
        );
        let expected = |length| {
            (0..60)
                .flat_map(move |round| vec![round; length])
                .collect::<Vec<u8>>()
        };
        assert!(there.unwrap() == expected(997) && back.unwrap() == expected(1003));
    });
}

#[test]
fn an_end_and_a_cut_are_told_apart() {
    run(async {
        let (near, far) = opened(&[CHEAP], pair(CALM, CALM)).await;
        let (mut near, mut far) = (near.connection, far.connection);
        near.writer.write_all(b"hello").await.unwrap();
        near.writer.finish().await.unwrap();
        assert_eq!(read_all(&mut *far.reader).await.unwrap(), b"hello");
        assert_eq!(far.reader.read(&mut [0; 9]).await, Ok(0), "and again");
        far.writer
            .write_all(b"the other direction lives")
            .await
            .unwrap();
        let mut buffer = [0; 100];
        assert_eq!(near.reader.read(&mut buffer).await, Ok(25));
        drop(far);
        let cut = near.reader.read(&mut buffer).await.unwrap_err();
        assert!(cut.to_string().contains("close_notify"), "{cut}");
    });
}

#[test]
fn a_peer_that_was_dropped_has_cut_us_off_however_its_transport_says_so() {
    run(async {
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (_, world) = world(1);
        let memory = MemoryTransport::new();
        let settings = TransportSettings {
            listen: "memory:there".into(),
            connect: "memory:there".into(),
            limits: TransportLimits {
                body_bytes: 1,
                header_bytes: 1,
                connections: 2,
                idle_secs: 10,
                request_secs: 10,
                per_ip_per_minute: 0,
            },
            tls: None,
        };
        let service = Arc::new(Kept(connections.clone()));
        let listener = memory.serve_stream(&settings, service, world).await;
        for whose in [0, 1] {
            let near = memory.connect_stream(&settings).await.unwrap();
            while connections.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            let far = connections.lock().unwrap().pop().unwrap();
            let (near, far) = opened(&[CHEAP], (near, far)).await;
            let (gone, mut left) = if whose == 0 { (near, far) } else { (far, near) };
            let mut buffer = [0; 9];
            let read = left.connection.reader.read(&mut buffer);
            let (cut, ()) = tokio::join!(read, async { drop(gone) });
            let cut = cut.unwrap_err().to_string();
            assert!(cut.contains("without close_notify"), "{cut}");
            assert!(cut.contains("the other end is gone"), "{cut}");
            assert!(left.connection.writer.write_all(b"x").await.is_err());
        }
        listener.unwrap().shutdown().await;
    });
}

/// Keeps the connections that it is to serve.
struct Kept(Arc<Mutex<Vec<Connection>>>);

impl StreamService for Kept {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(connection);
        Box::pin(async {})
    }
}
