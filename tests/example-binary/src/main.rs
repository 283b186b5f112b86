//! All of pqfw, with four plugins of a third party in it.

// Through the one door: named, so that the linker keeps its registration.
use pqfw_example_plugin as _;

fn main() -> std::process::ExitCode {
    // Through the other: given. These register themselves too, and are still one plugin each.
    pqfw::main_with(vec![
        pqfw_example_pigeon::plugin(),
        pqfw_example_postcard::plugin(),
        pqfw_example_sntrup761::plugin(),
    ])
}
