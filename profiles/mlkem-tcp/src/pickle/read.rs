//! The closed-subset reader: a stack, a memo of borrowed values, and no way to call anything.

use std::collections::BTreeMap;

use super::opcode::{
    BINBYTES, BINBYTES8, BINGET, BINPUT, BINUNICODE, EMPTY_DICT, FRAME, LONG_BINGET, LONG_BINPUT,
    MARK, MEMOIZE, PROTO, SETITEM, SETITEMS, SHORT_BINBYTES, SHORT_BINUNICODE, STOP, name_of,
};
use super::{Limits, PickleError, Value};

/// The closed subset. Nothing in it can call or import.
const READ: [u8; 17] = [
    PROTO,
    FRAME,
    EMPTY_DICT,
    MARK,
    MEMOIZE,
    BINPUT,
    LONG_BINPUT,
    BINGET,
    LONG_BINGET,
    SHORT_BINUNICODE,
    BINUNICODE,
    SHORT_BINBYTES,
    BINBYTES,
    BINBYTES8,
    SETITEM,
    SETITEMS,
    STOP,
];

/// Reads a whole pickle.
///
/// # Errors
/// [`PickleError`]; the input is looked at no further than where it is refused.
pub fn read<'a>(pickle: &'a [u8], limits: &Limits) -> Result<Value<'a>, PickleError> {
    if pickle.len() > limits.bytes {
        return Err(PickleError::TooLong {
            got: pickle.len(),
            limit: limits.bytes,
        });
    }
    let mut reading = Reading {
        pickle,
        position: 0,
        begin: 0,
        opcode: "PROTO",
        frame_end: None,
        stack: Vec::new(),
        memo: BTreeMap::new(),
        pushed: 0,
        limits,
    };
    loop {
        if let Some(value) = reading.step()? {
            return Ok(value);
        }
    }
}

enum Slot<'a> {
    Mark,
    Value(Value<'a>),
}

/// What the memo gives back: copies of a borrow, and never a dict.
#[derive(Clone, Copy)]
enum Remembered<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Dict,
}

struct Reading<'a, 'l> {
    pickle: &'a [u8],
    position: usize,
    /// Where the opcode at work begins, and its name.
    begin: usize,
    opcode: &'static str,
    frame_end: Option<usize>,
    stack: Vec<Slot<'a>>,
    memo: BTreeMap<u32, Remembered<'a>>,
    /// Values and marks pushed so far, whether they are still there or not.
    pushed: usize,
    limits: &'l Limits,
}

impl<'a> Reading<'a, '_> {
    /// Does one opcode; gives the value at the end.
    fn step(&mut self) -> Result<Option<Value<'a>>, PickleError> {
        self.begin = self.position;
        let [code] = self.array()?;
        let at = self.begin;
        self.opcode = name_of(code).ok_or(PickleError::NoOpcode { code, at })?;
        match code {
            _ if !READ.contains(&code) => {
                let name = self.opcode;
                return Err(PickleError::Opcode { name, at });
            }
            _ if (code == PROTO) != (at == 0) => return Err(PickleError::Proto { at }),
            PROTO => match self.array()? {
                [2..=5] => {}
                [other] => return Err(PickleError::Protocol(other)),
            },
            FRAME => self.frame()?,
            EMPTY_DICT => self.push(Slot::Value(Value::Dict(Vec::new())))?,
            MARK => self.push(Slot::Mark)?,
            MEMOIZE => self.put(u32::try_from(self.memo.len()).unwrap_or(u32::MAX))?,
            BINPUT => {
                let [index] = self.array()?;
                self.put(index.into())?;
            }
            LONG_BINPUT => {
                let index = u32::from_le_bytes(self.array()?);
                self.put(index)?;
            }
            BINGET => {
                let [index] = self.array()?;
                self.get(index.into())?;
            }
            LONG_BINGET => {
                let index = u32::from_le_bytes(self.array()?);
                self.get(index)?;
            }
            SHORT_BINUNICODE => {
                let [length] = self.array()?;
                self.text(length.into())?;
            }
            BINUNICODE => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length.into())?;
            }
            SHORT_BINBYTES => {
                let [length] = self.array()?;
                self.bytes(length.into())?;
            }
            BINBYTES => {
                let length = u32::from_le_bytes(self.array()?);
                self.bytes(length.into())?;
            }
            BINBYTES8 => {
                let length = u64::from_le_bytes(self.array()?);
                self.bytes(length)?;
            }
            SETITEM => {
                let from = self.stack.len().checked_sub(2).ok_or(self.stack_error())?;
                self.set_items(from)?;
            }
            SETITEMS => {
                let is_mark = |slot: &Slot<'_>| matches!(slot, Slot::Mark);
                let mark = self.stack.iter().rposition(is_mark);
                let mark = mark.ok_or(self.stack_error())?;
                self.stack.remove(mark);
                self.set_items(mark)?;
            }
            // STOP: the table above has no other.
            _ => return self.stop().map(Some),
        }
        match self.frame_end {
            Some(end) if self.position > end => Err(PickleError::Frame { at }),
            Some(end) if self.position == end => {
                self.frame_end = None;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn frame(&mut self) -> Result<(), PickleError> {
        let length = u64::from_le_bytes(self.array()?);
        if self.frame_end.is_some() {
            return Err(PickleError::Frame { at: self.begin });
        }
        let left = self.left();
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                self.frame_end = Some(self.position + length);
                Ok(())
            }
            _ => Err(self.truncated(length)),
        }
    }

    fn bytes(&mut self, length: u64) -> Result<(), PickleError> {
        let bytes = self.take(length)?;
        self.push(Slot::Value(Value::Bytes(bytes)))
    }

    fn text(&mut self, length: u64) -> Result<(), PickleError> {
        let bytes = self.take(length)?;
        let text = str::from_utf8(bytes).map_err(|_| PickleError::Text { at: self.begin })?;
        self.push(Slot::Value(Value::Text(text)))
    }

    fn push(&mut self, slot: Slot<'a>) -> Result<(), PickleError> {
        if self.pushed >= self.limits.values {
            return Err(PickleError::TooManyValues(self.limits.values));
        }
        self.pushed += 1;
        self.stack.push(slot);
        Ok(())
    }

    fn put(&mut self, index: u32) -> Result<(), PickleError> {
        let remembered = match self.stack.last() {
            Some(Slot::Value(Value::Bytes(bytes))) => Remembered::Bytes(bytes),
            Some(Slot::Value(Value::Text(text))) => Remembered::Text(text),
            Some(Slot::Value(Value::Dict(_))) => Remembered::Dict,
            Some(Slot::Mark) | None => return Err(self.stack_error()),
        };
        if self.memo.len() >= self.limits.memo && !self.memo.contains_key(&index) {
            return Err(PickleError::MemoFull(self.limits.memo));
        }
        self.memo.insert(index, remembered);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), PickleError> {
        let at = self.begin;
        let value = match self.memo.get(&index) {
            Some(Remembered::Bytes(bytes)) => Value::Bytes(bytes),
            Some(Remembered::Text(text)) => Value::Text(text),
            Some(Remembered::Dict) => return Err(PickleError::SharedDict { at }),
            None => return Err(PickleError::Memo { index, at }),
        };
        self.push(Slot::Value(value))
    }

    /// Puts the pairs from `from` on into the dict below them.
    fn set_items(&mut self, from: usize) -> Result<(), PickleError> {
        let (at, wrong, depth) = (self.begin, self.stack_error(), self.limits.depth);
        let mut pairs = self.stack.split_off(from).into_iter();
        let Some(Slot::Value(Value::Dict(items))) = self.stack.last_mut() else {
            return Err(wrong);
        };
        while let Some(key) = pairs.next() {
            let (Slot::Value(key), Some(Slot::Value(value))) = (key, pairs.next()) else {
                return Err(wrong);
            };
            let Value::Text(key) = key else {
                return Err(PickleError::Key { at });
            };
            if items.iter().any(|(known, _)| *known == key) {
                return Err(PickleError::DuplicateKey { at });
            }
            if value.depth() >= depth {
                return Err(PickleError::TooDeep(depth));
            }
            items.push((key, value));
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<Value<'a>, PickleError> {
        let wrong = self.stack_error();
        match self.left() {
            0 => {}
            left => return Err(PickleError::Trailing(left)),
        }
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(Slot::Value(value)), true) => Ok(value),
            _ => Err(wrong),
        }
    }

    fn left(&self) -> usize {
        self.pickle.len().saturating_sub(self.position)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let rest = self.pickle.get(self.position..).unwrap_or_default();
        let Some((array, _)) = rest.split_first_chunk() else {
            return Err(self.truncated(u64::try_from(N).unwrap_or(u64::MAX)));
        };
        self.position += N;
        Ok(*array)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], PickleError> {
        let rest = self.pickle.get(self.position..).unwrap_or_default();
        let taken = usize::try_from(length).ok().and_then(|n| rest.get(..n));
        let taken = taken.ok_or(self.truncated(length))?;
        self.position += taken.len();
        Ok(taken)
    }

    fn truncated(&self, wanted: u64) -> PickleError {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        PickleError::Truncated {
            opcode: self.opcode,
            at: self.begin,
            missing: wanted.saturating_sub(self.left()),
        }
    }

    fn stack_error(&self) -> PickleError {
        PickleError::Stack {
            opcode: self.opcode,
            at: self.begin,
        }
    }
}
