//! The laws of streams.

use std::sync::{Arc, Mutex};

use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamReader, StreamService, TransportError, TransportLimits,
};
use tokio::sync::{Semaphore, mpsc};

use super::{NONSENSE, Subject, address_in, many_turns, settings, world};

/// A service made of a closure.
struct Serve<F>(F);

impl<F> StreamService for Serve<F>
where
    F: Fn(Connection) -> BoxFuture<'static, ()> + Send + Sync,
{
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        (self.0)(connection)
    }
}

impl Subject {
    async fn serve_streams(
        &self,
        serve: impl Fn(Connection) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Box<dyn Listener> {
        let settings = settings(self.listen);
        let service = Arc::new(Serve(serve));
        let served = self.transport.serve_stream(&settings, service, world());
        served.await.unwrap()
    }

    async fn open(&self, listener: &dyn Listener) -> Connection {
        self.try_open(listener.url()).await.unwrap()
    }

    async fn try_open(&self, url: &str) -> Result<Connection, TransportError> {
        self.transport.connect_stream(&settings(url)).await
    }
}

async fn read_to_end(reader: &mut Box<dyn StreamReader>) -> Result<Vec<u8>, TransportError> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 10_000]);
    loop {
        match reader.read(&mut buffer).await? {
            0 => return Ok(all),
            length => all.extend_from_slice(&buffer[..length]),
        }
    }
}

async fn read_exactly(connection: &mut Connection, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let mut buffer = vec![0; length - all.len()];
        let length = connection.reader.read(&mut buffer).await.unwrap();
        assert!(length > 0, "it ended early");
        all.extend_from_slice(&buffer[..length]);
    }
    all
}

/// Sends back what comes, and ends when the peer does.
fn echo(mut connection: Connection) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut buffer = vec![0; 1000];
        loop {
            match connection.reader.read(&mut buffer).await {
                Ok(0) => return drop(connection.writer.finish().await),
                Ok(length) => {
                    if connection
                        .writer
                        .write_all(&buffer[..length])
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    })
}

/// More than the buffers on the way hold, loopback sockets included.
const MUCH_BYTES: usize = 64 << 20;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn is_broken<T: std::fmt::Debug>(outcome: &Result<T, TransportError>) {
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
}

pub(crate) async fn bytes_arrive_in_order_both_ways(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    for length in [0, 1, 1000, 3_000_000] {
        let Connection {
            mut reader,
            mut writer,
            ..
        } = subject.open(&*listener).await;
        let sending = tokio::spawn(async move {
            writer.write_all(&pattern(length)).await.unwrap();
            writer.write_all(b"").await.unwrap();
            writer.finish().await.unwrap();
            writer
        });
        assert!(read_to_end(&mut reader).await.unwrap() == pattern(length));
        sending.await.unwrap();
    }
}

pub(crate) async fn an_end_is_read_after_everything_and_again(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let mut ours = subject.open(&*listener).await;
    ours.writer.write_all(b"the end").await.unwrap();
    ours.writer.finish().await.unwrap();
    assert_eq!(read_to_end(&mut ours.reader).await.unwrap(), b"the end");
    for _ in 0..3 {
        assert_eq!(ours.reader.read(&mut [0; 8]).await, Ok(0));
    }
}

pub(crate) async fn each_direction_ends_by_itself(subject: &Subject) {
    let listener = subject
        .serve_streams(|mut theirs| {
            Box::pin(async move {
                theirs.writer.write_all(b"first").await.unwrap();
                theirs.writer.finish().await.unwrap();
                let heard = read_to_end(&mut theirs.reader).await.unwrap();
                assert_eq!(heard, b"after your end");
            })
        })
        .await;
    let mut ours = subject.open(&*listener).await;
    assert_eq!(read_to_end(&mut ours.reader).await.unwrap(), b"first");
    ours.writer.write_all(b"after your end").await.unwrap();
    ours.writer.finish().await.unwrap();
    listener.shutdown().await;
}

pub(crate) async fn a_writer_waits_while_nobody_reads(subject: &Subject) {
    let gate = Arc::new(Semaphore::new(0));
    let (closed, (read, mut heard)) = (gate.clone(), mpsc::unbounded_channel());
    let listener = subject
        .serve_streams(move |mut theirs| {
            let (closed, read) = (closed.clone(), read.clone());
            Box::pin(async move {
                drop(closed.acquire().await);
                let all = read_to_end(&mut theirs.reader).await.unwrap();
                read.send(all.len()).unwrap();
            })
        })
        .await;
    let mut ours = subject.open(&*listener).await;
    let writing = tokio::spawn(async move {
        ours.writer.write_all(&vec![7; MUCH_BYTES]).await.unwrap();
        ours.writer.finish().await.unwrap();
        ours
    });
    many_turns().await;
    assert!(
        !writing.is_finished(),
        "somewhere {MUCH_BYTES} bytes are kept"
    );
    gate.add_permits(1);
    let _ours = writing.await.unwrap();
    assert_eq!(heard.recv().await, Some(MUCH_BYTES));
}

pub(crate) async fn a_reader_that_leaves_breaks_the_writer(subject: &Subject) {
    let listener = subject
        .serve_streams(|mut theirs| {
            Box::pin(async move {
                read_exactly(&mut theirs, 1).await;
            })
        })
        .await;
    let mut ours = subject.open(&*listener).await;
    is_broken(&ours.writer.write_all(&vec![7; MUCH_BYTES]).await);
}

pub(crate) async fn an_end_that_was_not_written_is_a_break(subject: &Subject) {
    let listener = subject
        .serve_streams(|mut theirs| {
            Box::pin(async move {
                read_exactly(&mut theirs, 1).await;
                theirs.writer.write_all(b"half of").await.unwrap();
            })
        })
        .await;
    let mut ours = subject.open(&*listener).await;
    ours.writer.write_all(b"?").await.unwrap();
    is_broken(&read_to_end(&mut ours.reader).await);
    // It stays broken.
    is_broken(&read_to_end(&mut ours.reader).await);
}

pub(crate) async fn a_read_that_is_dropped_loses_nothing(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let mut ours = subject.open(&*listener).await;
    for round in 0..100_u8 {
        let mut nothing = [0; 8];
        tokio::select! {
            biased;
            early = ours.reader.read(&mut nothing) => panic!("{early:?}"),
            () = std::future::ready(()) => {}
        }
        ours.writer.write_all(&[round, round]).await.unwrap();
        // The answer may come at any moment, before the read is dropped or after.
        let mut first = [0; 1];
        let read = tokio::select! {
            biased;
            read = ours.reader.read(&mut first) => read.unwrap(),
            () = tokio::task::yield_now() => 0,
        };
        let rest = read_exactly(&mut ours, 2 - read).await;
        assert_eq!([&first[..read], &rest].concat(), [round, round]);
    }
}

pub(crate) async fn streams_at_once_do_not_mix(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let mut streams = Vec::new();
    for number in 0..64_u8 {
        let mut ours = subject.open(&*listener).await;
        streams.push(tokio::spawn(async move {
            for round in 0..10 {
                let message = vec![number ^ round; 1000];
                ours.writer.write_all(&message).await.unwrap();
                assert_eq!(read_exactly(&mut ours, 1000).await, message);
            }
        }));
    }
    for stream in streams {
        stream.await.unwrap();
    }
}

pub(crate) async fn connections_beyond_the_limit_wait_for_a_place(subject: &Subject) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = log.clone();
    let service = Serve(move |mut theirs: Connection| -> BoxFuture<'static, ()> {
        let log = noted.clone();
        Box::pin(async move {
            let name = read_exactly(&mut theirs, 1).await[0];
            log.lock().unwrap().push(('+', name));
            theirs.writer.write_all(b"in").await.unwrap();
            assert_eq!(read_to_end(&mut theirs.reader).await.unwrap(), b"");
            log.lock().unwrap().push(('-', name));
            theirs.writer.finish().await.unwrap();
        })
    });
    let mut settings = settings(subject.listen);
    settings.limits = TransportLimits {
        connections: 2,
        ..settings.limits
    };
    let listener = subject
        .transport
        .serve_stream(&settings, Arc::new(service), world())
        .await
        .unwrap();
    let mut streams = Vec::new();
    for name in 1..=2 {
        let mut ours = subject.open(&*listener).await;
        ours.writer.write_all(&[name]).await.unwrap();
        assert_eq!(read_exactly(&mut ours, 2).await, b"in");
        streams.push(ours);
    }
    // Under TLS already the opening waits for the place.
    let third = async {
        let mut ours = subject.open(&*listener).await;
        ours.writer.write_all(&[3]).await.unwrap();
        assert_eq!(read_exactly(&mut ours, 2).await, b"in");
        ours
    };
    let leave = async {
        many_turns().await;
        let before = log.lock().unwrap().clone();
        assert_eq!(before, [('+', 1), ('+', 2)]);
        streams[0].writer.finish().await.unwrap();
    };
    let (_third, ()) = tokio::join!(third, leave);
    let after = log.lock().unwrap().clone();
    assert_eq!(after, [('+', 1), ('+', 2), ('-', 1), ('+', 3)]);
}

pub(crate) async fn nobody_is_there_after_a_shutdown(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let url = listener.url().to_owned();
    listener.shutdown().await;
    let outcome = subject.try_open(&url).await.map(drop);
    assert!(
        matches!(outcome, Err(TransportError::Connect { .. })),
        "{outcome:?}"
    );
}

pub(crate) async fn nobody_is_there_after_a_drop(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let url = listener.url().to_owned();
    drop(listener);
    // A task may have to end first.
    while subject.try_open(&url).await.is_ok() {
        many_turns().await;
    }
}

pub(crate) async fn a_shutdown_waits_for_the_connection_under_way(subject: &Subject) {
    let listener = subject.serve_streams(echo).await;
    let mut ours = subject.open(&*listener).await;
    ours.writer.write_all(b"hello").await.unwrap();
    assert_eq!(read_exactly(&mut ours, 5).await, b"hello");
    let shutdown = tokio::spawn(listener.shutdown());
    many_turns().await;
    assert!(!shutdown.is_finished(), "the shutdown did not wait");
    ours.writer.write_all(b"still here").await.unwrap();
    assert_eq!(read_exactly(&mut ours, 10).await, b"still here");
    ours.writer.finish().await.unwrap();
    assert_eq!(read_to_end(&mut ours.reader).await.unwrap(), b"");
    shutdown.await.unwrap();
}

pub(crate) async fn fresh_addresses_of_streams_differ(subject: &Subject) {
    let one = subject.serve_streams(echo).await;
    let other = subject.serve_streams(echo).await;
    assert_ne!(one.url(), other.url());
    let taken = settings(address_in(one.url()));
    let third = subject
        .transport
        .serve_stream(&taken, Arc::new(Serve(echo)), world())
        .await;
    assert!(matches!(third, Err(TransportError::Listen { .. })));
}

pub(crate) async fn nonsense_is_no_address_of_a_stream(subject: &Subject) {
    for nonsense in NONSENSE {
        let outcome = subject.try_open(nonsense).await.map(drop);
        assert!(
            matches!(outcome, Err(TransportError::Address { .. })),
            "{nonsense}: {outcome:?}"
        );
        let settings = settings(nonsense);
        let serve = subject
            .transport
            .serve_stream(&settings, Arc::new(Serve(echo)), world())
            .await;
        assert!(
            matches!(serve, Err(TransportError::Address { .. })),
            "{nonsense}"
        );
    }
}
