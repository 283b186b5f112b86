//! Learning, so that attack and defence can be seen: ten devices, handwritten digits, and a few
//! that lie.
//!
//! ```text
//! digits ─▶ Federation::split ─┬▶ Trainer ─▶ update ─┐
//!                              ├▶ Trainer ─▶ update ─┼▶ aggregate ─▶ the next model ─▶ accuracy
//!                              ├▶ Liar    ─▶ a lie  ─┘
//!                              └▶ examples that nobody trains on
//! ```
//!
//! The demo and the tests learn with it; a server never does. A seed is a whole run: two runs of a
//! seed are the same bits on one machine. On another the exponential function may differ in its
//! last bit, and with it the last bits of an update; what [`aggregate`](crate::aggregate) makes of
//! given updates does not.

mod chance;
mod digits;
mod federation;
mod lie;
mod softmax;

pub use chance::Chance;
pub use digits::{CLASSES, DIGITS, Example, PIXELS, read_digits};
pub use federation::{Federation, Trainer};
pub use lie::Lie;
pub use softmax::{VALUES, accuracy, train, untrained};
