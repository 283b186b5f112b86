//! What the servers of all transports share: who may come in, how many, how often and for how
//! long, and where the requests of exchanges are answered.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `reception` | [`open`]: a [`Door`], a place for each visitor, and the end of all |
//! | `answer` | [`Desk`]: one request: counted, read, given to the service on a thread, answered |
//! | `rate` | [`RequestRate`]: requests per minute from one address |
//! | `head` | [`RequestHead`], [`ResponseHead`]: heads as framed transports write them |
//! | `stop` | [`Stop`]: the wish to stop, which all connections hear |
//! | `patience` | [`seconds`]: limits in seconds as durations |
//! | `linger` | [`linger`]: closing so that the peer gets the last answer |
//! | `write_deadline` | [`WriteDeadline`]: what is sent must be taken in time |
//!
//! Nothing here opens a socket: streams and doors are arguments.

mod answer;
mod head;
mod linger;
mod patience;
mod rate;
mod reception;
mod stop;
mod write_deadline;

pub use answer::{Answer, Desk, Rest};
pub use head::{HeadError, RequestHead, ResponseHead, is_session};
pub use linger::linger;
pub use patience::seconds;
pub use rate::{COUNTED_ADDRESSES, RequestRate};
pub use reception::{Door, open, usable};
pub use stop::{Stop, Stopper};
pub use write_deadline::WriteDeadline;
