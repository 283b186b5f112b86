//! Exchange framing, byte by byte (`docs/protocols/exchange-framing.md`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use pqfw_tcp::frame::{
    CHUNK_BYTES, Event, FrameError, Inbox, LONGEST_HEAD_BYTES, Outgoing, PREFACE, Side, cancel,
    goodbye,
};
use proptest::prelude::*;

const HEAD_BYTES: usize = 10;
const BODY_BYTES: usize = 20;

fn server() -> Inbox {
    Inbox::new(Side::Server, HEAD_BYTES, BODY_BYTES)
}

fn client() -> Inbox {
    Inbox::new(Side::Client, HEAD_BYTES, BODY_BYTES)
}

/// A frame as the page has it, right or wrong.
fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let header = [&[kind, flags][..], &length.to_be_bytes(), &id.to_be_bytes()].concat();
    [header, payload.to_vec()].concat()
}

fn events(mut inbox: Inbox, frames: &[Vec<u8>]) -> Result<Vec<Event>, FrameError> {
    inbox.push(&PREFACE);
    inbox.push(&frames.concat());
    drain(&mut inbox)
}

fn drain(inbox: &mut Inbox) -> Result<Vec<Event>, FrameError> {
    let mut events = Vec::new();
    while let Some(event) = inbox.next()? {
        events.push(event);
    }
    Ok(events)
}

fn began(id: u32, head: &[u8]) -> Event {
    let head = head.to_vec();
    Event::Began { id, head }
}

fn complete(id: u32, body: &[u8]) -> Event {
    let body = body.to_vec();
    Event::Complete { id, body }
}

fn written(id: u32, head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut message = Outgoing::new(id, head.to_vec(), Arc::new(body.to_vec()));
    std::iter::from_fn(|| message.chunk()).flatten().collect()
}

#[test]
fn the_bytes_are_those_of_the_page() {
    assert_eq!(PREFACE, [0x50, 0x51, 0x46, 0x58, 0, 1]);
    let message = [frame(1, 0, 7, b"head"), frame(2, 1, 7, b"body")];
    assert_eq!(written(7, b"head", b"body"), message.concat());
    assert_eq!(written(7, b"head", b""), frame(1, 1, 7, b"head"));
    assert_eq!(cancel(0x0102_0304), frame(3, 0, 0x0102_0304, b""));
    assert_eq!(goodbye(9), frame(4, 0, 9, b""));
}

#[test]
fn a_long_body_goes_in_chunks() {
    let chunk = usize::from(CHUNK_BYTES);
    for length in [chunk - 1, chunk, chunk + 1, 3 * chunk] {
        let mut message = Outgoing::new(1, Vec::new(), Arc::new(vec![7; length]));
        let chunks: Vec<_> = std::iter::from_fn(|| message.chunk()).collect();
        assert_eq!(chunks.len(), length.div_ceil(chunk), "{length}");
        assert!(chunks.iter().all(|bytes| bytes.len() <= chunk + 16));
        let mut inbox = Inbox::new(Side::Server, HEAD_BYTES, length);
        inbox.push(&PREFACE);
        inbox.push(&chunks.concat());
        let whole = [began(1, b""), complete(1, &vec![7; length])];
        assert_eq!(drain(&mut inbox).unwrap(), whole);
    }
}

#[test]
fn a_head_longer_than_a_frame_is_cut() {
    let message = written(1, &vec![7; LONGEST_HEAD_BYTES + 1], b"");
    assert_eq!(message.len(), 8 + LONGEST_HEAD_BYTES);
}

#[test]
fn another_protocol_is_refused_at_its_first_byte() {
    for wrong in [&b"G"[..], b"PQFY", b"PQFD\x00\x01", b"\x16\x03"] {
        let mut inbox = server();
        inbox.push(wrong);
        assert_eq!(inbox.next(), Err(FrameError::Preface), "{wrong:?}");
    }
    for version in [0, 2, 0x100, u16::MAX] {
        let mut inbox = client();
        inbox.push(b"PQFX");
        assert_eq!(inbox.next(), Ok(None));
        inbox.push(&version.to_be_bytes());
        assert_eq!(inbox.next(), Err(FrameError::Version(version)));
    }
}

#[test]
fn a_message_in_one_frame_or_many_is_the_same() {
    let whole = [began(3, b"h"), complete(3, b"abcd")];
    for frames in [
        vec![frame(1, 0, 3, b"h"), frame(2, 1, 3, b"abcd")],
        vec![
            frame(1, 0, 3, b"h"),
            frame(2, 0, 3, b"ab"),
            frame(2, 1, 3, b"cd"),
        ],
        vec![
            frame(1, 0, 3, b"h"),
            frame(2, 0, 3, b"abcd"),
            frame(2, 1, 3, b""),
        ],
    ] {
        assert_eq!(events(server(), &frames).unwrap(), whole);
    }
    let empty = [began(3, b"h"), complete(3, b"")];
    for frames in [
        vec![frame(1, 1, 3, b"h")],
        vec![frame(1, 0, 3, b"h"), frame(2, 1, 3, b"")],
    ] {
        assert_eq!(events(server(), &frames).unwrap(), empty);
    }
}

#[test]
fn each_wrong_frame_is_refused() {
    let length = |kind, length| FrameError::Length { kind, length };
    let order = |kind, id| FrameError::Order { kind, id };
    let head = || frame(1, 0, 5, b"h");
    for (frames, error) in [
        (vec![frame(0, 0, 1, b"")], FrameError::Kind(0)),
        (vec![frame(5, 0, 1, b"")], FrameError::Kind(5)),
        (vec![goodbye(1)], FrameError::Kind(4)),
        (vec![frame(1, 2, 1, b"")], FrameError::Flags(2)),
        (vec![frame(1, 0x81, 1, b"")], FrameError::Flags(0x81)),
        (vec![frame(3, 1, 1, b"")], FrameError::Flags(1)),
        (vec![frame(3, 0, 1, b"x")], length(3, 1)),
        (vec![head(), frame(2, 0, 5, b"")], length(2, 0)),
        (vec![frame(2, 1, 5, b"b")], order(2, 5)),
        (vec![head(), frame(2, 1, 6, b"b")], order(2, 6)),
        (vec![head(), frame(1, 1, 6, b"h")], order(1, 6)),
        (vec![frame(1, 1, 5, b""), frame(1, 1, 5, b"")], order(1, 5)),
        (vec![frame(1, 1, 5, b""), frame(1, 1, 4, b"")], order(1, 4)),
        (vec![frame(1, 1, 0, b"")], order(1, 0)),
        (vec![head(), cancel(5), frame(2, 1, 5, b"b")], order(2, 5)),
    ] {
        assert_eq!(events(server(), &frames), Err(error), "{frames:?}");
    }
}

#[test]
fn a_wrong_header_is_refused_before_its_payload_comes() {
    let mut inbox = server();
    inbox.push(&PREFACE);
    inbox.push(&[3, 0, 0xff, 0xff, 0, 0, 0, 1]);
    let (kind, length) = (3, 0xffff);
    assert_eq!(inbox.next(), Err(FrameError::Length { kind, length }));
}

#[test]
fn responses_come_in_any_order() {
    let frames = [frame(1, 1, 9, b""), frame(1, 1, 3, b""), goodbye(9)];
    let expected = [
        began(9, b""),
        complete(9, b""),
        began(3, b""),
        complete(3, b""),
        Event::Goodbye { last: 9 },
    ];
    assert_eq!(events(client(), &frames).unwrap(), expected);
}

#[test]
fn a_head_is_refused_above_the_limit_alone() {
    for (length, fits) in [(9, true), (10, true), (11, false), (60_000, false)] {
        let head = vec![7; length];
        let frames = [
            frame(1, 0, 1, &head),
            frame(2, 1, 1, &[7; 1000]),
            frame(1, 1, 2, b"next"),
        ];
        let mut seen = events(server(), &frames).unwrap().into_iter();
        let first = seen.next().unwrap();
        assert_eq!(first == began(1, &head), fits);
        assert_eq!(first == Event::HeadTooLarge { id: 1 }, !fits);
        // The body of a good head is too large; that of a refused one is of no interest.
        let second = seen.next().unwrap();
        assert_eq!(second == Event::BodyTooLarge { id: 1 }, fits);
        assert_eq!(seen.last(), Some(complete(2, b"")));
    }
}

#[test]
fn a_body_is_refused_above_the_limit_alone_and_once() {
    for (length, fits) in [(19, true), (20, true), (21, false), (1000, false)] {
        let mut frames = vec![frame(1, 0, 1, b"h")];
        frames.extend((0..length).map(|_| frame(2, 0, 1, b"x")));
        frames.extend([frame(2, 1, 1, b""), frame(1, 1, 2, b"next")]);
        let mut expected = vec![began(1, b"h")];
        expected.push(match fits {
            true => complete(1, &vec![b'x'; length]),
            false => Event::BodyTooLarge { id: 1 },
        });
        expected.extend([began(2, b"next"), complete(2, b"")]);
        assert_eq!(events(server(), &frames).unwrap(), expected);
    }
}

#[test]
fn a_cancelled_or_discarded_message_leaves_room_for_the_next() {
    let frames = [
        frame(1, 0, 1, b"h"),
        cancel(1),
        cancel(99),
        frame(1, 1, 2, b""),
    ];
    let expected = [
        began(1, b"h"),
        Event::Cancelled { id: 1 },
        Event::Cancelled { id: 99 },
        began(2, b""),
        complete(2, b""),
    ];
    assert_eq!(events(server(), &frames).unwrap(), expected);

    let mut inbox = server();
    inbox.push(&PREFACE);
    inbox.push(&frame(1, 0, 1, b"h"));
    assert_eq!(drain(&mut inbox).unwrap(), [began(1, b"h")]);
    assert_eq!((inbox.message(), inbox.last_id()), (Some(1), 1));
    inbox.discard();
    inbox.push(&[frame(2, 0, 1, &[7; 1000]), frame(2, 1, 1, b"x")].concat());
    assert_eq!(drain(&mut inbox).unwrap(), []);
    assert_eq!(inbox.message(), None);
    assert!(!inbox.is_within_frame());
    inbox.push(&[1]);
    assert_eq!(inbox.next(), Ok(None));
    assert!(inbox.is_within_frame());
}

proptest! {
    #[test]
    fn what_is_written_is_read_whatever_the_pieces(
        messages in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..10),
                                           prop::collection::vec(any::<u8>(), 0..20)), 0..10),
        piece in 1..50_usize,
    ) {
        let mut bytes = PREFACE.to_vec();
        let mut expected = Vec::new();
        for (id, (head, body)) in (1..).zip(&messages) {
            bytes.extend(written(id, head, body));
            expected.extend([began(id, head), complete(id, body)]);
        }
        let mut inbox = server();
        let mut seen = Vec::new();
        for piece in bytes.chunks(piece) {
            inbox.push(piece);
            seen.extend(drain(&mut inbox).unwrap());
        }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn any_bytes_are_events_or_an_error_and_the_pieces_do_not_matter(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        kinds in prop::collection::vec((0..6_u8, 0..3_u8, 0..4_u32, 0..30_usize), 0..20),
        piece in 1..50_usize,
    ) {
        let mut wire = PREFACE.to_vec();
        for (kind, flags, id, length) in kinds {
            wire.extend(frame(kind, flags, id, &vec![7; length]));
        }
        wire.extend(bytes);
        let all_at_once = {
            let mut inbox = server();
            inbox.push(&wire);
            drain_to_error(&mut inbox)
        };
        let mut inbox = server();
        let (mut seen, mut error) = (Vec::new(), None);
        for piece in wire.chunks(piece) {
            inbox.push(piece);
            let (events, failed) = drain_to_error(&mut inbox);
            seen.extend(events);
            error = failed;
            if error.is_some() {
                break;
            }
        }
        prop_assert_eq!((seen, error), all_at_once);
    }
}

fn drain_to_error(inbox: &mut Inbox) -> (Vec<Event>, Option<FrameError>) {
    let mut events = Vec::new();
    loop {
        match inbox.next() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}
