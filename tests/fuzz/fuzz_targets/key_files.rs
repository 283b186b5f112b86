//! Any file is a key or an error, for every algorithm; what was read can be written and read again,
//! in every form that it has.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::keys::{self, Content, Fingerprint, PrivateKeyForm, PrivateKeyParts};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::builder().build().expect("the built-in rows"));

fuzz_target!(|file: &[u8]| {
    for row in REGISTRY.rows() {
        if let Ok(key) = keys::public_from_file(row, file) {
            let pem = keys::public_to_pem(row, &key).expect("a key that was read");
            assert_eq!(keys::public_from_file(row, pem.as_bytes()), Ok(key));
        }
        if let Ok(parts) = keys::private_from_file(row, file) {
            written_and_read_again(row, &parts);
        }
    }
    identified(file);
    if let Ok(text) = std::str::from_utf8(file)
        && let Some(fingerprint) = Fingerprint::parse(text)
    {
        assert_eq!(fingerprint.as_str(), text);
    }
});

fn written_and_read_again(row: &AlgorithmInfo, parts: &PrivateKeyParts) {
    let form = parts.form().expect("a file holds at least one form");
    let forms = [
        None,
        Some(PrivateKeyForm::Seed),
        Some(PrivateKeyForm::Expanded),
        Some(PrivateKeyForm::Both),
    ];
    for wanted in forms {
        let Ok(der) = keys::private_to_der(row, parts, wanted) else {
            assert!(
                wanted.is_some() && wanted != Some(form),
                "its own form is written"
            );
            continue;
        };
        let again = keys::private_from_file(row, der.expose()).expect("our own file");
        let same = |first: &Option<SecretBytes>, second: &Option<SecretBytes>| {
            second.is_none()
                || first.as_ref().map(|s| s.expose()) == second.as_ref().map(|s| s.expose())
        };
        assert!(same(&parts.seed, &again.seed) && same(&parts.expanded, &again.expanded));
        assert!(again.public_key.is_none() || again.public_key == parts.public_key);
        let pem = keys::private_der_to_pem(der.expose()).expect("our own file");
        assert!(keys::private_from_file(row, pem.as_bytes()).is_ok());
    }
}

fn identified(file: &[u8]) {
    let Ok(found) = keys::identify(&REGISTRY, file) else {
        return;
    };
    match &found.content {
        Content::Public { key } => {
            for row in &found.candidates {
                assert_eq!(keys::public_from_file(row, file).as_ref(), Ok(key));
            }
        }
        Content::Private { form, .. } => {
            for row in &found.candidates {
                let parts = keys::private_from_file(row, file).expect("it was identified");
                assert_eq!(parts.form(), *form);
            }
        }
        Content::Encrypted(encryption) => {
            assert!(found.candidates.is_empty());
            // Only what costs next to nothing is worked on: the limits are seconds.
            let numbers = encryption.kdf.split(|c: char| !c.is_ascii_digit());
            let cost = numbers.filter_map(|digits| digits.parse().ok());
            let cost = cost.fold(1_u64, |cost, number: u64| {
                cost.saturating_mul(number.max(1))
            });
            if cost < 1 << 20 {
                let passphrase = SecretBytes::copy_of(b"passphrase");
                drop(keys::decrypt_private(file, &passphrase));
            }
        }
    }
}
