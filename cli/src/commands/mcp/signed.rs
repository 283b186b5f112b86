//! The commands of dialect `pqc-mcp-0.1`: a client's, and the identity's.

use std::path::Path;

use pqfw_framework::keys::{PrivateKeyParts, new_identity, private_to_pem, stored_identity};
use pqfw_framework::python_json::Json;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Failure;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::identity::{Algorithms, Identity};
use pqfw_mcp::signed::message::printable;
use pqfw_mcp::signed::tools::ToolInfo;
use serde_json::{Value, json};

use crate::args::mcp::{McpSigned, McpSignedTarget};
use crate::args::{Common, ProfileArgs};
use crate::compose::Composed;
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

pub(super) fn run(
    command: McpSigned,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let compose = |target| super::client(reaching(target), common, registry, output);
    match command {
        McpSigned::Call {
            tool,
            arguments,
            target,
        } => {
            let arguments = signed::arguments(&arguments)?;
            let composed = compose(target)?;
            let content = super::super::run::runtime()?.block_on(async {
                let client = connect(&composed).await?;
                let content = client.call_tool(&tool, &arguments).await?;
                client.close();
                Ok::<_, CliError>(content)
            })?;
            if output.json {
                output.document(&json!({ "content": to_value(&content)? }));
            } else {
                output.line(&content.default_text());
            }
            Ok(())
        }
        McpSigned::ListTools { target } => {
            let composed = compose(target)?;
            let tools = super::super::run::runtime()?.block_on(async {
                let client = connect(&composed).await?;
                let tools = client.list_tools().await?;
                client.close();
                Ok::<_, CliError>(tools)
            })?;
            if output.json {
                let row = |tool: &ToolInfo| {
                    let (name, description) = (&tool.name, &tool.description);
                    json!({ "name": name, "description": description })
                };
                output.document(&tools.iter().map(row).collect());
                return Ok(());
            }
            let rows: Vec<_> = tools
                .iter()
                .map(|tool| {
                    let (name, description) = (printable(&tool.name), printable(&tool.description));
                    vec![(Tone::Strong, name), (Tone::Plain, description)]
                })
                .collect();
            output.table(&["TOOL", "DESCRIPTION"], &rows);
            Ok(())
        }
    }
}

async fn connect(composed: &Composed) -> Result<signed::client::PqcMcpClient, CliError> {
    let config: McpConfig = composed.profile.system_table()?;
    Ok(signed::connect(&config, &composed.profile, &composed.host).await?)
}

fn reaching(target: McpSignedTarget) -> ProfileArgs {
    let mut args = in_dialect(target.profile);
    let mut set = |key: &str, value: Option<String>| {
        args.set.extend(value.map(|value| (key.to_owned(), value)));
    };
    set("transport.connect", target.to);
    set("mcp.server_did", target.server_did);
    args
}

/// The same, in the dialect of these commands.
pub(super) fn in_dialect(mut args: ProfileArgs) -> ProfileArgs {
    args.set.push(("dialect".into(), signed::DIALECT.into()));
    args
}

/// The content crosses from the wire's JSON to the command line's by its text.
fn to_value(json: &Json) -> Result<Value, CliError> {
    serde_json::from_str(&json.canonical())
        .map_err(|error| CliError::new(Failure::Operation, format!("the content: {error}")))
}

/// Makes the identity, or takes one over, and shows it.
pub(super) fn new(
    composed: &Composed,
    import: Option<&Path>,
    force: bool,
    output: &Output,
) -> Result<(), CliError> {
    let (profile, host) = (&composed.profile, &composed.host);
    let (name, signature) = (&profile.common.keys.identity, &host.suite.signature);
    let taken = stored_identity(&*host.keys, name, signature);
    if !matches!(taken, Ok(None)) && !force {
        let place = host.keys.describe();
        let text = format!(
            "{place}/{name} is there; --force replaces it, and every peer that knows it will \
             refuse the new one"
        );
        return Err(CliError::operation(text));
    }
    match import {
        Some(file) => take_over(composed, file)?,
        None => drop(
            new_identity(&*host.keys, name, signature, &mut *host.world.rng())
                .map_err(PqcTransportError::from)?,
        ),
    }
    show(composed, output)
}

/// Takes over an identity file of the published package, as PKCS#8 with mode 0600.
fn take_over(composed: &Composed, file: &Path) -> Result<(), CliError> {
    let (profile, host) = (&composed.profile, &composed.host);
    let signature = &host.suite.signature;
    let bytes = files::read(file)?;
    let digest = &host.suite.did_digest;
    let parts = super::super::keys::mcp_identity::read(signature.info(), &bytes, digest)?;
    // The halves must be of one key, and of the profile's algorithm whatever the label says.
    let key = signature
        .import_private_key(&parts)
        .map_err(|error| CliError::operation(format!("{}: {error}", file.display())))?;
    let parts = PrivateKeyParts {
        public_key: Some(key.verifying_key()),
        ..parts
    };
    let pem = private_to_pem(signature.info(), &parts)?;
    let name = &profile.common.keys.identity;
    Ok(host.keys.write(name, pem.as_bytes(), true)?)
}

/// Prints the DID and the fingerprint.
pub(super) fn show(composed: &Composed, output: &Output) -> Result<(), CliError> {
    let (profile, host) = (&composed.profile, &composed.host);
    let config: McpConfig = profile.system_table()?;
    let algorithms = Algorithms::of(&host.suite, &config)?;
    let identity = Identity::load(algorithms, profile, host)?;
    let algorithms = identity.algorithms();
    let fingerprint = algorithms.fingerprint(identity.public_key())?;
    let algorithm = &algorithms.signature().info().id;
    if output.json {
        output.document(&json!({
            "did": identity.did().as_str(),
            "fingerprint": fingerprint.as_str(),
            "algorithm": algorithm,
            "label": algorithms.label(),
            "directory": host.keys.describe(),
        }));
        return Ok(());
    }
    output.line(&format!("{} ({algorithm})", identity.did()));
    output.line(&output.paint(Tone::Faint, fingerprint.as_str()));
    Ok(())
}
