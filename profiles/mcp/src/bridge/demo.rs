//! The scenario of `role = "demo"`: a host, an MCP server that knows nothing of bridges, a stranger,
//! and an attacker who holds the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::process::Command;
use pqfw_framework::scene::{Quiet, Scene, failed};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::waiting::within;
use pqfw_session::{Config as Channel, Identity, PeerCheck, PinnedPeers};
use serde_json::{Value, json};

use super::PROTOCOL;
use super::audit::Audit;
use super::caller::{Bounds, Caller, Session};
use super::error::BridgeError;
use super::filter::{ANY_PEER, AllowLists};
use super::purpose::Purpose;
use super::serve::{Parts, Server, Serves};
use super::wire::Wire;

/// Plays the scenario, with `command` for a server, or with the demonstration's own.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(
    policy: &str,
    bounds: Bounds,
    command: &[String],
    mut host: Host,
) -> Result<(), RunError> {
    let own = || {
        let program = host.outside.processes.this_program()?;
        Some(vec![program, "mcp".into(), "demo-server".into()])
    };
    let given = (!command.is_empty()).then(|| command.to_vec());
    let command = given
        .or_else(own)
        .ok_or_else(|| failed("no MCP server: set mcp.command"))?;
    let suites: Vec<Suite> = std::iter::once(&host.suite)
        .chain(&host.alternatives)
        .cloned()
        .collect();
    let people = [(); 3].map(|()| identities(&suites, &host));
    let [server_is, host_is, stranger_is] = people;
    let (server_is, host_is) = (server_is?, host_is?);
    let (known, server) = (fingerprints(&host_is), fingerprints(&server_is));
    let end = |identities, peers: Vec<Fingerprint>| {
        let peers: Arc<dyn PeerCheck> = Arc::new(PinnedPeers::new(peers));
        let suites = suites.clone();
        let channel = Channel::new(PROTOCOL.into(), policy.into(), suites, identities, peers);
        channel.map(Arc::new).map_err(failed)
    };
    host.settings.listen = host.transport.loopback().into();
    if !host.transport.needs_tls() {
        host.settings.tls = None;
    }
    let allowed = [(
        ANY_PEER.to_owned(),
        vec!["add".to_owned(), "echo".to_owned()],
    )];
    let quiet = Host {
        report: Arc::new(Quiet),
        ..host.clone()
    };
    let service = Arc::new(Server::new(Parts {
        host: quiet.clone(),
        channel: end(server_is, known)?,
        bounds,
        serves: Serves::Child(Command {
            program: command.first().cloned().unwrap_or_default(),
            arguments: command.get(1..).unwrap_or_default().to_vec(),
        }),
        tools: AllowLists::new(&BTreeMap::from(allowed)).map_err(failed)?,
        audit: Audit::default(),
        metrics: Arc::default(),
    }));
    let listener = host
        .transport
        .serve_stream(&host.settings, service.clone(), host.world.clone())
        .await?;
    host.settings.connect = listener.url().to_owned();
    let caller = |channel| Caller {
        host: Host {
            settings: host.settings.clone(),
            ..quiet.clone()
        },
        channel,
        bounds,
    };
    let mut cast = Cast {
        caller: caller(end(host_is, server.clone())?),
        stranger: caller(end(stranger_is?, server)?),
        host: host.clone(),
        bounds,
        scene: Scene::new(host.world.clone(), host.report.clone()),
        calls: 0,
    };
    let played = cast.play(&command).await;
    service.close();
    listener.shutdown().await;
    played
}

/// Calls that are timed.
const TIMED: usize = 200;

struct Cast {
    caller: Caller,
    stranger: Caller,
    host: Host,
    bounds: Bounds,
    scene: Scene,
    calls: u64,
}

impl Cast {
    async fn play(&mut self, command: &[String]) -> Result<(), RunError> {
        self.scene.step(
            "a host connects: both ends of the channel prove who they are, and a child starts",
        );
        self.scene
            .fact("server", &self.host.settings.connect.clone());
        self.scene.fact("child", &command.join(" "));
        let mut session = self.soon(self.open(&Wire::default())).await??;
        self.scene
            .passed("an MCP server on stdio stands behind the channel, and knows nothing of it");

        self.scene
            .step("the host and the server introduce themselves");
        let server = self.introduce(&mut session).await?;
        self.scene.fact("server is", &server);
        self.scene.passed("MCP as always");

        self.scene.step("its tools are listed, and one is called");
        let tools = self.result(&mut session, "tools/list", json!({})).await?;
        let names = tools["tools"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(|tool| tool["name"].as_str()).collect();
        self.scene.fact("tools", &names.join(", "));
        let sum = self.add(&mut session).await?;
        if sum != "5" {
            return Err(failed(format!("2 + 3 came back as {sum}")));
        }
        self.scene.passed("add(2, 3) = 5");

        self.scene.step("a tool that is not on this peer's list");
        let call = json!({ "name": "wait", "arguments": {} });
        let answer = self.ask(&mut session, "tools/call", call).await?;
        match answer["error"]["message"].as_str() {
            Some(message) => self.scene.passed(&format!("refused: {message}")),
            None => return Err(failed("the attack succeeded")),
        }
        self.timings(&mut session).await?;
        self.attacks().await?;

        self.scene
            .step("the host ends its input, the server ends in its turn, and each end is proved");
        session.writer.finish().await?;
        let mut last = String::new();
        while let Some(line) = self.soon(session.lines.next()).await?? {
            last = line.map_err(failed)?.trim_end().to_owned();
        }
        self.scene.passed(&format!("the last word: {last}"));
        Ok(())
    }

    async fn timings(&mut self, session: &mut Session) -> Result<(), RunError> {
        self.scene.step("calls, one after the other");
        let mut micros = Vec::with_capacity(TIMED);
        for _ in 0..TIMED {
            let before = self.scene.elapsed();
            self.add(session).await?;
            micros.push((self.scene.elapsed() - before).as_micros());
        }
        micros.sort_unstable();
        let at = |part: usize| micros.get(TIMED * part / 100).copied().unwrap_or_default();
        self.scene.fact(
            "a call takes",
            &format!("{} µs, 99 of 100 at most {} µs", at(50), at(99)),
        );
        self.scene
            .passed(&format!("{TIMED} calls through channel and child and back"));
        Ok(())
    }

    async fn attacks(&mut self) -> Result<(), RunError> {
        self.scene
            .step("attack: a stranger with a key of its own connects");
        match self.soon(self.stranger.open(Purpose::Stdio)).await? {
            Err(BridgeError::Channel(error)) => self.scene.passed(&format!("refused: {error}")),
            Err(other) => return Err(failed(other)),
            Ok(_) => return Err(failed("the attack succeeded")),
        }

        self.scene
            .step("attack: a message is forged on the wire: one bit of it is changed");
        let wire = Wire::default();
        let mut victim = self.victim(&wire).await?;
        wire.flip_next();
        self.begin(&mut victim).await?;
        self.broken(&mut victim).await?;

        self.scene
            .step("attack: a message is recorded and sent again");
        let wire = Wire::default();
        let mut victim = self.victim(&wire).await?;
        let sum = self.add(&mut victim).await?;
        if sum != "5" {
            return Err(failed("the call before the attack failed"));
        }
        wire.repeat_next();
        self.begin(&mut victim).await?;
        // The call itself is answered; its copy is not taken for another.
        self.broken(&mut victim).await
    }

    /// Reads until the server's end has ended the channel, at most one answer before that.
    async fn broken(&self, victim: &mut Session) -> Result<(), RunError> {
        for _ in 0..2 {
            match self.soon(victim.lines.next()).await? {
                Err(error) if error.to_string().contains("bad_record_mac") => {
                    self.scene.passed(&format!("refused: {error}"));
                    return Ok(());
                }
                Err(other) => return Err(failed(other)),
                Ok(_) => {}
            }
        }
        Err(failed("the attack succeeded"))
    }

    /// A session in use, on a wire that an attacker holds.
    async fn victim(&mut self, wire: &Wire) -> Result<Session, RunError> {
        let mut session = self.soon(self.open(wire)).await??;
        self.introduce(&mut session).await?;
        Ok(session)
    }

    /// Host and server tell each other what they are, as most servers demand first.
    async fn introduce(&mut self, session: &mut Session) -> Result<String, RunError> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "pqfw-demo", "version": env!("CARGO_PKG_VERSION") },
        });
        let hello = self.result(session, "initialize", params).await?;
        let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        say(session, &ready).await?;
        Ok(hello["serverInfo"].to_string())
    }

    /// Connects over the real transport, with an attacker's hands on the wire.
    async fn open(&self, wire: &Wire) -> Result<Session, BridgeError> {
        let host = &self.caller.host;
        let outside = host.transport.connect_stream(&host.settings).await?;
        self.caller.open_on(wire.tap(outside), Purpose::Stdio).await
    }

    async fn add(&mut self, session: &mut Session) -> Result<String, RunError> {
        let call = json!({ "name": "add", "arguments": { "a": 2, "b": 3 } });
        let result = self.result(session, "tools/call", call).await?;
        Ok(result["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Calls, and does not wait for the answer.
    async fn begin(&mut self, session: &mut Session) -> Result<(), RunError> {
        self.calls += 1;
        let params = json!({ "name": "add", "arguments": { "a": 2, "b": 3 } });
        let id = self.calls;
        say(
            session,
            &json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }),
        )
        .await
    }

    async fn result(
        &mut self,
        session: &mut Session,
        method: &str,
        params: Value,
    ) -> Result<Value, RunError> {
        let mut answer = self.ask(session, method, params).await?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(failed(format!("{method}: {}", answer["error"]))),
        }
    }

    async fn ask(
        &mut self,
        session: &mut Session,
        method: &str,
        params: Value,
    ) -> Result<Value, RunError> {
        self.calls += 1;
        let id = self.calls;
        say(
            session,
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
        )
        .await?;
        loop {
            let line = self.soon(session.lines.next()).await??;
            let line = line.ok_or_else(|| failed("the server ended the session"))?;
            let line = line.map_err(failed)?;
            let message: Value = serde_json::from_str(line).map_err(|_| failed(line))?;
            if message["id"] == id {
                return Ok(message);
            }
        }
    }

    async fn soon<T>(&self, work: impl Future<Output = T>) -> Result<T, RunError> {
        let done = within(&*self.host.world, self.bounds.opening, work).await;
        done.ok_or_else(|| failed("something did not happen in time"))
    }
}

async fn say(session: &mut Session, message: &Value) -> Result<(), RunError> {
    Ok(session
        .writer
        .write_all(format!("{message}\n").as_bytes())
        .await?)
}

fn identities(suites: &[Suite], host: &Host) -> Result<Vec<Identity>, RunError> {
    let mut identities: Vec<Identity> = Vec::new();
    for suite in suites {
        let algorithm = &suite.signature.info().id;
        if identities
            .iter()
            .all(|known| known.algorithm() != algorithm)
        {
            let key = suite.signature.generate(&mut *host.world.rng());
            let identity = Identity::new(key.map_err(failed)?, &suite.digest);
            identities.push(identity.map_err(failed)?);
        }
    }
    Ok(identities)
}

fn fingerprints(identities: &[Identity]) -> Vec<Fingerprint> {
    identities
        .iter()
        .map(Identity::fingerprint)
        .cloned()
        .collect()
}
