//! Gives a responder and an initiator any bytes in the place of a peer's first words. Neither may
//! panic, wait for more than there is, or open a channel: nobody has proved anything.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use pqfw_framework::world::World;
use pqfw_fuzz::{INITIATOR, RESPONDER, run};
use pqfw_memory::SeededWorld;
use pqfw_session::stream::{accept, connect};

/// Gives what it holds, and then ends.
struct Bytes(Vec<u8>);

impl StreamReader for Bytes {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async {
            let length = buffer.len().min(self.0.len());
            for (to, from) in buffer.iter_mut().zip(self.0.drain(..length)) {
                *to = from;
            }
            Ok(length)
        })
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl StreamWriter for Nowhere {
    fn write_all<'a>(&'a mut self, _: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Puts record and message heads before the bytes, since few inputs have right lengths.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).expect("small").to_be_bytes();
    let mut record = vec![22];
    record.extend(length(body.len() + 5));
    record.push(kind);
    record.extend(length(body.len()));
    record.extend(body);
    record
}

fuzz_target!(|input: &[u8]| {
    let world: Arc<dyn World> = Arc::new(SeededWorld::new(2));
    let limit = Duration::from_secs(1);
    let mut inputs = vec![input.to_vec()];
    if let [kind, body @ ..] = input {
        inputs.push(framed(*kind, body));
    }
    for bytes in inputs {
        let connection = || Connection {
            reader: Box::new(Bytes(bytes.clone())),
            writer: Box::new(Nowhere),
            peer: "the fuzzer".into(),
        };
        let accepted = run(accept(&RESPONDER, connection(), &world, limit));
        assert!(accepted.expect("it ends").is_err());
        let connected = run(connect(&INITIATOR, connection(), &world, limit));
        assert!(connected.expect("it ends").is_err());
    }
});
