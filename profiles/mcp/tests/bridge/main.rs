//! Dialect `bridge`, both ends, without a socket or a clock that runs by itself.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod http;
mod limits;
mod machine;
mod sessions;
