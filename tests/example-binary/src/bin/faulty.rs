//! The toy KEM with one fault, for the tests: `EXAMPLE_FAULT` says which.

use std::process::ExitCode;

use pqfw_example_plugin::{ID, KNOWN_ANSWERS, Toy, provider, row};
use pqfw_framework::catalogue::Sizes;
use pqfw_framework::registry::Plugin;

fn main() -> ExitCode {
    let fault = std::env::var("EXAMPLE_FAULT").unwrap_or_default();
    let mut row = row();
    let mut id = "Faulty-KEM";
    match fault.as_str() {
        "known-answers" => row.known_answers = KNOWN_ANSWERS.replace("ct = a0", "ct = a1"),
        "sizes" => {
            if let Sizes::Kem(sizes) = &mut row.sizes {
                sizes.ciphertext += 1;
            }
        }
        "name" => id = ID,
        _ => {}
    }
    row.id = id.into();
    pqfw::main_with(vec![Plugin::new("faulty").row(row).kem(
        id,
        provider(),
        Toy,
    )])
}
