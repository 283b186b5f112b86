//! What `qu3-1` refuses, survives and answers, each against `docs/protocols/qu3.md` and the
//! specification behind it. One idea per file; `support` has the people and the houses.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

mod agility;
mod bad_requests;
mod broken_answers;
mod copied_keys;
mod demo;
mod expiry;
mod forgery;
mod hardened;
mod honest_client;
mod key_files;
mod liar;
mod lies;
mod models;
mod pins;
mod policies;
mod policy_law;
mod policy_records;
mod refusals;
mod refused_client;
mod replay;
mod session_model;
mod support;
mod trust;
mod unprocessable;
mod upstream;
