//! `pqfw vpn demo --netns`: two nodes, each a process of this program with a TUN device, in two network
//! namespaces with a wire between them, and somebody who holds the wire.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_control::Client;
use pqfw_framework::registry::Registry;
use pqfw_framework::scene::Scene;
use pqfw_framework::system::Role;
use pqfw_framework::transport::Request;
use pqfw_pqvpn::config::{KeyPlace, Settings};
use pqfw_pqvpn::keyring::{self, KeyNames};
use pqfw_pqvpn::{PeerId, Suites};
use pqfw_runtime::OsWorld;
use pqfw_tun::{End, Namespaces};
use serde_json::Value;

use super::{Node, SYSTEM, ours};
use crate::args::ProfileArgs;
use crate::commands::run::runtime;
use crate::error::CliError;
use crate::output::Output;
use crate::report::Console;

const PORT: u16 = 9000;
/// Transfers each way, at most, until keys have changed under one.
const TRANSFERS: usize = 1000;
/// Where the attacker listens, who carries what comes on to [`PORT`].
const RELAY: u16 = 9001;
/// A node is ready, or has a session, or refuses something, after so many looks at most.
const LOOKS: usize = 1000;
const EVERY: Duration = Duration::from_millis(20);
/// The kind of a frame that is a fragment of S1, and a byte behind its head (pqvpn.md, section 2).
const S1: (usize, u8) = (1, 0x01);
const BEHIND_HEAD: usize = 16;

pub(super) fn run(
    bytes: u64,
    profile: ProfileArgs,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let dialect = ours(profile.clone(), registry)?.common.dialect;
    let console = Console {
        output: *output,
        system: SYSTEM.into(),
        dialect: dialect.unwrap_or_default(),
        role: Role::Demo,
        ready_file: None,
        doors: Default::default(),
    };
    let world = Arc::new(OsWorld::new());
    let mut cast = Cast {
        scene: Scene::new(world.clone(), Arc::new(console)),
        world,
    };
    cast.play(bytes, &profile, registry)
}

struct Cast {
    scene: Scene,
    world: Arc<OsWorld>,
}

impl Cast {
    fn play(
        &mut self,
        bytes: u64,
        args: &ProfileArgs,
        registry: &Registry,
    ) -> Result<(), CliError> {
        self.scene
            .step("two network namespaces with a wire between them");
        let namespaces = Namespaces::new().map_err(failed)?;
        let home = tempfile::tempdir().map_err(failed)?;
        let stage = Stage {
            namespaces,
            home: home.path().to_owned(),
            args: args.clone(),
        };
        self.scene.fact(
            "left",
            &format!("{}, in the tunnel 10.7.0.1", End::Left.address()),
        );
        self.scene.fact(
            "right",
            &format!("{}, in the tunnel 10.7.0.2", End::Right.address()),
        );
        self.scene
            .passed("nothing of this host's network is touched");

        self.scene
            .step("two nodes with TUN devices: right calls left, and both prove who they are");
        let [left, right, other] = ["left", "right", "other"].map(|name| stage.id(name, registry));
        let (left, right, other) = (left?, right?, other?);
        self.scene.fact("left", &left.to_string());
        self.scene.fact("right", &right.to_string());
        let on_left = stage.start(End::Left, (left, right), "")?;
        let began = self.scene.elapsed();
        let calls = format!("'{}:{PORT}#{left}'", End::Left.address());
        let on_right = stage.start(End::Right, (right, left), &calls)?;
        on_right.until("a session", |node| {
            node.number("/status", "sessions") == Some(1)
        })?;
        on_left.until("a session", |node| {
            node.number("/status", "sessions") == Some(1)
        })?;
        self.scene.fact(
            "from the start",
            &format!("{} ms", (self.scene.elapsed() - began).as_millis()),
        );
        self.scene
            .passed("a session, whose keys only these two have");

        self.scene
            .step("TCP through the tunnel, with new keys every second");
        let mut rekeys = 0;
        // A fast machine is done before the first change of keys, and begins again.
        for _ in 0..TRANSFERS {
            for (from, to) in [(End::Left, "10.7.0.2"), (End::Right, "10.7.0.1")] {
                let to = SocketAddr::new(to.parse().map_err(failed)?, 7000);
                let transfer = stage.namespaces.transfer(from, to, bytes, &*self.world);
                let secs = transfer.map_err(failed)?.as_secs_f64();
                let rate = bytes as f64 * 8.0 / secs / 1e9;
                let text = format!("{} MiB, {secs:.1} s, {rate:.2} Gb/s", bytes >> 20);
                self.scene.fact(&format!("to {}", to.ip()), &text);
            }
            let sessions = on_right.ask("/sessions")?;
            let number = sessions.pointer("/sessions/0/rekeys");
            rekeys = number.and_then(Value::as_u64).unwrap_or_default();
            if rekeys > 0 {
                break;
            }
        }
        if rekeys == 0 {
            return Err(CliError::operation("no new keys under load"));
        }
        self.scene.fact("changes of keys", &rekeys.to_string());
        self.scene.passed("every byte came as it was sent");
        on_right.end();

        self.scene
            .step("attack: somebody on the wire changes a bit of S1");
        let [at, to] = [(End::Right, RELAY), (End::Left, PORT)]
            .map(|(end, port)| SocketAddr::new(end.address(), port));
        let change = |datagram: &mut [u8]| {
            let is_s1 = datagram.get(S1.0) == Some(&S1.1);
            if let Some(byte) = datagram.get_mut(BEHIND_HEAD).filter(|_| is_s1) {
                *byte ^= 1;
            }
        };
        let relay = stage
            .namespaces
            .relay(End::Right, at, to, change)
            .map_err(failed)?;
        let before = on_left.number("/status", "refused");
        let on_right = stage.start(End::Right, (right, left), &format!("'{at}#{left}'"))?;
        on_left.until("a refusal", |node| {
            node.number("/status", "refused") > before
        })?;
        if on_right.number("/status", "sessions") != Some(0) {
            return Err(CliError::operation(
                "the attack succeeded: there is a session",
            ));
        }
        self.scene
            .passed("left refuses it, and there is no session");
        on_right.end();
        drop(relay);

        self.scene
            .step("attack: another node answers than the one that is pinned");
        let calls = format!("'{to}#{other}'");
        let on_right = stage.start(End::Right, (right, other), &calls)?;
        let mut said = None;
        on_right.until("a refusal", |node| {
            said = node.told("another peer answered");
            said.is_some()
        })?;
        if on_right.number("/status", "sessions") != Some(0) {
            return Err(CliError::operation(
                "the attack succeeded: there is a session",
            ));
        }
        self.scene
            .passed(&format!("refused: {}", said.unwrap_or_default()));
        Ok(())
    }
}

/// Where nodes are started.
struct Stage {
    namespaces: Namespaces,
    home: PathBuf,
    args: ProfileArgs,
}

impl Stage {
    /// Makes keys for a node, and says who it is.
    fn id(&self, name: &str, registry: &Registry) -> Result<PeerId, CliError> {
        let mut args = self.args.clone();
        args.set.extend(self.key_files(name));
        let profile = ours(args, registry)?;
        let KeyPlace::Files { signature, kem } = Settings::read(&profile)?.keys else {
            return Err(CliError::usage(
                "keys.runtime_temp_keys: set by the demo itself",
            ));
        };
        let host = super::keys::host(profile, registry, &Output::new(true))?;
        let all = std::iter::once(&host.suite).chain(&host.alternatives);
        let suites = Suites::new(all.cloned().collect()).map_err(CliError::usage)?;
        let names = KeyNames { signature, kem };
        let identity = keyring::identity(&*host.keys, &names, &suites, &mut *host.world.rng());
        Ok(identity.map_err(failed)?.0.id())
    }

    fn key_files(&self, name: &str) -> [(String, String); 2] {
        let directory = self.home.join(name);
        [
            ("keys.runtime_temp_keys".into(), "false".into()),
            ("keys.dir".into(), directory.display().to_string()),
        ]
    }

    /// Starts a node that knows one peer, and waits until it is there.
    fn start(
        &self,
        end: End,
        (own, peer): (PeerId, PeerId),
        calls: &str,
    ) -> Result<Running, CliError> {
        let (name, number, other) = match end {
            End::Left => ("left", 1, 2),
            End::Right => ("right", 2, 1),
        };
        let known = format!("version = 1\n[[peer]]\nname = \"*\"\nfingerprint = \"{peer}\"\n");
        fs::write(self.home.join(name).join("known_peers.toml"), known).map_err(failed)?;
        let socket = self.home.join(format!("{name}.sock"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = self.namespaces.command(end, &program.display().to_string());
        let profile = self.args.profile.as_deref().unwrap_or(SYSTEM);
        command.args(["--json", "run", "--role", "node", "--profile", profile]);
        let own_sets = [
            ("transport.listen", format!("{}:{PORT}", end.address())),
            ("interface.mode", "tun".into()),
            ("interface.addresses", format!("['10.7.0.{number}/24']")),
            (
                "peer_routes",
                format!("[{{peer='{peer}',ranges=['10.7.0.{other}/32']}}]"),
            ),
            ("bootstrap.peers", format!("[{calls}]")),
            ("rekey.interval_seconds", "1".into()),
            ("rekey.threshold_seconds", "1".into()),
            ("security.handshake_per_minute_per_ip", "100000".into()),
            ("control.socket", socket.display().to_string()),
        ];
        let own_sets = own_sets.map(|(key, value)| (key.to_owned(), value));
        let sets = self
            .args
            .set
            .iter()
            .cloned()
            .chain(self.key_files(name))
            .chain(own_sets);
        for (key, value) in sets {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let log = self.home.join(format!("{name}.log"));
        let file = fs::File::create(&log).map_err(failed)?;
        let also = file.try_clone().map_err(failed)?;
        command.stdin(Stdio::null()).stdout(file).stderr(also);
        command.env("XDG_STATE_HOME", self.home.join(format!("{name}-state")));
        let running = Running {
            child: Mutex::new(command.spawn().map_err(failed)?),
            node: Node {
                client: Client::socket(socket),
                runtime: runtime()?,
            },
            log,
        };
        let id = own.to_string();
        running.until("an answer", |node| {
            let status = node.ask("/status").ok();
            status.is_some_and(|status| status["peer_id"] == id.as_str())
        })?;
        Ok(running)
    }
}

/// A node that runs; it is ended when this is dropped.
struct Running {
    child: Mutex<Child>,
    node: Node,
    log: PathBuf,
}

impl Running {
    fn ask(&self, route: &str) -> Result<Value, CliError> {
        self.node.ask(Request::get(route))
    }

    fn number(&self, route: &str, key: &str) -> Option<u64> {
        self.ask(route).ok()?.get(key)?.as_u64()
    }

    /// What it has told that has these words.
    fn told(&self, words: &str) -> Option<String> {
        let logs = self.ask("/logs").ok()?;
        let mut lines = logs.get("logs")?.as_array()?.iter();
        lines.find_map(|line| {
            let text = line.get("text")?.as_str()?;
            text.contains(words)
                .then(|| text.escape_debug().to_string())
        })
    }

    fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) -> Result<(), CliError> {
        for _ in 0..LOOKS {
            if is_so(self) {
                return Ok(());
            }
            if let Some(status) = self.lock().try_wait().map_err(failed)? {
                let log = last(&self.log);
                return Err(failed(format!(
                    "{what}: the node has ended ({status}): {log}"
                )));
            }
            self.node
                .runtime
                .block_on(async { tokio::time::sleep(EVERY).await });
        }
        Err(failed(format!("{what}: not in time: {}", last(&self.log))))
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        // A process is never half changed.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.lock();
        // Its device and its namespace go with it, however it ends.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The last lines of a log.
fn last(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

/// The machine's fault, or the tunnel's.
fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::operation(error)
}
