//! Python's pickle, as far as bytes, text and dicts go.
//!
//! To unpickle is to run a program for a machine that can import and call anything: whoever does it
//! with bytes from the network has given the machine away. This reader knows the opcodes that build
//! bytes, text and dicts and has no others, so there is nothing that a pickle could call. Whatever
//! else it holds is refused with the opcode's name, before anything after it is looked at.
//!
//! - [`read`] borrows from its input: a value never takes more memory than its pickle and
//!   [`Limits::values`] small records, whatever the memo is used for.
//! - [`write()`] gives the bytes that CPython gives (protocol 4, framed), of distinct objects.

mod error;
mod opcode;
mod read;
mod write;

pub use error::PickleError;
pub use opcode::name_of;
pub use read::read;
pub use write::write;

/// A value that a pickle of the closed subset holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `bytes`.
    Bytes(&'a [u8]),
    /// `str`, without lone surrogates.
    Text(&'a str),
    /// `dict` with distinct texts for keys, in the order of the pickle.
    Dict(Vec<(&'a str, Value<'a>)>),
}

impl Value<'_> {
    /// What Python calls its type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "str",
            Self::Dict(_) => "dict",
        }
    }

    /// How many dicts are inside each other.
    fn depth(&self) -> usize {
        match self {
            Self::Bytes(_) | Self::Text(_) => 0,
            Self::Dict(items) => {
                let deepest = items.iter().map(|(_, value)| value.depth()).max();
                deepest.unwrap_or(0) + 1
            }
        }
    }
}

/// What a pickle may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole pickle.
    pub bytes: usize,
    /// Values, keys and marks pushed in all.
    pub values: usize,
    /// Values remembered.
    pub memo: usize,
    /// Dicts inside each other.
    pub depth: usize,
}

impl Default for Limits {
    /// Generous for the messages of this system, whose largest pushes ten and remembers nine.
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            values: 64,
            memo: 64,
            depth: 4,
        }
    }
}
