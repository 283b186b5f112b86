//! Does the time of an operation depend on what is secret? An indication, and no proof.
//!
//! The method of dudect (O. Reparaz, J. Balasch, I. Verbauwhede: Dude, is my code constant time?
//! DATE 2017): two classes of input in random order, the time of each run, and Welch's t-test
//! between the classes, on all runs and on those below ever lower thresholds, since a slow run is
//! more often an interrupt than a leak.
//!
//! A large t says that the classes differ on this machine. A small one says that these two classes
//! did not, in this many runs. Nothing here is ever asserted in a test: the clock is an argument,
//! `examples/timing.rs` brings one, and docs/guide/conformance.md says how to read the figures.

mod measure;
mod scenarios;
mod statistics;

pub use measure::{Class, Runs, measure};
pub use scenarios::{Scenario, aead_scenarios, kem_scenarios};
pub use statistics::{Finding, Indication, analyse, welch};
