//! A stream inside one process: two pipes, one in each direction.
//!
//! A pipe holds [`PIPE_BYTES`]; a writer waits while it is full. Its two ends tell each other how
//! they went: a writer that finished leaves an end, one that was dropped leaves a break after the
//! bytes that it wrote, and a reader that was dropped breaks the writer.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};

/// What a writer may be ahead of its reader.
pub const PIPE_BYTES: usize = 16 << 10;

/// Opens a stream between two ends, each under the name that the other knows it by.
pub(crate) fn connect(client: &str, server: &str) -> (Connection, Connection) {
    let (to_server, from_client) = pipe(server, client);
    let (to_client, from_server) = pipe(client, server);
    let end = |reader: PipeReader, writer: PipeWriter, peer: &str| Connection {
        reader: Box::new(reader),
        writer: Box::new(writer),
        peer: peer.into(),
    };
    (
        end(from_server, to_server, server),
        end(from_client, to_client, client),
    )
}

fn pipe(reader: &str, writer: &str) -> (PipeWriter, PipeReader) {
    let pipe = Arc::new(Mutex::new(Pipe::default()));
    (
        PipeWriter {
            pipe: pipe.clone(),
            peer: reader.into(),
        },
        PipeReader {
            pipe,
            peer: writer.into(),
        },
    )
}

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    end: Option<End>,
    reader_gone: bool,
    waiting_reader: Option<Waker>,
    waiting_writer: Option<Waker>,
}

/// How a writer left.
#[derive(Clone, Copy)]
enum End {
    Finished,
    Dropped,
}

/// A panic elsewhere cannot leave a pipe half changed: nothing below panics.
fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pipe {
    /// Writes what there is room for, or says that the reader is gone.
    fn write(&mut self, bytes: &[u8], cx: &Context<'_>) -> Poll<Option<usize>> {
        if self.reader_gone || self.end.is_some() {
            return Poll::Ready(None);
        }
        let room = PIPE_BYTES.saturating_sub(self.bytes.len());
        if room == 0 {
            self.waiting_writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.bytes.extend(now);
        wake(&mut self.waiting_reader);
        Poll::Ready(Some(now.len()))
    }

    /// Reads what is there, or nothing at the end, or says that there was none.
    fn read(&mut self, buffer: &mut [u8], cx: &Context<'_>) -> Poll<Option<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Some(0));
        }
        if self.bytes.is_empty() {
            return match self.end {
                Some(End::Finished) => Poll::Ready(Some(0)),
                Some(End::Dropped) => Poll::Ready(None),
                None => {
                    self.waiting_reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let length = buffer.len().min(self.bytes.len());
        for (to, from) in buffer.iter_mut().zip(self.bytes.drain(..length)) {
            *to = from;
        }
        wake(&mut self.waiting_writer);
        Poll::Ready(Some(length))
    }

    fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
        wake(&mut self.waiting_reader);
    }
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

fn broken(peer: &str) -> TransportError {
    TransportError::Broken {
        address: peer.into(),
        reason: "the other end is gone".into(),
    }
}

struct PipeWriter {
    pipe: Arc<Mutex<Pipe>>,
    peer: String,
}

impl StreamWriter for PipeWriter {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let mut rest = bytes;
            while !rest.is_empty() {
                let wrote = poll_fn(|cx| lock(&self.pipe).write(rest, cx)).await;
                let wrote = wrote.ok_or_else(|| broken(&self.peer))?;
                rest = rest.get(wrote..).unwrap_or_default();
            }
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        lock(&self.pipe).end(End::Finished);
        Box::pin(async { Ok(()) })
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        lock(&self.pipe).end(End::Dropped);
    }
}

struct PipeReader {
    pipe: Arc<Mutex<Pipe>>,
    peer: String,
}

impl StreamReader for PipeReader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = poll_fn(|cx| lock(&self.pipe).read(buffer, cx)).await;
            read.ok_or_else(|| broken(&self.peer))
        })
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut pipe = lock(&self.pipe);
        pipe.reader_gone = true;
        pipe.bytes.clear();
        wake(&mut pipe.waiting_writer);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll<T>(future: &mut BoxFuture<'_, T>) -> Poll<T> {
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_writer_waits_at_the_limit_and_goes_on_when_a_byte_is_taken() {
        let (mut here, mut there) = connect("client", "server");
        here.writer.write_all(&[7; PIPE_BYTES]).await.unwrap();
        let mut one_more = here.writer.write_all(&[8]);
        assert!(poll(&mut one_more).is_pending());
        assert_eq!(there.reader.read(&mut [0]).await, Ok(1));
        assert_eq!(poll(&mut one_more), Poll::Ready(Ok(())));
    }

    #[tokio::test]
    async fn a_finished_writer_refuses_more() {
        let (mut here, _there) = connect("client", "server");
        here.writer.finish().await.unwrap();
        let more = here.writer.write_all(b"x").await;
        assert!(matches!(more, Err(TransportError::Broken { .. })));
    }

    #[tokio::test]
    async fn a_waiting_writer_hears_that_its_reader_left() {
        let (mut here, there) = connect("client", "server");
        let mut large = here.writer.write_all(&[7; PIPE_BYTES + 1]);
        assert!(poll(&mut large).is_pending());
        drop(there);
        let left = poll(&mut large);
        assert!(matches!(
            left,
            Poll::Ready(Err(TransportError::Broken { .. }))
        ));
    }
}
