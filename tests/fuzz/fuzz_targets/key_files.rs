//! Any file is a key or an error, for every algorithm; what was read can be written and read again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::catalogue::{AlgorithmInfo, builtin};
use pqfw_framework::keys::{self, Fingerprint};

static ROWS: LazyLock<Vec<AlgorithmInfo>> = LazyLock::new(builtin);

fuzz_target!(|file: &[u8]| {
    for row in ROWS.iter() {
        if let Ok(key) = keys::public_from_file(row, file) {
            let pem = keys::public_to_pem(row, &key).expect("a key that was read");
            assert_eq!(keys::public_from_file(row, pem.as_bytes()), Ok(key));
        }
        if let Ok(parts) = keys::private_from_file(row, file) {
            let pem = keys::private_to_pem(row, &parts).expect("a key that was read");
            let again = keys::private_from_file(row, pem.as_bytes()).expect("our own file");
            // Of both forms the seed alone is written.
            let (first, second) = match (&parts.seed, &parts.expanded) {
                (Some(seed), _) => (Some(seed), again.seed.as_ref()),
                (None, expanded) => (expanded.as_ref(), again.expanded.as_ref()),
            };
            assert_eq!(first.map(|s| s.expose()), second.map(|s| s.expose()));
        }
    }
    if let Ok(text) = std::str::from_utf8(file)
        && let Some(fingerprint) = Fingerprint::parse(text)
    {
        assert_eq!(fingerprint.as_str(), text);
    }
});
