//! The `pqfw` binary.

fn main() {}
