//! Pickles that are refused: every opcode outside the subset by its name, and every other fault.

use pqfw_mlkem_tcp::pickle::{Limits, PickleError, Value, name_of, read};

use crate::support::words::{PICKLES, bytes, hex};

const SMALL: Limits = Limits {
    bytes: 200,
    values: 9,
    memo: 3,
    depth: 2,
};

/// The closed subset, as the protocol's page lists it.
const SUBSET: [&str; 17] = [
    "PROTO",
    "FRAME",
    "EMPTY_DICT",
    "MARK",
    "MEMOIZE",
    "BINPUT",
    "LONG_BINPUT",
    "BINGET",
    "LONG_BINGET",
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "SHORT_BINBYTES",
    "BINBYTES",
    "BINBYTES8",
    "SETITEM",
    "SETITEMS",
    "STOP",
];

fn refusal(pickle: &[u8]) -> PickleError {
    read(pickle, &SMALL).unwrap_err()
}

/// A pickle of protocol 4 that is as good as its body.
fn body(body: &[u8]) -> Vec<u8> {
    [b"\x80\x04", body].concat()
}

#[test]
fn every_opcode_of_python_has_its_name_and_those_outside_the_subset_are_refused_by_it() {
    let table = include_str!("../../../../tests/vectors/mlkem-tcp/opcodes.tsv");
    let mut known = [false; 256];
    for line in table.lines() {
        let (code, name) = line.split_once('\t').unwrap();
        let code = hex(code)[0];
        known[usize::from(code)] = true;
        assert_eq!(name_of(code), Some(name));
        let refused = PickleError::Opcode { name, at: 2 };
        let outside = !SUBSET.contains(&name);
        let refused = read(&[0x80, 4, code, 0, 0, 0, 0], &SMALL) == Err(refused);
        assert_eq!(refused, outside, "{name}");
    }
    for code in (0..=255).filter(|code| !known[usize::from(*code)]) {
        assert_eq!(name_of(code), None);
        let nothing = PickleError::NoOpcode { code, at: 2 };
        assert_eq!(refusal(&[0x80, 4, code]), nothing);
    }
    assert_eq!(known.iter().filter(|known| **known).count(), 68);
}

#[test]
fn what_would_run_code_in_python_is_refused_by_the_opcode_that_would() {
    for row in PICKLES["refused"].as_array().unwrap() {
        let expected = row["opcode"].as_str().unwrap();
        let pickle = bytes(&row["pickle"]);
        match read(&pickle, &Limits::default()).unwrap_err() {
            PickleError::Opcode { name, .. } => assert_eq!(name, expected, "{}", row["name"]),
            other => panic!("{}: {other}", row["name"]),
        }
    }
}

#[test]
fn a_refusal_says_what_and_where() {
    let text = refusal(b"\x80\x04cos\nsystem\n.").to_string();
    assert!(text.contains("the opcode GLOBAL at byte 2"), "{text}");
    assert!(text.contains("nothing was run"), "{text}");
}

#[test]
fn a_protocol_comes_first_and_once() {
    assert_eq!(refusal(b"C\0."), PickleError::Proto { at: 0 });
    assert_eq!(refusal(b"\x80\x04\x80\x04."), PickleError::Proto { at: 2 });
    for protocol in [0, 1, 6, 255] {
        let other = PickleError::Protocol(protocol);
        assert_eq!(refusal(&[0x80, protocol, b'C', 0, b'.']), other);
    }
}

#[test]
fn an_early_end_is_told_wherever_it_is() {
    let whole = b"\x80\x04\x95\x0d\0\0\0\0\0\0\0}\x94\x8c\x01aB\x01\0\0\0bs.";
    assert!(read(whole, &SMALL).is_ok());
    for cut in 0..whole.len() {
        let refused = refusal(&whole[..cut]);
        assert!(
            matches!(refused, PickleError::Truncated { .. }),
            "{cut}: {refused}"
        );
    }
    let missing = PickleError::Truncated {
        opcode: "BINBYTES8",
        at: 2,
        missing: usize::MAX - 1,
    };
    assert_eq!(
        refusal(&body(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.")),
        missing
    );
}

#[test]
fn a_late_end_is_refused() {
    assert_eq!(refusal(&body(b"C\0..")), PickleError::Trailing(1));
}

#[test]
fn frames_end_between_opcodes_and_hold_no_other() {
    for (pickle, at) in [
        // It ends inside an opcode, one byte early.
        (&b"\x95\x01\0\0\0\0\0\0\0C\0."[..], 11),
        // One within another.
        (b"\x95\x0b\0\0\0\0\0\0\0\x95\x02\0\0\0\0\0\0\0C\0.", 11),
    ] {
        assert_eq!(refusal(&body(pickle)), PickleError::Frame { at });
    }
    let empty = body(b"\x95\x00\0\0\0\0\0\0\0C\0.");
    assert_eq!(read(&empty, &SMALL), Ok(Value::Bytes(b"")));
}

#[test]
fn an_opcode_without_what_it_needs_is_refused() {
    for (pickle, opcode, at) in [
        (&b"."[..], "STOP", 2),
        (b"(.", "STOP", 3),
        (b"C\0C\0.", "STOP", 6),
        (b"\x94", "MEMOIZE", 2),
        (b"(q\0", "BINPUT", 3),
        (b"s", "SETITEM", 2),
        (b"C\0C\0C\0s", "SETITEM", 8),
        (b"}(C\0s", "SETITEM", 6),
        (b"u", "SETITEMS", 2),
        (b"(u", "SETITEMS", 3),
        (b"}\x8c\x01aC\0u", "SETITEMS", 8),
        (b"}(\x8c\x01au", "SETITEMS", 7),
        (b"C\0(\x8c\x01aC\0u", "SETITEMS", 10),
    ] {
        let expected = PickleError::Stack { opcode, at };
        assert_eq!(refusal(&body(pickle)), expected, "{pickle:?}");
    }
}

#[test]
fn keys_are_distinct_texts() {
    assert_eq!(refusal(&body(b"}C\0C\0s.")), PickleError::Key { at: 7 });
    let twice = body(b"}(\x8c\x01aC\0\x8c\x01aC\0u.");
    assert_eq!(refusal(&twice), PickleError::DuplicateKey { at: 14 });
    let later = body(b"}\x8c\x01aC\0s\x8c\x01aC\0s.");
    assert_eq!(refusal(&later), PickleError::DuplicateKey { at: 14 });
}

#[test]
fn text_is_utf_8() {
    for bad in [
        &b"\x8c\x01\xff."[..],
        b"X\x03\0\0\0\xed\xa0\x80.",
        b"\x8c\x02\xc0\x80.",
    ] {
        assert_eq!(refusal(&body(bad)), PickleError::Text { at: 2 });
    }
}

#[test]
fn only_what_is_remembered_is_given_back_and_never_a_dict() {
    assert_eq!(
        refusal(&body(b"h\x07.")),
        PickleError::Memo { index: 7, at: 2 }
    );
    let wide = body(b"C\0r\xff\xff\xff\xffj\xfe\xff\xff\xff.");
    let missing = PickleError::Memo {
        index: u32::MAX - 1,
        at: 9,
    };
    assert_eq!(refusal(&wide), missing);
    // The dict that is its own item, and the one that doubles at every level.
    let cycle = body(b"}\x94\x8c\x01ah\0s.");
    assert_eq!(refusal(&cycle), PickleError::SharedDict { at: 7 });
    let value = body(b"}(\x8c\x01aC\x02hi\x94\x8c\x01bh\0u.");
    let items = vec![("a", Value::Bytes(b"hi")), ("b", Value::Bytes(b"hi"))];
    assert_eq!(read(&value, &SMALL), Ok(Value::Dict(items)));
}

/// The refusal of a pickle with this body, if any.
fn outcome(parts: &[&[u8]]) -> Option<PickleError> {
    read(&body(&parts.concat()), &SMALL).err()
}

#[test]
fn a_pickle_has_at_most_so_many_bytes() {
    for (length, refused) in [(194, false), (195, false), (196, true)] {
        let too_long = PickleError::TooLong {
            got: 201,
            limit: 200,
        };
        let outcome = outcome(&[&[b'C', length], &vec![0; length.into()], b"."]);
        assert_eq!(outcome, refused.then_some(too_long));
    }
}

#[test]
fn a_pickle_pushes_at_most_so_many_values() {
    for (values, refused) in [(8, false), (9, false), (10, true)] {
        let marks = b"(u".repeat(values - 1);
        let too_many = PickleError::TooManyValues(9);
        let outcome = outcome(&[b"}", &marks, b"."]);
        assert_eq!(outcome, refused.then_some(too_many));
    }
}

#[test]
fn a_pickle_remembers_at_most_so_many_values() {
    for (times, refused) in [(2, false), (3, false), (4, true)] {
        let outcome = outcome(&[b"C\0", &b"\x94".repeat(times), b"."]);
        assert_eq!(outcome, refused.then_some(PickleError::MemoFull(3)));
    }
    // The same number again is not one more.
    assert_eq!(outcome(&[b"C\0q\x01q\x02q\x03q\x01q\x02."]), None);
}

#[test]
fn dicts_are_at_most_so_deep() {
    for (depth, refused) in [(1, false), (2, false), (3, true)] {
        let begin = b"}\x8c\x01a".repeat(depth - 1);
        let outcome = outcome(&[&begin, b"}", &b"s".repeat(depth - 1), b"."]);
        assert_eq!(outcome, refused.then_some(PickleError::TooDeep(2)));
    }
}
