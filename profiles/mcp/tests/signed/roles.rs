//! The roles of the shipped profile, on a network in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use pqfw_framework::audit::MemoryJournals;
use pqfw_framework::process::Processes;
use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{
    Event, Failure, Host, KeyFileError, KeyFiles, Outside, Role, RunError, System,
};
use pqfw_framework::transport::BoxFuture;
use pqfw_framework::world::{Now, World};
use pqfw_mcp::Mcp;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::arguments;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::tools::ToolInfo;
use pqfw_memory::{MemoryTransport, SeededWorld};
use tokio::sync::oneshot;

use crate::support::{CLIENT, Told, identity, suite, suite_of};

/// Key files in memory.
#[derive(Default)]
pub(crate) struct Keys(Mutex<BTreeMap<String, Vec<u8>>>);

impl Keys {
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.0.lock().unwrap()[name].clone()).unwrap()
    }

    pub(crate) fn set(&self, name: &str, text: &str) {
        let mut files = self.0.lock().unwrap();
        files.insert(name.into(), text.as_bytes().to_vec());
    }
}

impl KeyFiles for Keys {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        let files = self.0.lock().unwrap();
        Ok(files.get(name).map(|file| SecretBytes::copy_of(file)))
    }

    fn write(&self, name: &str, bytes: &[u8], _: bool) -> Result<(), KeyFileError> {
        self.0.lock().unwrap().insert(name.into(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    fn describe(&self) -> String {
        "keys".into()
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_mcp::plugin())
        .with(pqfw_memory::plugin())
        .build()
        .unwrap()
});

/// A world in which a millisecond passes whenever somebody looks at the clock.
struct Ticking(SeededWorld);

impl World for Ticking {
    fn now(&self) -> Now {
        self.0.advance(Duration::from_millis(1));
        self.0.now()
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep_until(moment)
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        self.0.rng()
    }
}

/// One end, with a network that others may share.
pub(crate) struct Machine {
    network: Arc<MemoryTransport>,
    world: Arc<Ticking>,
    pub(crate) told: Arc<Told>,
    pub(crate) processes: Option<Arc<dyn Processes>>,
    keys: Arc<Keys>,
    journals: Arc<MemoryJournals>,
    signature: &'static str,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            network: Arc::new(MemoryTransport::new()),
            world: Arc::new(Ticking(SeededWorld::new(9))),
            told: Arc::default(),
            processes: None,
            keys: Arc::default(),
            journals: Arc::default(),
            signature: "ML-DSA-65",
        }
    }

    /// Another one on the same network, with the same clock.
    pub(crate) fn beside(&self) -> Self {
        Self {
            network: self.network.clone(),
            world: self.world.clone(),
            ..Self::new()
        }
    }

    /// Waits until it serves.
    pub(crate) async fn ready(&self) {
        let ready = |event: &Event| matches!(event, Event::Ready { .. });
        while !self.told.events().iter().any(ready) {
            tokio::task::yield_now().await;
        }
    }

    /// The tools of a server.
    pub(crate) async fn list(&self, url: &str) -> Result<Vec<ToolInfo>, PqcTransportError> {
        let (profile, host) = self.host(&[("transport.connect", url)]);
        let config: McpConfig = profile.system_table().unwrap();
        let client = pqfw_mcp::signed::connect(&config, &profile, &host).await?;
        client.list_tools().await
    }

    /// Runs a role until it ends, or until the sender is used or dropped.
    async fn run(
        &self,
        role: Role,
        set: &[(&str, &str)],
        stop: oneshot::Receiver<()>,
    ) -> Result<(), RunError> {
        let (profile, host) = self.host(set);
        let stop = Box::pin(async { drop(stop.await) });
        Mcp.run(role, &profile, host, stop).await
    }

    fn host(&self, set: &[(&str, &str)]) -> (Profile, Host) {
        let memory = [
            ("dialect", "pqc-mcp-0.1"),
            ("transport.kind", "memory"),
            ("transport.listen", "memory:"),
            ("require", "[]"),
        ];
        let set = memory.iter().chain(set);
        let overrides = Overrides {
            set: set
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            environment: Vec::new(),
        };
        let text = Mcp.info().shipped_profile;
        let profile = Profile::resolve(text, "mcp", &overrides, &REGISTRY).unwrap();
        Mcp.check_table(&profile).unwrap();
        let alternatives = profile.suite_names().len() - 1;
        let host = Host {
            world: self.world.clone(),
            suite: match self.signature {
                "ML-DSA-65" => suite(),
                other => suite_of(other),
            },
            alternatives: vec![suite(); alternatives],
            store: Arc::new(MemoryStore::default()),
            keys: self.keys.clone(),
            transport: self.network.clone(),
            settings: profile.transport_settings(),
            report: self.told.clone(),
            outside: {
                let empty = pqfw_memory::empty_outside();
                Outside {
                    journals: self.journals.clone(),
                    processes: self.processes.clone().unwrap_or(empty.processes),
                    ..empty
                }
            },
        };
        (profile, host)
    }

    pub(crate) async fn end(&self, role: Role, set: &[(&str, &str)]) -> Result<(), RunError> {
        let (_never, stop) = oneshot::channel();
        self.run(role, set, stop).await
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |event| match event {
            Event::Line(text) => Some(text),
            _ => None,
        };
        self.told.events().into_iter().filter_map(line).collect()
    }

    fn refused_attacks(&self) -> usize {
        let refused =
            |event: &Event| matches!(event, Event::Passed(text) if text.starts_with("refused"));
        self.told.events().iter().filter(|e| refused(e)).count()
    }
}

#[tokio::test]
async fn the_demo_plays_to_its_end() {
    let machine = Machine::new();
    machine.end(Role::Demo, &[]).await.unwrap();
    assert_eq!(machine.refused_attacks(), 7);
    // Whatever the operator's file allows, the demo shows the strict dialect.
    let lenient = [("mcp.lenient", "true"), ("mcp.allow_any_did", "true")];
    Machine::new().end(Role::Demo, &lenient).await.unwrap();
}

#[tokio::test]
async fn a_client_calls_a_tool_of_a_server() {
    let server = Machine::new();
    let client = server.beside();
    let (stop, stopped) = oneshot::channel();
    let set = [
        ("mcp.demo_tools", "true"),
        ("mcp.allow_any_did", "true"),
        ("transport.listen", "memory:house"),
    ];
    let serving = server.run(Role::Server, &set, stopped);
    let asking = async {
        server.ready().await;
        let set = [("transport.connect", "memory:house")];
        client.end(Role::Client, &set).await.unwrap();
        stop.send(()).unwrap();
    };
    let (served, ()) = tokio::join!(serving, asking);
    served.unwrap();
    assert_eq!(client.lines(), [r#""Hello, World!""#]);
    assert!(client.keys.text("identity.pem").contains("PRIVATE KEY"));
    let logged = |machine: &Machine| machine.journals.journal("audit.jsonl").with(|l| l.len());
    assert_eq!((logged(&server), logged(&client)), (3, 3));
}

#[tokio::test]
async fn what_makes_no_sense_is_a_usage_error() {
    let did = identity(CLIENT).did().to_string();
    let allow = format!("[\"{did}\"]");
    let tools = ("mcp.demo_tools", "true");
    for (role, set) in [
        (Role::Node, vec![]),
        (Role::Server, vec![("mcp.allow_dids", &*allow)]),
        (Role::Server, vec![tools]),
        (Role::Client, vec![("mcp.arguments", "[]")]),
        (Role::Client, vec![("mcp.arguments", "{")]),
    ] {
        let error = Machine::new().end(role, &set).await.unwrap_err();
        assert_eq!(error.failure, Failure::Usage, "{error}");
    }
    assert!(matches!(arguments("7"), Err(PqcTransportError::Config(_))));
}

#[tokio::test]
async fn every_start_repeats_what_is_weaker() {
    let mut machine = Machine::new();
    machine.signature = "Ed25519";
    let refused = machine.end(Role::Client, &[]).await.unwrap_err();
    assert_eq!(refused.failure, Failure::Usage);
    let set = [
        ("mcp.transitional", "true"),
        ("mcp.lenient", "true"),
        ("transport.connect", "memory:nobody"),
    ];
    let nobody = machine.end(Role::Client, &set).await.unwrap_err();
    assert_eq!(nobody.failure, Failure::Network);
    let warnings = machine.told.warnings();
    assert!(warnings[0].contains("quantum"), "{warnings:?}");
    assert!(warnings[1].contains("mcp.lenient"), "{warnings:?}");
}

#[tokio::test]
async fn a_log_that_was_changed_stops_the_start() {
    let machine = Machine::new();
    let journal = machine.journals.journal("audit.jsonl");
    journal.with(|lines| lines.push(b"{}".to_vec()));
    let error = machine.end(Role::Client, &[]).await.unwrap_err();
    assert_eq!(error.failure, Failure::Usage);
    assert!(error.message.contains("line 1"), "{error}");
    let set = [
        ("mcp.audit_file", ""),
        ("transport.connect", "memory:nobody"),
    ];
    let nobody = machine.end(Role::Client, &set).await.unwrap_err();
    assert_eq!(nobody.failure, Failure::Network);
}
