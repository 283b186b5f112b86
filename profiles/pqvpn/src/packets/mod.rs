//! The packets that a node carries, as pure functions of their bytes.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `ranges` | [`AllowedRanges`]: which addresses are whose |
//! | `head` | the addresses of a packet |
//! | `clamp` | [`clamp`]: segments of TCP that fit through the tunnel |

mod clamp;
mod head;
mod ranges;

pub use clamp::clamp;
pub use head::{destination, source};
pub use ranges::AllowedRanges;
