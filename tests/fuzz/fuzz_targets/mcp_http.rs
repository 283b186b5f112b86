//! Requests as they pass the bridge: the bytes go on as they came, requests are parted alike however
//! they are cut, and where an independent reader parts them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_framework::transport::{BoxFuture, StreamReader, TransportError};
use pqfw_fuzz::run;
use pqfw_mcp::bridge::http::{Piece, Requests};

const HEAD_BYTES: usize = 400;

struct Pieces {
    left: Vec<u8>,
    size: usize,
}

impl StreamReader for Pieces {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        let length = self.size.min(self.left.len()).min(buffer.len());
        buffer[..length].copy_from_slice(&self.left[..length]);
        self.left.drain(..length);
        Box::pin(async move { Ok(length) })
    }
}

/// Method, target and body of each request, and whether they end where the bytes do.
type Parted = (Vec<(String, String, Vec<u8>)>, bool);

fn ours(wire: &[u8], size: usize) -> Parted {
    let left = wire.to_vec();
    let mut requests = Requests::new(Box::new(Pieces { left, size }), Vec::new(), HEAD_BYTES);
    let (mut found, mut all) = (Vec::<(String, String, Vec<u8>)>::new(), Vec::new());
    loop {
        let next = run(requests.next()).expect("the bytes are there");
        let Ok(Some(piece)) = next else {
            assert!(wire.starts_with(&all));
            assert!(next.is_err() || all == wire);
            return (found, next.is_ok());
        };
        all.extend_from_slice(requests.given());
        match piece {
            Piece::Head(head) => found.push((head.method, head.target, Vec::new())),
            Piece::Data => {
                let (_, _, body) = found.last_mut().expect("a body has a head");
                body.extend_from_slice(requests.given());
            }
            Piece::Framing => {}
        }
    }
}

/// Reads what is known to be good, by the letter of RFC 9112 and no more of it than that needs.
fn theirs(mut wire: &[u8]) -> Parted {
    let mut found = Vec::new();
    while !wire.is_empty() {
        while let Some(rest) = wire.strip_prefix(b"\r\n") {
            wire = rest;
        }
        let first = String::from_utf8(line(&mut wire)).expect("a request line is text");
        let mut words = first
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned);
        let (method, target) = (
            words.next().expect("a method"),
            words.next().expect("a target"),
        );
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = line(&mut wire);
            if header.is_empty() {
                break;
            }
            let header = String::from_utf8_lossy(&header).to_ascii_lowercase();
            let (name, value) = header.split_once(':').expect("a header has a colon");
            match name {
                "content-length" => length = value.trim().parse().expect("a length"),
                "transfer-encoding" => chunked = value.trim() == "chunked",
                _ => {}
            }
        }
        let mut body = Vec::new();
        if chunked {
            loop {
                let size = String::from_utf8_lossy(&line(&mut wire)).into_owned();
                let digits = size.split(';').next().expect("a size");
                match usize::from_str_radix(digits, 16).expect("a size") {
                    0 => break,
                    size => body.extend_from_slice(wire.split_off(..size).expect("a chunk")),
                }
                assert_eq!(line(&mut wire), b"");
            }
            while !line(&mut wire).is_empty() {}
        } else {
            body.extend_from_slice(wire.split_off(..length).expect("a body"));
        }
        found.push((method, target, body));
    }
    (found, true)
}

fn line(wire: &mut &[u8]) -> Vec<u8> {
    let end = wire.windows(2).position(|two| two == b"\r\n");
    let line = wire
        .split_off(..end.expect("a line has an end"))
        .expect("it is there");
    *wire = &wire[2..];
    line.to_vec()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, wire) = input;
    let whole = ours(wire, usize::MAX);
    assert_eq!(whole, ours(wire, usize::from(size).max(1)));
    if whole.1 {
        assert_eq!(whole, theirs(wire));
    }
});
