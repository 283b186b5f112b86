//! Lists every example plugin in its `Cargo.toml` and names none: the linker drops them all.

fn main() -> std::process::ExitCode {
    pqfw::main_with(Vec::new())
}
