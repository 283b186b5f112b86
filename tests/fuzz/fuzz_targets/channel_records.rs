//! Changes what flows on an open stream by a list of operations: what is read is a beginning of what
//! was written, and an end is believed only when everything came.
#![no_main]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use pqfw_framework::world::World;
use pqfw_fuzz::{INITIATOR, RESPONDER, run};
use pqfw_memory::SeededWorld;
use pqfw_session::stream::{Secure, accept, connect};

#[derive(Arbitrary, Debug)]
enum Operation {
    Write {
        length: u16,
    },
    KeyUpdate {
        wants_answer: bool,
    },
    FreshExchange,
    /// Changes a byte of what is on its way.
    Flip {
        at: u16,
        bit: u8,
    },
    /// Takes bytes out.
    Cut {
        at: u16,
        length: u8,
    },
    /// Says again what is on its way.
    Repeat {
        length: u16,
    },
    Read,
    ReadBack,
    Finish,
}

/// Bytes on their way; `None` behind them is their end.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<(VecDeque<u8>, bool)>>);

impl StreamReader for Wire {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(std::future::poll_fn(|_| {
            let mut wire = self.0.lock().expect("one thread");
            if wire.0.is_empty() {
                return if wire.1 {
                    Poll::Ready(Ok(0))
                } else {
                    Poll::Pending
                };
            }
            let length = buffer.len().min(wire.0.len());
            for (to, from) in buffer.iter_mut().zip(wire.0.drain(..length)) {
                *to = from;
            }
            Poll::Ready(Ok(length))
        }))
    }
}

impl StreamWriter for Wire {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            self.0.lock().expect("one thread").0.extend(bytes);
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async {
            self.0.lock().expect("one thread").1 = true;
            Ok(())
        })
    }
}

fn both(there: &Wire, back: &Wire) -> (Secure, Secure) {
    let world: Arc<dyn World> = Arc::new(SeededWorld::new(2));
    let end = |reader: &Wire, writer: &Wire| Connection {
        reader: Box::new(reader.clone()),
        writer: Box::new(writer.clone()),
        peer: "the other".into(),
    };
    let limit = Duration::from_secs(1);
    let mut near = pin!(connect(&INITIATOR, end(back, there), &world, limit));
    let mut far = pin!(accept(&RESPONDER, end(there, back), &world, limit));
    let mut context = Context::from_waker(Waker::noop());
    let (mut near_done, mut far_done) = (None, None);
    while near_done.is_none() || far_done.is_none() {
        if near_done.is_none()
            && let Poll::Ready(done) = near.as_mut().poll(&mut context)
        {
            near_done = Some(done.expect("an honest handshake"));
        }
        if far_done.is_none()
            && let Poll::Ready(done) = far.as_mut().poll(&mut context)
        {
            far_done = Some(done.expect("an honest handshake"));
        }
    }
    (near_done.expect("done"), far_done.expect("done"))
}

fuzz_target!(|operations: Vec<Operation>| {
    let (there, back) = (Wire::default(), Wire::default());
    let (mut near, mut far) = both(&there, &back);
    let (mut written, mut read) = (Vec::new(), Vec::new());
    let (mut buffer, mut finished) = (vec![0; 1 << 16], false);
    for operation in operations {
        let wire = |change: &dyn Fn(&mut VecDeque<u8>)| {
            change(&mut there.0.lock().expect("one thread").0);
        };
        match operation {
            Operation::Write { length } => {
                let data: Vec<u8> = (0..length).map(|n| n.to_be_bytes()[1]).collect();
                if let Some(Ok(())) = run(near.connection.writer.write_all(&data)) {
                    written.extend(data);
                }
            }
            Operation::KeyUpdate { wants_answer } => {
                let _ = near.control.key_update(wants_answer);
            }
            Operation::FreshExchange => {
                let _ = near.control.fresh_exchange();
            }
            Operation::Flip { at, bit } => wire(&|bytes| {
                if let Some(byte) = bytes.get_mut(at.into()) {
                    *byte ^= 1 << (bit % 8);
                }
            }),
            Operation::Cut { at, length } => wire(&|bytes| {
                let start = bytes.len().min(at.into());
                let end = bytes.len().min(start + usize::from(length));
                bytes.drain(start..end);
            }),
            Operation::Repeat { length } => wire(&|bytes| {
                let again: Vec<_> = bytes.iter().take(length.into()).copied().collect();
                bytes.extend(again);
            }),
            Operation::Read => match run(far.connection.reader.read(&mut buffer)) {
                Some(Ok(0)) => assert!(finished && read == written, "an end that was not said"),
                Some(Ok(length)) => read.extend(&buffer[..length]),
                Some(Err(_)) | None => {}
            },
            Operation::ReadBack => {
                let _ = run(near.connection.reader.read(&mut buffer));
            }
            Operation::Finish => {
                let _ = run(near.connection.writer.finish());
                finished = true;
            }
        }
        assert!(
            written.starts_with(&read),
            "something was read that was not written"
        );
    }
});
