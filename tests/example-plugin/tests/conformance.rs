//! The conformance kit, as any plugin runs it over itself: one line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Fault, faulty};
use pqfw_example_plugin::plugin;
use pqfw_framework::conformance::{InsecureChance, assert_conforms};
use pqfw_framework::registry::Plugin;

#[test]
fn the_example_conforms() {
    assert_conforms(plugin(), &mut InsecureChance::new(0));
}

/// The text of the panic.
fn complaint(plugin: Plugin) -> String {
    let work = || assert_conforms(plugin, &mut InsecureChance::new(0));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_faulty_example_does_not_and_the_checks_are_named() {
    for (fault, check) in [
        (Fault::GeneratesOneKey, "fresh-keys"),
        (Fault::GeneratesOneKey, "injected-randomness"),
        (Fault::GeneratedKeysDecapsulateWrongly, "round-trip"),
        (Fault::ShortPublicKey, "sizes"),
        (Fault::RefusesPrivateKeys, "admission"),
        (Fault::CannotEncapsulate, "fresh-secrets"),
    ] {
        let text = complaint(faulty(fault));
        let failed = text
            .lines()
            .any(|line| line.trim() == format!("fail {check}"));
        assert!(failed, "{check} is not in: {text}");
        assert!(
            text.starts_with("plugin `faulty` does not conform"),
            "{text}"
        );
    }
}

#[test]
fn a_plugin_without_code_does_not_conform_in_silence() {
    assert!(complaint(Plugin::new("empty")).contains("brings no algorithm's code"));
    let twice = plugin().row(pqfw_example_plugin::row());
    assert!(complaint(twice).contains("already means"));
}
