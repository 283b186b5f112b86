//! Why a pickle is not read.

use thiserror::Error;

/// Why a pickle is not read. Always the fault of whoever wrote it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PickleError {
    /// An opcode outside the closed subset: at worst an attempt to run code here.
    #[error(
        "the pickle holds the opcode {name} at byte {at}; only bytes, str and dict are read here, \
         and nothing was run"
    )]
    Opcode {
        /// Its name in `pickletools`.
        name: &'static str,
        /// Where.
        at: usize,
    },
    /// A byte that is no opcode at all.
    #[error("byte {at} of the pickle is {code:#04x}, which is no opcode")]
    NoOpcode {
        /// The byte.
        code: u8,
        /// Where.
        at: usize,
    },
    /// It does not begin with its protocol, or does so twice.
    #[error("byte {at} of the pickle: the opcode PROTO comes first, and once")]
    Proto {
        /// Where.
        at: usize,
    },
    /// A protocol that there is not: 2 to 5 say their number.
    #[error("pickle protocol {0}: 2, 3, 4 and 5 are read")]
    Protocol(u8),
    /// It ends too early.
    #[error("the pickle ends {missing} bytes too early, in {opcode} at byte {at}")]
    Truncated {
        /// The opcode that lacks them.
        opcode: &'static str,
        /// Where it begins.
        at: usize,
        /// How many are missing at least.
        missing: usize,
    },
    /// It goes on after its end.
    #[error("{0} bytes follow the end of the pickle")]
    Trailing(usize),
    /// A frame that does not end between two opcodes, or has another inside.
    #[error("the frame around byte {at} of the pickle does not end where an opcode ends")]
    Frame {
        /// Where the opcode begins that crosses the end.
        at: usize,
    },
    /// An opcode finds on the stack what it cannot use, or nothing.
    #[error("{opcode} at byte {at} of the pickle has not what it needs on the stack")]
    Stack {
        /// The opcode.
        opcode: &'static str,
        /// Where.
        at: usize,
    },
    /// A key that is no text.
    #[error("a dict that ends at byte {at} of the pickle has a key that is no str")]
    Key {
        /// Where.
        at: usize,
    },
    /// A key that stands there twice: readers would disagree about its value.
    #[error("a dict that ends at byte {at} of the pickle has a key twice")]
    DuplicateKey {
        /// Where.
        at: usize,
    },
    /// Text that is not UTF-8.
    #[error("the str at byte {at} of the pickle is not UTF-8")]
    Text {
        /// Where.
        at: usize,
    },
    /// Nothing is remembered under this number.
    #[error("the pickle asks at byte {at} for memo {index}, which is not there")]
    Memo {
        /// The number.
        index: u32,
        /// Where.
        at: usize,
    },
    /// A dict is used twice: repeated, that grows without bound.
    #[error("the pickle uses one dict twice, at byte {at}; only bytes and str may be shared")]
    SharedDict {
        /// Where.
        at: usize,
    },
    /// Longer than the limit.
    #[error("a pickle of {got} bytes: at most {limit}")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More values than the limit.
    #[error("the pickle holds more than {0} values")]
    TooManyValues(usize),
    /// More remembered than the limit.
    #[error("the pickle remembers more than {0} values")]
    MemoFull(usize),
    /// Dicts deeper than the limit.
    #[error("the pickle holds dicts more than {0} deep")]
    TooDeep(usize),
}
