//! The rules of the house as tests. Each rule is a function over file texts, so that a planted
//! violation can be shown to make it speak; the test named after the rule runs it on this
//! repository.
//!
//! Where to look: [`workspace`] reads manifests and sources, [`tokens`] finds paths and strings in
//! them; every other module is one rule.

#![expect(
    clippy::unwrap_used,
    reason = "a rule that cannot read the repository has failed"
)]

mod architecture;
mod errors;
mod guides;
mod layering;
mod names;
mod outside_world;
mod registration;
mod style;
mod tokens;
mod versions;
mod workspace;

/// Fails with a list, one finding a line.
#[track_caller]
fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
