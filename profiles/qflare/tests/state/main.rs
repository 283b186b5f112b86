//! The state of a server, in memory and on a disk: each law on both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod audit;
mod crash;
mod enrolment;
mod rounds;
mod support;
mod trouble;
