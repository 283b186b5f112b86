//! `pqfw plugin check`: whether a plugin is linked, admitted, and conforms.

use pqfw_framework::registry::Registry;

use super::super::conform;
use crate::args::Conform;
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn run(name: &str, registry: &Registry, output: &Output) -> Result<(), CliError> {
    if !registry.plugins().any(|plugin| plugin == name) {
        let module = name.replace('-', "_");
        let known: Vec<_> = registry.plugins().collect();
        return Err(CliError::usage(format!(
            "no plugin `{name}` is linked into this binary; a crate that is only listed in \
             Cargo.toml is dropped by the linker: write `use {module} as _;` in main.rs, or give \
             its plugin to `pqfw::main_with`; linked are: {}",
            known.join(", ")
        )));
    }
    let entries = registry.entries().filter(|entry| entry.plugin() == name);
    if entries.count() == 0 {
        let text = format!("{name} brings no algorithm: nothing to measure");
        output.line_err(&output.paint_err(Tone::Faint, &text));
        return Ok(());
    }
    let conform = Conform {
        plugin: Some(name.into()),
        mutants: false,
        vectors: Vec::new(),
    };
    conform::run(&conform, registry, output)
}
