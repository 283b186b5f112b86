//! Model files: those of numpy and of the safetensors library are read, and what is not as it
//! should be is refused (`tests/vectors/qflare/ORIGIN.md`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod files;
mod refusals;
mod stored;
mod support;
