//! Any bytes, in any pieces, are messages within the limits or an error, at both ends; and what was
//! read writes back to the same messages.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pqfw_runtime::desk::{RequestHead, ResponseHead};
use pqfw_tcp::frame::{Event, FrameError, Inbox, Outgoing, PREFACE, Side};

const HEAD_BYTES: usize = 300;
const BODY_BYTES: usize = 1000;

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (is_server, piece, wire) = input;
    let side = if is_server {
        Side::Server
    } else {
        Side::Client
    };
    let (all_at_once, error) = read(side, wire, wire.len().max(1));
    let in_pieces = read(side, wire, usize::from(piece).max(1));
    assert_eq!((&all_at_once, &error), (&in_pieces.0, &in_pieces.1));

    let mut head = Vec::new();
    for event in all_at_once {
        match event {
            Event::Began { head: bytes, .. } => {
                assert!(bytes.len() <= HEAD_BYTES);
                if let Ok(decoded) = RequestHead::decode(&bytes) {
                    assert_eq!(decoded.encode().as_ref(), Ok(&bytes));
                }
                if let Ok(decoded) = ResponseHead::decode(&bytes) {
                    assert_eq!(decoded.encode(), bytes);
                }
                head = bytes;
            }
            Event::Complete { id, body } => {
                assert!(body.len() <= BODY_BYTES);
                let mut message = Outgoing::new(id, head.clone(), Arc::new(body.clone()));
                let mut wire = PREFACE.to_vec();
                wire.extend(std::iter::from_fn(|| message.chunk()).flatten());
                let head = head.clone();
                let again = vec![Event::Began { id, head }, Event::Complete { id, body }];
                assert_eq!(read(Side::Client, &wire, 7), (again, None));
            }
            _ => {}
        }
    }
});

fn read(side: Side, wire: &[u8], piece: usize) -> (Vec<Event>, Option<FrameError>) {
    let mut inbox = Inbox::new(side, HEAD_BYTES, BODY_BYTES);
    let mut events = Vec::new();
    for piece in wire.chunks(piece) {
        inbox.push(piece);
        loop {
            match inbox.next() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}
