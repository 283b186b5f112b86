//! `pqfw describe`.

use pqfw_framework::registry::Registry;
use serde_json::json;

use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn describe(
    algorithm: &str,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let info = registry.describe(algorithm)?;
    let entries = registry.entries_of(&info.id);
    let profiles = used_by(&info.id, registry);
    if output.json {
        output.document(&json!({
            "id": info.id,
            "kind": info.kind().name(),
            "aliases": info.aliases,
            "not_to_be_confused_with": info.not_to_be_confused_with.iter()
                .map(|(id, difference)| json!({ "id": id, "difference": difference }))
                .collect::<Vec<_>>(),
            "specification": info.specification,
            "oid": info.oid,
            "tls_code_point": info.tls_code_point,
            "sizes": info.sizes.table().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "category": info.category,
            "status": info.status.name(),
            "claims": info.claims,
            "providers": entries.iter().map(|entry| json!({
                "name": entry.provider().name,
                "version": entry.provider().version,
                "constant_time": entry.provider().constant_time.to_string(),
                "constant_time_source": entry.provider().constant_time_source,
            })).collect::<Vec<_>>(),
            "profiles": profiles,
        }));
        return Ok(());
    }
    let field = |name: &str, value: &str| {
        if !value.is_empty() {
            output.line(&format!(
                "{} {value}",
                output.paint(Tone::Faint, &format!("{name:<16}"))
            ));
        }
    };
    output.line(&output.paint(Tone::Strong, &info.id));
    field("kind", info.kind().name());
    field("specification", &info.specification);
    field("status", info.status.name());
    let category = match info.category {
        0 => "none: no post-quantum claim".to_owned(),
        category => format!("NIST category {category}"),
    };
    field("category", &category);
    field("claims", &info.claims.join(", "));
    field("aliases", &info.aliases.join(", "));
    for (id, difference) in &info.not_to_be_confused_with {
        field("is not", &format!("{id}: {difference}"));
    }
    field("OID", info.oid.as_deref().unwrap_or_default());
    field(
        "TLS",
        &info
            .tls_code_point
            .map(|point| format!("{point:#06x}"))
            .unwrap_or_default(),
    );
    for (name, bytes) in info.sizes.table() {
        field(&name.replace('_', " "), &format!("{bytes} bytes"));
    }
    for (index, entry) in entries.iter().enumerate() {
        let provider = entry.provider();
        let claim = match provider.constant_time_source.as_str() {
            "" => format!("constant time {}", provider.constant_time),
            source => format!("constant time {} ({source})", provider.constant_time),
        };
        let (name, version) = (&provider.name, &provider.version);
        field(
            &format!("provider {}", index + 1),
            &format!("{name}: {version}; {claim}"),
        );
    }
    field("used by", &profiles.join(", "));
    Ok(())
}

/// The shipped profiles that name the algorithm, each with the dialect that does.
fn used_by(id: &str, registry: &Registry) -> Vec<String> {
    let is_it = |name: &String| registry.describe(name).is_ok_and(|row| row.id == id);
    let mut profiles = Vec::new();
    for system in registry.systems().map(|system| system.info()) {
        for dialect in &system.dialects {
            let set = [("dialect".to_owned(), dialect.name.to_owned())];
            let Ok((profile, _)) = crate::compose::resolve(system.name, &set, registry) else {
                continue;
            };
            let uses = profile.suite_names().iter().any(|suite| {
                let parts = [&suite.kem, &suite.signature, &suite.aead, &suite.kdf];
                parts.into_iter().flatten().any(is_it)
            });
            if uses {
                profiles.push(format!("{} ({})", system.name, dialect.name));
            }
        }
    }
    profiles
}
