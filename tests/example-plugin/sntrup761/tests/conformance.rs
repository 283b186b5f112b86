//! The conformance kit over this plugin: sizes, round trips, refusals, randomness, secrecy.

use pqfw_framework::conformance::{InsecureChance, assert_conforms};

#[test]
fn the_plugin_conforms() {
    assert_conforms(
        pqfw_example_sntrup761::plugin(),
        &mut InsecureChance::new(1),
    );
}
