//! `pqfw vpn`: a running node through its control socket, and the keys of one.

#[cfg(target_os = "linux")]
mod demo;
mod keys;
mod show;

use std::time::Duration;

use pqfw_control::Client;
use pqfw_framework::profile::Profile;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Failure;
use pqfw_framework::transport::{Exchange, Request};
use pqfw_pqvpn::config::Settings;
use serde_json::{Value, json};

use super::run::runtime;
use super::system;
use crate::args::vpn::{Vpn, VpnTarget};
use crate::args::{Common, ProfileArgs};
use crate::compose;
use crate::error::CliError;
use crate::output::Output;

const SYSTEM: &str = "pqvpn";
/// How often a live view looks.
const EVERY: Duration = Duration::from_secs(1);

pub(super) fn run(
    vpn: Vpn,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    match vpn {
        Vpn::Status {
            target,
            watch: true,
        } => watch(&Node::of(target, registry)?, output),
        Vpn::Status { target, .. } => {
            let node = Node::of(target, registry)?;
            node.print("/status", output, show::status)
        }
        Vpn::Sessions(target) => {
            Node::of(target, registry)?.print("/sessions", output, show::sessions)
        }
        Vpn::Peers(target) => Node::of(target, registry)?.print("/peers", output, show::peers),
        Vpn::Logs(target) => Node::of(target, registry)?.print("/logs", output, show::logs),
        Vpn::Rekey(wish) => Node::of(wish.target, registry)?.act("/rekey", &wish.peer, output),
        Vpn::Drop(wish) => Node::of(wish.target, registry)?.act("/drop", &wish.peer, output),
        Vpn::PeerId { files, profile } => {
            keys::peer_id(&files, ours(profile, registry)?, registry, output)
        }
        #[cfg(target_os = "linux")]
        Vpn::Demo { mib, profile, .. } => demo::run(mib << 20, profile, registry, output),
        #[cfg(not(target_os = "linux"))]
        Vpn::Demo { .. } => {
            let text = "network namespaces are Linux's: `pqfw run --profile pqvpn.toml` needs none";
            Err(CliError::usage(text))
        }
        Vpn::Keys(command) => keys::run(command, common, registry, output),
    }
}

/// The profile, which must be one of this system.
fn ours(args: ProfileArgs, registry: &Registry) -> Result<Profile, CliError> {
    system::profile(SYSTEM, args, registry)
}

/// A running node.
struct Node {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    fn of(target: VpnTarget, registry: &Registry) -> Result<Self, CliError> {
        let socket = match target.socket {
            Some(socket) => socket,
            None => {
                let profile = ours(target.profile, registry)?;
                let control = Settings::read(&profile)?.control;
                if control.socket.is_empty() {
                    let text = "control.socket is empty: this node has none";
                    return Err(CliError::usage(text));
                }
                compose::state_directory(&profile.name)?.join(control.socket)
            }
        };
        Ok(Self {
            client: Client::socket(socket),
            runtime: runtime()?,
        })
    }

    fn ask(&self, request: Request) -> Result<Value, CliError> {
        let answer = self.runtime.block_on(self.client.exchange(request))?;
        let read: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| CliError::new(Failure::Network, "the node answers with no JSON"))?;
        match answer.status {
            200 => Ok(read),
            status => {
                let detail = read.get("detail").and_then(Value::as_str);
                let detail = detail.map_or_else(|| format!("status {status}"), str::to_owned);
                Err(CliError::operation(format!("the node refuses: {detail}")))
            }
        }
    }

    fn print(
        &self,
        route: &str,
        output: &Output,
        show: impl Fn(&Value, &Output),
    ) -> Result<(), CliError> {
        let answer = self.ask(Request::get(route))?;
        match output.json {
            true => output.document(&answer),
            false => show(&answer, output),
        }
        Ok(())
    }

    fn act(&self, route: &str, peer: &str, output: &Output) -> Result<(), CliError> {
        let body = json!({ "peer": peer }).to_string().into_bytes();
        let answer = self.ask(Request::post(route, body))?;
        match output.json {
            true => output.document(&answer),
            false => output.line(&show::text(&answer, "peer")),
        }
        Ok(())
    }
}

/// A live view: over and over on a terminal, a line for each change in a pipe.
fn watch(node: &Node, output: &Output) -> Result<(), CliError> {
    let mut last = None;
    loop {
        let status = node.ask(Request::get("/status"))?;
        let sessions = node.ask(Request::get("/sessions"))?;
        if output.json {
            output.document(&json!({ "status": status, "sessions": sessions["sessions"] }));
        } else if output.is_terminal() {
            output.bytes(show::CLEAR);
            show::status(&status, output);
            output.line("");
            show::sessions(&sessions, output);
        } else {
            let line = show::line(&status, &sessions);
            if last.as_ref() != Some(&line) {
                output.line(&line);
            }
            last = Some(line);
        }
        let stopped = node.runtime.block_on(async {
            tokio::select! {
                () = pqfw_runtime::stop_signal() => true,
                () = tokio::time::sleep(EVERY) => false,
            }
        });
        if stopped {
            return Ok(());
        }
    }
}
