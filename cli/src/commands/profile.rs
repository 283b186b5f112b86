//! `pqfw profile`.

use pqfw_framework::profile;
use pqfw_framework::registry::Registry;
use serde_json::json;

use crate::args::ProfileCommand;
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn run(
    command: ProfileCommand,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    match command {
        ProfileCommand::List => {
            list(registry, output);
            Ok(())
        }
        ProfileCommand::Show { name } => {
            let bare = name.strip_suffix(".toml").unwrap_or(&name);
            let text = registry.system(bare)?.info().shipped_profile;
            if output.json {
                output.document(&json!({ "name": bare, "toml": text }));
            } else {
                output.bytes(text.as_bytes());
            }
            Ok(())
        }
        ProfileCommand::Schema => {
            output.line(&format!("{:#}", profile::schema(registry)));
            Ok(())
        }
    }
}

fn list(registry: &Registry, output: &Output) {
    let infos: Vec<_> = registry.systems().map(|system| system.info()).collect();
    if output.json {
        let rows = infos.iter().map(|info| {
            let dialects = info
                .dialects
                .iter()
                .map(|dialect| json!({ "name": dialect.name, "summary": dialect.summary }));
            json!({
                "name": info.name,
                "summary": info.summary,
                "dialects": dialects.collect::<Vec<_>>(),
                "roles": info.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        });
        return output.document(&rows.collect());
    }
    let rows: Vec<_> = infos
        .iter()
        .map(|info| {
            let dialects: Vec<_> = info.dialects.iter().map(|dialect| dialect.name).collect();
            let roles: Vec<_> = info.roles.iter().map(ToString::to_string).collect();
            vec![
                (Tone::Strong, info.name.to_owned()),
                (Tone::Plain, dialects.join(", ")),
                (Tone::Plain, roles.join(", ")),
                (Tone::Plain, info.summary.to_owned()),
            ]
        })
        .collect();
    output.table(&["PROFILE", "DIALECTS", "ROLES", "SUMMARY"], &rows);
}
