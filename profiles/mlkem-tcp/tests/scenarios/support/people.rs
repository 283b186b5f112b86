//! A server's keys, with and without a signature, and what goes between the ends without a wire.

use std::sync::Arc;

use pqfw_framework::suite::Suite;
use pqfw_mlkem_tcp::frame::FrameReader;
use pqfw_mlkem_tcp::session::{ClientSession, ExpectGreeting, ServerSession, SessionError};
use pqfw_mlkem_tcp::trust::{ServerKeys, Trust};

use crate::support::{MAX_FRAME_BYTES, rng};

/// A server's keys without a signature.
pub(crate) fn plain(suite: &Suite) -> ServerKeys {
    ServerKeys::generate(suite, None, &mut rng(1)).unwrap()
}

/// A server's keys under a signature; another seed is another server.
pub(crate) fn signed(suite: &Suite, seed: u64) -> ServerKeys {
    let signing = suite.signature.generate(&mut rng(seed)).unwrap();
    ServerKeys::generate(suite, Some(&signing), &mut rng(seed + 1)).unwrap()
}

/// Whoever answers.
pub(crate) fn anybody() -> Trust {
    Trust::default()
}

pub(crate) fn server(suite: &Suite, keys: ServerKeys) -> ServerSession {
    ServerSession::new(suite.clone(), Arc::new(keys), MAX_FRAME_BYTES)
}

/// A client that was given these bytes.
pub(crate) fn client(
    suite: &Suite,
    trust: Trust,
    mut bytes: &[u8],
) -> Result<Option<ClientSession>, SessionError> {
    ExpectGreeting::new(suite.clone(), trust, MAX_FRAME_BYTES).receive(&mut bytes)
}

/// Both ends after the first frame.
pub(crate) fn pair(suite: &Suite) -> (ClientSession, ServerSession) {
    let server = server(suite, plain(suite));
    let client = client(suite, anybody(), &server.greeting().unwrap());
    (client.unwrap().unwrap(), server)
}

/// The payloads in a stream of whole frames.
pub(crate) fn payloads(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::new(MAX_FRAME_BYTES);
    let mut payloads = Vec::new();
    while let Some(payload) = reader.read(&mut stream).unwrap() {
        payloads.push(payload);
    }
    reader.end().unwrap();
    payloads
}
