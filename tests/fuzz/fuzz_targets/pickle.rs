//! Any bytes are refused, or read as bytes, text and dicts that are written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_mlkem_tcp::pickle::{self, Limits, Value};

/// All the bytes that a value holds, and whether its depth is within the limit.
fn bytes_of(value: &Value<'_>, depth: usize) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
        Value::Dict(items) => {
            assert!(depth > 0, "deeper than the limit");
            let item = |(key, value): &(&str, Value<'_>)| key.len() + bytes_of(value, depth - 1);
            items.iter().map(item).sum()
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits::default();
    match pickle::read(input, &limits) {
        Ok(value) => {
            // Borrowed from the input, at most once for every value that may be pushed.
            assert!(bytes_of(&value, limits.depth) <= input.len() * limits.values);
            let written = pickle::write(&value);
            // Written, every dict of several items has a mark, and everything is remembered.
            let wide = Limits {
                bytes: usize::MAX,
                values: 2 * limits.values,
                memo: limits.values,
                ..limits
            };
            assert_eq!(pickle::read(&written, &wide), Ok(value));
        }
        Err(refusal) => assert!(refusal.to_string().len() < 200),
    }
});
