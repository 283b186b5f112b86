//! `pqfw probe`: which groups and signature schemes of TLS 1.3 a server takes.
//!
//! One connection for each group alone and for each scheme alone. Nothing that the server shows is
//! verified, and nothing is sent after the handshake.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::catalogue::{Kind, TLS_GROUPS};
use pqfw_framework::registry::Registry;
use pqfw_framework::transport::TlsGroup;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_tls::rustls::SignatureScheme;
use pqfw_tls::{Answered, Probe};
use serde_json::json;
use tokio::time::timeout;

use crate::args::probe as args;
use crate::error::CliError;
use crate::output::{Output, Tone};

/// Schemes that servers sign with and that are no algorithms of the registry.
const RSA: [(&str, SignatureScheme); 3] = [
    ("RSA-PSS-SHA256", SignatureScheme::RSA_PSS_SHA256),
    ("RSA-PSS-SHA384", SignatureScheme::RSA_PSS_SHA384),
    ("RSA-PSS-SHA512", SignatureScheme::RSA_PSS_SHA512),
];

/// One thing that was asked for.
struct Asked {
    kind: &'static str,
    name: String,
    code_point: u16,
    taken: bool,
    reason: Option<String>,
}

pub(super) fn run(
    probe: &args::Probe,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let split = probe.server.rsplit_once(':');
    let host = split.map(|(host, _)| host.to_owned());
    let host = host.ok_or_else(|| CliError::usage("write HOST:PORT, such as localhost:443"))?;
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let server = Server { probe, host, world };
    let groups = groups(registry, output)?;
    let schemes = schemes(registry);
    let asked = super::run::runtime()?.block_on(server.ask_all(&groups, &schemes))?;
    show(probe, &asked, output);
    Ok(())
}

/// Every group that this build can compute: the bare hybrids of TLS, and each KEM.
fn groups(registry: &Registry, output: &Output) -> Result<Vec<TlsGroup>, CliError> {
    let kems = registry.rows().filter(|row| row.kind() == Kind::Kem);
    let kems = kems.filter(|row| !registry.entries_of(&row.id).is_empty());
    let hybrids = TLS_GROUPS.iter().map(|(name, _, _)| (*name).to_owned());
    let names: Vec<_> = hybrids.chain(kems.map(|row| row.id.clone())).collect();
    super::resolve(registry, output, |resolver| {
        names.iter().map(|name| resolver.tls_group(name)).collect()
    })
}

/// Every scheme with a name here.
fn schemes(registry: &Registry) -> Vec<(String, SignatureScheme)> {
    let signatures = registry.rows().filter(|row| row.kind() == Kind::Signature);
    let ours = signatures.map(|row| (row.id.clone(), pqfw_tls::scheme(row)));
    let rsa = RSA
        .iter()
        .map(|(name, scheme)| ((*name).to_owned(), *scheme));
    ours.chain(rsa).collect()
}

struct Server<'a> {
    probe: &'a args::Probe,
    host: String,
    world: Arc<dyn World>,
}

impl Server<'_> {
    async fn ask_all(
        &self,
        groups: &[TlsGroup],
        schemes: &[(String, SignatureScheme)],
    ) -> Result<Vec<Asked>, CliError> {
        let every_scheme: Vec<_> = schemes.iter().map(|(_, scheme)| *scheme).collect();
        let (mut asked, mut taken) = (Vec::new(), Vec::new());
        for group in groups {
            let answered = self.ask(std::slice::from_ref(group), &every_scheme).await?;
            let agreed = answered.group == Some(group.code_point);
            if agreed {
                taken.push(group.clone());
            }
            asked.push(Asked {
                kind: "group",
                name: group.name.clone(),
                code_point: group.code_point,
                taken: agreed,
                reason: answered.end.filter(|_| !agreed),
            });
        }
        for (name, scheme) in schemes {
            // Without a group there is no question about schemes.
            if taken.is_empty() {
                break;
            }
            let answered = self.ask(&taken, &[*scheme]).await?;
            let code_point = u16::from(*scheme);
            let signed = answered.scheme == Some(code_point);
            asked.push(Asked {
                kind: "signature",
                name: name.clone(),
                code_point,
                taken: signed,
                reason: answered.end.filter(|_| !signed),
            });
        }
        Ok(asked)
    }

    /// One question. A server that cannot be reached at all ends the probe.
    async fn ask(
        &self,
        groups: &[TlsGroup],
        schemes: &[SignatureScheme],
    ) -> Result<Answered, CliError> {
        let alpn: Vec<_> = self.probe.alpn.iter().map(String::as_bytes).collect();
        let probe = Probe::new(groups, schemes, &alpn, &self.world)?;
        let patience = Duration::from_secs(self.probe.timeout_secs);
        let late = || Answered {
            group: None,
            scheme: None,
            end: Some("no answer in time".into()),
        };
        let answered = async {
            if self.probe.quic {
                return Ok(pqfw_quic::ask(&probe, &self.probe.server, &self.host).await?);
            }
            Ok(pqfw_tcp::ask(&probe, &self.probe.server, &self.host).await?)
        };
        match timeout(patience, answered).await {
            Ok(answered) => answered,
            Err(_) => Ok(late()),
        }
    }
}

fn show(probe: &args::Probe, asked: &[Asked], output: &Output) {
    if output.json {
        let rows = asked.iter().map(|one| {
            json!({
                "kind": one.kind,
                "name": one.name,
                "code_point": one.code_point,
                "taken": one.taken,
                "reason": one.reason,
            })
        });
        return output.document(&json!({
            "server": probe.server,
            "transport": if probe.quic { "quic" } else { "tcp" },
            "verified": false,
            "asked": rows.collect::<Vec<_>>(),
        }));
    }
    let rows: Vec<_> = asked
        .iter()
        .map(|one| {
            let (tone, taken) = match one.taken {
                true => (Tone::Strong, "yes"),
                false => (Tone::Faint, "-"),
            };
            vec![
                (Tone::Plain, one.kind.to_owned()),
                (tone, one.name.clone()),
                (Tone::Plain, format!("{:#06x}", one.code_point)),
                (tone, taken.to_owned()),
                (Tone::Faint, one.reason.clone().unwrap_or_default()),
            ]
        })
        .collect();
    output.table(&["KIND", "NAME", "NUMBER", "TAKEN", "WHY NOT"], &rows);
}
