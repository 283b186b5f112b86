//! QFLARE: federated learning in which devices enrol, send signed updates and take the next model.
//! `docs/protocols/qflare.md` is its specification.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`aggregate`] | many devices' weights into one model, by rules that some liars cannot move |
//! | [`learning`] | devices that learn digits, and devices that lie: for the demo and the tests |
//! | [`model`] | named tensors, the files that hold them, and their hash |
//! | [`state`] | tokens, devices, rounds, updates, receipts and the audit, on any store |
//!
//! This crate opens no socket, reads no file and names no algorithm. The service around it is to
//! come.

pub mod aggregate;
pub mod learning;
pub mod model;
pub mod state;
