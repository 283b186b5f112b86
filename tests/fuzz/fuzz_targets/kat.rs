//! Any text is known answers or an error with its line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pqfw_framework::catalogue::{Kat, KatError};

fuzz_target!(|text: &str| {
    match Kat::parse(text) {
        Ok(kat) => {
            for case in &kat.cases {
                let _ = case.value("dk");
            }
        }
        Err(KatError::Line(line) | KatError::Twice { line, .. }) => {
            assert!((1..=text.lines().count()).contains(&line));
        }
    }
});
