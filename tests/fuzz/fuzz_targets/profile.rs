//! Any text is a profile or an error; a profile gives all it promises.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::registry::Registry;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_qu3::plugin())
        .build()
        .expect("one plugin")
});

fuzz_target!(|text: &str| {
    // `--set` pairs stand in the text as comments, so that a seed can be read.
    let pairs = text
        .lines()
        .filter_map(|line| line.strip_prefix("#set ")?.split_once('='));
    let set = pairs
        .map(|(path, value)| (path.trim().into(), value.trim().into()))
        .collect();
    let environment = vec![("PQFW__LOGGING__LEVEL".into(), "info".into())];
    let overrides = Overrides { set, environment };
    match Profile::resolve(text, "fuzz", &overrides, &REGISTRY) {
        Ok(profile) => {
            assert!(
                profile
                    .suite_names()
                    .iter()
                    .all(|suite| !suite.kem.is_empty())
            );
            assert!(!profile.name.is_empty() && !profile.name.contains('/'));
            let _ = profile.transport_settings();
            if let Ok(system) = REGISTRY.system(&profile.common.system) {
                let _ = system
                    .check_table(&profile)
                    .map_err(|error| error.to_string());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
