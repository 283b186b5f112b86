//! The service: both dialects over a transport in memory, and what they refuse.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod challenges;
mod enrolment;
mod hall;
mod hardened;
mod hardened_refusals;
mod middle;
mod operator;
mod refusals;
mod rounds;
mod support;
mod switched;
