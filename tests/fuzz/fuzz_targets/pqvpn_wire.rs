//! Gives every reader of PQVPN any bytes: none panics, and what was read is written as it was.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::world::World;
use pqfw_fuzz::SUITE;
use pqfw_memory::SeededWorld;
use pqfw_pqvpn::session::Content;
use pqfw_pqvpn::wire::{DataHead, Frame, Hello, Retry};
use pqfw_pqvpn::{PeerId, Record, Suites};

static SUITES: LazyLock<Suites> =
    LazyLock::new(|| Suites::new(vec![SUITE.clone()]).expect("one suite"));

fuzz_target!(|bytes: &[u8]| {
    match Frame::read(bytes) {
        Ok(Frame::Control(head, body)) => {
            assert_eq!([&head.write(body.len()), body].concat(), bytes);
        }
        Ok(Frame::Data(head)) => assert!(bytes.starts_with(&head.write())),
        Err(_) => {}
    }
    assert_eq!(
        DataHead::read(bytes).is_ok(),
        matches!(Frame::read(bytes), Ok(Frame::Data(_)))
    );
    if let Ok(hello) = Hello::read(bytes) {
        assert_eq!(Hello::read(&hello.write()), Ok(hello));
    }
    if let Ok(retry) = Retry::read(bytes) {
        assert_eq!(retry.write(), bytes);
    }
    match Content::read(bytes) {
        Ok(Content::Control(control)) => {
            let again = control.write();
            assert_eq!(Content::read(&again), Ok(Content::Control(control)));
        }
        Ok(Content::Packet(packet)) => assert!(bytes.starts_with(packet)),
        _ => {}
    }
    let now = SeededWorld::new(0).now();
    // A record that was signed may be among the seeds.
    let _ = Record::read(bytes, &SUITES, now);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(id) = PeerId::parse(text)
    {
        assert_eq!(PeerId::parse(&id.to_string()), Some(id));
    }
});
