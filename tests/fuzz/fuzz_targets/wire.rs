//! Any bytes are read field by field or refused, and what was read writes back to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_framework::wire::{Reader, WireError, Writer};

fuzz_target!(|message: &[u8]| {
    let mut reader = Reader::new(message);
    let mut read = || -> Result<Vec<u8>, WireError> {
        let mut writer = Writer::new();
        writer.u8(reader.u8("a")?).u16(reader.u16("b")?);
        writer.u32(reader.u32("c")?).u64(reader.u64("d")?);
        writer.vector16("e", reader.vector16("e", 300)?)?;
        writer.vector32("f", reader.vector32("f", 70_000)?)?;
        Ok(writer.finish())
    };
    if let Ok(written) = read() {
        let taken = message.len() - reader.remaining();
        assert_eq!(written, message[..taken]);
        assert_eq!(reader.finish().is_ok(), taken == message.len());
    }
});
