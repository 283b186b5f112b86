//! Both ends without a wire: messages arrive however they are cut, and every fault ends the session.

use pqfw_framework::system::Failure;
use pqfw_mlkem_tcp::frame::{self, FrameError};
use pqfw_mlkem_tcp::pickle::PickleError;
use pqfw_mlkem_tcp::public_box::{BoxError, seal};
use pqfw_mlkem_tcp::session::{ExpectGreeting, Said, ServerSession, SessionError};
use pqfw_mlkem_tcp::trust::TrustError;
use pqfw_mlkem_tcp::wire::MessageError;

use crate::support::people::{anybody, client, pair, plain, server, signed};
use crate::support::{MAX_FRAME_BYTES, rng, suite};

fn hear(server: &mut ServerSession, mut bytes: &[u8]) -> Result<Vec<Said>, SessionError> {
    let mut heard = Vec::new();
    while let Some(said) = server.receive(&mut bytes)? {
        heard.push(said);
    }
    Ok(heard)
}

#[test]
fn messages_arrive_however_they_are_cut() {
    let (client, _) = pair(&suite());
    let lines = ["hello", "", "aß😀", " EXIT "];
    let frames = lines.map(|line| client.say(line, &mut rng(3)).unwrap());
    let stream = frames.concat();
    for cut in [1, 7, 1000, stream.len()] {
        let (_, mut server) = pair(&suite());
        let pieces = stream.chunks(cut);
        let heard: Vec<_> = pieces
            .flat_map(|piece| hear(&mut server, piece).unwrap())
            .collect();
        let expected = [
            Said::Line("hello".into()),
            Said::Line(String::new()),
            Said::Line("aß😀".into()),
            Said::Exit(" EXIT ".into()),
        ];
        assert_eq!(heard, expected);
        assert_eq!(server.end(), Ok(()));
    }
}

#[test]
fn a_server_refuses_what_is_no_message_of_its_own() {
    let (client, _) = pair(&suite());
    let good = client.say("hello", &mut rng(3)).unwrap();
    let mut changed = good.clone();
    let last = changed.len() - 60;
    changed[last] ^= 1;
    let too_long = (MAX_FRAME_BYTES + 1).to_be_bytes()[4..].to_vec();
    let evil = frame::encode(b"\x80\x04cos\nsystem\n.", 100).unwrap();
    let elsewhere = plain(&suite());
    let key = suite()
        .kem
        .generate(&mut rng(9))
        .unwrap()
        .encapsulation_key();
    let key = suite().kem.import_encapsulation_key(&key).unwrap();
    let to_another = seal(&suite(), &key, &mut rng(4), b"hello", b"")
        .unwrap()
        .payload();
    let to_another = frame::encode(&to_another, MAX_FRAME_BYTES).unwrap();
    let key = elsewhere.kem.encapsulation_key();
    let key = suite().kem.import_encapsulation_key(&key).unwrap();
    let no_text = seal(&suite(), &key, &mut rng(4), b"\xff", b"")
        .unwrap()
        .payload();
    let no_text = frame::encode(&no_text, MAX_FRAME_BYTES).unwrap();
    let opcode = PickleError::Opcode {
        name: "GLOBAL",
        at: 2,
    };
    let limit = FrameError::TooLong {
        got: MAX_FRAME_BYTES + 1,
        limit: MAX_FRAME_BYTES,
    };
    for (bytes, refusal, failure) in [
        (
            changed,
            SessionError::Box(BoxError::Rejected),
            Failure::Authentication,
        ),
        (
            to_another,
            SessionError::Box(BoxError::Rejected),
            Failure::Authentication,
        ),
        (no_text, SessionError::Text, Failure::Operation),
        (too_long, SessionError::Frame(limit), Failure::Operation),
        (
            evil,
            SessionError::Message(MessageError::Pickle(opcode)),
            Failure::Operation,
        ),
    ] {
        let mut server = server(&suite(), plain(&suite()));
        assert_eq!(hear(&mut server, &good).unwrap().len(), 1);
        assert_eq!(hear(&mut server, &bytes), Err(refusal.clone()));
        assert_eq!(refusal.failure(), failure);
    }
}

#[test]
fn a_client_that_vanishes_inside_a_message_is_noticed() {
    let (client, mut server) = pair(&suite());
    let frame = client.say("hello", &mut rng(3)).unwrap();
    assert_eq!(hear(&mut server, &frame[..frame.len() - 1]), Ok(Vec::new()));
    let truncated = SessionError::Frame(FrameError::Truncated { missing: 1 });
    assert_eq!(server.end(), Err(truncated));
}

#[test]
fn a_client_waits_for_the_whole_key() {
    for keys in [plain(&suite()), signed(&suite(), 5)] {
        let greeting = server(&suite(), keys).greeting().unwrap();
        for cut in [0, 3, 4, 100, greeting.len() - 1] {
            assert!(
                client(&suite(), anybody(), &greeting[..cut])
                    .unwrap()
                    .is_none()
            );
        }
        assert!(client(&suite(), anybody(), &greeting).unwrap().is_some());
    }
}

#[test]
fn a_server_that_goes_or_goes_on_is_refused() {
    let greeting = server(&suite(), plain(&suite())).greeting().unwrap();
    let more = [&greeting[..], b"x"].concat();
    let refused = client(&suite(), anybody(), &more).err();
    assert_eq!(refused, Some(SessionError::Unexpected));

    let mut expect = ExpectGreeting::new(suite(), anybody(), MAX_FRAME_BYTES);
    assert_eq!(expect.end(), SessionError::NoGreeting);
    expect.receive(&mut &greeting[..10]).unwrap();
    let missing = greeting.len() - 10;
    let truncated = SessionError::Frame(FrameError::Truncated { missing });
    assert_eq!(expect.end(), truncated);
    assert_eq!(truncated.failure(), Failure::Network);
}

#[test]
fn a_client_ends_where_the_key_is_not_believed() {
    let greeting = server(&suite(), plain(&suite())).greeting().unwrap();
    let trust = pqfw_mlkem_tcp::trust::Trust {
        signed: true,
        pins: Vec::new(),
    };
    let refused = client(&suite(), trust, &greeting).err();
    assert_eq!(refused, Some(SessionError::Trust(TrustError::Unsigned)));
}

#[test]
fn a_line_fills_a_frame_and_no_more() {
    let (client, mut server) = pair(&suite());
    let room = MAX_FRAME_BYTES - client.say(&"a".repeat(300), &mut rng(3)).unwrap().len() + 4 + 300;
    for (length, fits) in [(room - 1, true), (room, true), (room + 1, false)] {
        let said = client.say(&"a".repeat(length), &mut rng(3));
        assert_eq!(said.is_ok(), fits);
        match said {
            Ok(frame) => assert_eq!(hear(&mut server, &frame).unwrap().len(), 1),
            Err(error) => assert!(matches!(
                error,
                SessionError::Frame(FrameError::TooLong { .. })
            )),
        }
    }
}
