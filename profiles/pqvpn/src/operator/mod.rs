//! What operators see of a node, and what they may do to it.
//!
//! ```text
//!  events ─▶ Board ─▶ Desk ─▶ GET /status /sessions /peers /logs, POST /rekey /drop
//!              └───▶ Numbers ─▶ GET /metrics
//! ```
//!
//! | file | what is in it |
//! | --- | --- |
//! | `board` | what has happened, by peer: bounded, and nothing secret |
//! | `desk` | the requests of the control socket |
//! | `numbers` | the metrics |

mod board;
mod desk;
mod numbers;

pub use board::{Board, PeerRow};
pub use desk::{Desk, NodeFacts};
pub use numbers::Numbers;
