//! Every opcode that Python has, by its name in `pickletools`, so that a refusal can name it.

/// Identifies the protocol.
pub(super) const PROTO: u8 = 0x80;
/// Begins a frame.
pub(super) const FRAME: u8 = 0x95;
/// Pushes an empty dict.
pub(super) const EMPTY_DICT: u8 = b'}';
/// Pushes a mark.
pub(super) const MARK: u8 = b'(';
/// Remembers the top of the stack under the next number.
pub(super) const MEMOIZE: u8 = 0x94;
/// Remembers it under a number of one byte.
pub(super) const BINPUT: u8 = b'q';
/// Remembers it under a number of four bytes.
pub(super) const LONG_BINPUT: u8 = b'r';
/// Pushes what is remembered under a number of one byte.
pub(super) const BINGET: u8 = b'h';
/// Pushes what is remembered under a number of four bytes.
pub(super) const LONG_BINGET: u8 = b'j';
/// Pushes text with a length of one byte.
pub(super) const SHORT_BINUNICODE: u8 = 0x8c;
/// Pushes text with a length of four bytes.
pub(super) const BINUNICODE: u8 = b'X';
/// Pushes text with a length of eight bytes; written for what is longer than 4 GiB, never read.
pub(super) const BINUNICODE8: u8 = 0x8d;
/// Pushes bytes with a length of one byte.
pub(super) const SHORT_BINBYTES: u8 = b'C';
/// Pushes bytes with a length of four bytes.
pub(super) const BINBYTES: u8 = b'B';
/// Pushes bytes with a length of eight bytes.
pub(super) const BINBYTES8: u8 = 0x8e;
/// Puts one pair into a dict.
pub(super) const SETITEM: u8 = b's';
/// Puts all pairs since the mark into a dict.
pub(super) const SETITEMS: u8 = b'u';
/// Ends the pickle.
pub(super) const STOP: u8 = b'.';

/// The name of an opcode; `None` for a byte that is none.
#[must_use]
pub fn name_of(code: u8) -> Option<&'static str> {
    let found = NAMES.iter().find(|(known, _)| *known == code);
    found.map(|(_, name)| *name)
}

/// `pickletools.opcodes` of CPython 3.11, protocols 0 to 5.
const NAMES: [(u8, &str); 68] = [
    (b'(', "MARK"),
    (b')', "EMPTY_TUPLE"),
    (b'.', "STOP"),
    (b'0', "POP"),
    (b'1', "POP_MARK"),
    (b'2', "DUP"),
    (b'B', "BINBYTES"),
    (b'C', "SHORT_BINBYTES"),
    (b'F', "FLOAT"),
    (b'G', "BINFLOAT"),
    (b'I', "INT"),
    (b'J', "BININT"),
    (b'K', "BININT1"),
    (b'L', "LONG"),
    (b'M', "BININT2"),
    (b'N', "NONE"),
    (b'P', "PERSID"),
    (b'Q', "BINPERSID"),
    (b'R', "REDUCE"),
    (b'S', "STRING"),
    (b'T', "BINSTRING"),
    (b'U', "SHORT_BINSTRING"),
    (b'V', "UNICODE"),
    (b'X', "BINUNICODE"),
    (b']', "EMPTY_LIST"),
    (b'a', "APPEND"),
    (b'b', "BUILD"),
    (b'c', "GLOBAL"),
    (b'd', "DICT"),
    (b'e', "APPENDS"),
    (b'g', "GET"),
    (b'h', "BINGET"),
    (b'i', "INST"),
    (b'j', "LONG_BINGET"),
    (b'l', "LIST"),
    (b'o', "OBJ"),
    (b'p', "PUT"),
    (b'q', "BINPUT"),
    (b'r', "LONG_BINPUT"),
    (b's', "SETITEM"),
    (b't', "TUPLE"),
    (b'u', "SETITEMS"),
    (b'}', "EMPTY_DICT"),
    (0x80, "PROTO"),
    (0x81, "NEWOBJ"),
    (0x82, "EXT1"),
    (0x83, "EXT2"),
    (0x84, "EXT4"),
    (0x85, "TUPLE1"),
    (0x86, "TUPLE2"),
    (0x87, "TUPLE3"),
    (0x88, "NEWTRUE"),
    (0x89, "NEWFALSE"),
    (0x8a, "LONG1"),
    (0x8b, "LONG4"),
    (0x8c, "SHORT_BINUNICODE"),
    (0x8d, "BINUNICODE8"),
    (0x8e, "BINBYTES8"),
    (0x8f, "EMPTY_SET"),
    (0x90, "ADDITEMS"),
    (0x91, "FROZENSET"),
    (0x92, "NEWOBJ_EX"),
    (0x93, "STACK_GLOBAL"),
    (0x94, "MEMOIZE"),
    (0x95, "FRAME"),
    (0x96, "BYTEARRAY8"),
    (0x97, "NEXT_BUFFER"),
    (0x98, "READONLY_BUFFER"),
];
