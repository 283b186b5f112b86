//! Any text is a query or an error, and any name is found, or refused with a name that is found.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::registry::{Query, Registry, ResolveError};

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::builder().build().expect("the built-in rows"));

fuzz_target!(|text: &str| {
    if let Ok(query) = text.parse::<Query>() {
        assert!(
            REGISTRY.rows().filter(|row| query.matches(row)).count() <= REGISTRY.rows().count()
        );
    }
    match REGISTRY.find(text) {
        Ok(row) => assert!(REGISTRY.find(&row.id).is_ok_and(|same| same.id == row.id)),
        Err(ResolveError::UnknownAlgorithm {
            nearest: Some(nearest),
            ..
        }) => {
            assert!(REGISTRY.find(&nearest).is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
