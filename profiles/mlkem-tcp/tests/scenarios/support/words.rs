//! Bytes as `tests/vectors/mlkem-tcp/make_pickles.py` writes them, and its file.

use std::sync::LazyLock;

use serde_json::Value as Json;

/// The files beside the script.
pub(crate) static PICKLES: LazyLock<Json> = LazyLock::new(|| {
    let text = include_str!("../../../../../tests/vectors/mlkem-tcp/pickles.json");
    serde_json::from_str(text).unwrap()
});

/// Hexadecimal words; `XX*N` is the byte XX, N times.
pub(crate) fn bytes(json: &Json) -> Vec<u8> {
    let words = json.as_str().unwrap().split_whitespace();
    words
        .flat_map(|word| match word.split_once('*') {
            Some((byte, count)) => hex(byte).repeat(count.parse().unwrap()),
            None => hex(word),
        })
        .collect()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
