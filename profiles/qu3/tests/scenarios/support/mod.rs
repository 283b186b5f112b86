//! What every scenario needs.

mod bodies;
mod house;
mod odd_store;
mod peer;
mod people;
mod suites;

pub(crate) use bodies::{
    accepted, assert_bad, assert_refused, bytes, json, object, post, string, undecryptable,
    with_field, with_flipped_bit,
};
pub(crate) use house::{House, Told};
pub(crate) use odd_store::OddStore;
pub(crate) use peer::{Peer, URL, good_bodies, hello, seal, session_key, statement, text_input};
pub(crate) use people::{KeyFolder, Who, keys_of, public_keys_of, stored_keys};
pub(crate) use suites::{DEPLOYED, REGISTRY, suite, suite_of};
