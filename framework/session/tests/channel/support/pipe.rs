//! Streams inside one process that hold few bytes, give them in pieces of any size, and break when
//! they are told to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};

/// How a pipe behaves.
#[derive(Clone, Copy)]
pub(crate) struct Nature {
    /// How many bytes are under way at most.
    pub(crate) capacity: usize,
    /// Gives bytes in pieces of seeded sizes.
    pub(crate) pieces: Option<u64>,
    /// Ends after so many bytes, as a cut cable does that a transport takes for an end.
    pub(crate) cut_after: Option<usize>,
}

/// Holds much and changes nothing.
pub(crate) const CALM: Nature = Nature {
    capacity: 1 << 20,
    pieces: None,
    cut_after: None,
};

struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    left: Option<usize>,
    ended: bool,
    chance: Option<ChaCha20Rng>,
    waiting: Vec<Waker>,
}

impl Pipe {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

pub(crate) struct Source(Arc<Mutex<Pipe>>);
pub(crate) struct Sink(Arc<Mutex<Pipe>>);

/// One direction.
pub(crate) fn pipe(nature: Nature) -> (Sink, Source) {
    let pipe = Arc::new(Mutex::new(Pipe {
        bytes: VecDeque::new(),
        capacity: nature.capacity,
        left: nature.cut_after,
        ended: false,
        chance: nature.pieces.map(ChaCha20Rng::seed_from_u64),
        waiting: Vec::new(),
    }));
    (Sink(pipe.clone()), Source(pipe))
}

/// Both directions, by the nature of each: from the first end, and to it.
pub(crate) fn pair(there: Nature, back: Nature) -> (Connection, Connection) {
    let ((near_out, far_in), (far_out, near_in)) = (pipe(there), pipe(back));
    (connection(near_in, near_out), connection(far_in, far_out))
}

pub(crate) fn connection(source: Source, sink: Sink) -> Connection {
    Connection {
        reader: Box::new(source),
        writer: Box::new(sink),
        peer: "the pipe".into(),
    }
}

impl StreamReader for Source {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(poll_fn(move |context| {
            let mut pipe = self.0.lock().unwrap();
            if pipe.bytes.is_empty() {
                if pipe.ended || pipe.left == Some(0) {
                    return Poll::Ready(Ok(0));
                }
                pipe.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            let most = buffer.len().min(pipe.bytes.len());
            let length = match &mut pipe.chance {
                Some(chance) => 1 + usize::try_from(chance.next_u32()).unwrap() % most.min(700),
                None => most,
            };
            for place in &mut buffer[..length] {
                *place = pipe.bytes.pop_front().unwrap();
            }
            pipe.wake();
            Poll::Ready(Ok(length))
        }))
    }
}

impl StreamWriter for Sink {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        let mut rest = bytes;
        Box::pin(poll_fn(move |context| {
            let mut pipe = self.0.lock().unwrap();
            loop {
                if rest.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                if pipe.left == Some(0) {
                    // What is sent into a cut cable is gone.
                    return Poll::Ready(Ok(()));
                }
                if pipe.bytes.len() >= pipe.capacity {
                    pipe.waiting.push(context.waker().clone());
                    return Poll::Pending;
                }
                let room = (pipe.capacity - pipe.bytes.len()).min(pipe.left.unwrap_or(usize::MAX));
                let (now, later) = rest.split_at(room.min(rest.len()));
                pipe.bytes.extend(now);
                if let Some(left) = &mut pipe.left {
                    *left -= now.len();
                }
                rest = later;
                pipe.wake();
            }
        }))
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async {
            let mut pipe = self.0.lock().unwrap();
            pipe.ended = true;
            pipe.wake();
            Ok(())
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut pipe = self.0.lock().unwrap();
        pipe.ended = true;
        pipe.wake();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut pipe = self.0.lock().unwrap();
        // Nobody reads any more: writers are not held up.
        pipe.capacity = usize::MAX;
        pipe.wake();
    }
}
