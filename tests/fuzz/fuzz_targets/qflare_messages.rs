//! Messages, transcripts and tokens of `qflare-2`: what is read is written as the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_qflare::hardened::{EnrolToken, Message, Update};

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = Message::decode(input) {
        assert_eq!(message.encode().expect("a message that was read"), input);
    }
    if let Ok(update) = Update::decode(input) {
        assert_eq!(update.encode().expect("a transcript that was read"), input);
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(token) = EnrolToken::parse(text)
    {
        assert_eq!(*token.expose(), text.trim());
    }
});
