//! The service: both dialects over a transport in memory, and what they refuse.

mod challenges;
mod enrolment;
mod hall;
mod hardened;
mod operator;
mod refusals;
mod rounds;
mod support;
