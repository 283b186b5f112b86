//! Aggregation, seen from outside: against numpy, against liars, and against the order of arrival.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod attacks;
mod learning;
mod oracle;
mod properties;
mod refusals;
mod support;
