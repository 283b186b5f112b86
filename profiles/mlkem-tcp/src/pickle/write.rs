//! The writer: protocol 4, framed as CPython frames it.

use super::Value;
use super::opcode::{
    BINBYTES, BINBYTES8, BINUNICODE, BINUNICODE8, EMPTY_DICT, FRAME, MARK, MEMOIZE, PROTO, SETITEM,
    SETITEMS, SHORT_BINBYTES, SHORT_BINUNICODE, STOP,
};

/// Writes a pickle: the bytes that `pickle.dumps(value, 4)` gives for distinct objects.
///
/// CPython writes an object that it meets twice by its memo; here every value is another object,
/// which differs where a dict holds two empty or two equal one-byte `bytes`, or equal literals.
#[must_use]
pub fn write(value: &Value<'_>) -> Vec<u8> {
    let mut writer = Writer {
        written: vec![PROTO, 4],
        frame: Vec::new(),
    };
    writer.save(value);
    writer.frame.push(STOP);
    writer.end_frame();
    writer.written
}

/// CPython ends a frame from this length on, and writes what is as long outside of any.
const FRAME_TARGET: usize = 64 << 10;
/// CPython writes fewer bytes than this without a frame.
const FRAME_LEAST: usize = 4;
/// CPython puts at most this many pairs into a dict at once.
const BATCH: usize = 1000;

struct Writer {
    written: Vec<u8>,
    frame: Vec<u8>,
}

/// The opcodes of one type for lengths of one, four and eight bytes.
type ByLength = [u8; 3];

impl Writer {
    fn save(&mut self, value: &Value<'_>) {
        match value {
            Value::Bytes(bytes) => self.sized([SHORT_BINBYTES, BINBYTES, BINBYTES8], bytes),
            Value::Text(text) => self.text(text),
            Value::Dict(items) => self.dict(items),
        }
    }

    fn text(&mut self, text: &str) {
        self.sized([SHORT_BINUNICODE, BINUNICODE, BINUNICODE8], text.as_bytes());
    }

    fn dict(&mut self, items: &[(&str, Value<'_>)]) {
        self.boundary();
        self.frame.extend([EMPTY_DICT, MEMOIZE]);
        if let [(key, value)] = items {
            self.text(key);
            self.save(value);
            self.frame.push(SETITEM);
            return;
        }
        for batch in items.chunks(BATCH) {
            self.frame.push(MARK);
            for (key, value) in batch {
                self.text(key);
                self.save(value);
            }
            self.frame.push(SETITEMS);
        }
        if !items.is_empty() && items.len().is_multiple_of(BATCH) {
            self.frame.extend([MARK, SETITEMS]);
        }
    }

    fn sized(&mut self, [short, medium, long]: ByLength, bytes: &[u8]) {
        self.boundary();
        let (code, length) = match (u8::try_from(bytes.len()), u32::try_from(bytes.len())) {
            (Ok(length), _) => (short, vec![length]),
            (_, Ok(length)) => (medium, length.to_le_bytes().to_vec()),
            _ => (long, eight(bytes.len()).to_vec()),
        };
        let outside = bytes.len() >= FRAME_TARGET;
        if outside {
            self.end_frame();
        }
        let to = if outside {
            &mut self.written
        } else {
            &mut self.frame
        };
        to.push(code);
        to.extend(length);
        to.extend(bytes);
        self.frame.push(MEMOIZE);
    }

    /// Before every value CPython looks whether the frame is long enough.
    fn boundary(&mut self) {
        if self.frame.len() >= FRAME_TARGET {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        let frame = std::mem::take(&mut self.frame);
        if frame.len() >= FRAME_LEAST {
            self.written.push(FRAME);
            self.written.extend(eight(frame.len()));
        }
        self.written.extend(frame);
    }
}

/// Eight bytes wherever this runs: no pointer is longer.
fn eight(length: usize) -> [u8; 8] {
    u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes()
}
