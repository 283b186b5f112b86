//! The `pqfw` binary: the built-in plugins and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    pqfw::main_with(Vec::new())
}
