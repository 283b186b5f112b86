//! Whatever parses prints texts that parse to the same value, and prints itself again unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_framework::python_json::{Limits, parse};

fuzz_target!(|text: &[u8]| {
    let limits = Limits {
        bytes: usize::MAX,
        depth: 64,
    };
    let Ok(json) = parse(text, limits) else {
        return;
    };
    let canonical = json.canonical();
    let again = parse(canonical.as_bytes(), limits).expect("our own canonical text");
    assert_eq!(again, json);
    assert_eq!(again.canonical(), canonical);
    for text in [json.default_text(), json.default_sorted_text()] {
        assert!(text.is_ascii());
        assert_eq!(parse(text.as_bytes(), limits).as_ref(), Ok(&json));
    }
});
