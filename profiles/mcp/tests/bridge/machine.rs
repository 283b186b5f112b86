//! A machine to run roles on: a network, key files, a host program at the standard streams, MCP servers
//! that are tasks, and what is told.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use pqfw_framework::audit::MemoryJournals;
use pqfw_framework::process::{
    Child, ChildLimits, Command, ProcessError, ProcessLimits, Processes, Running,
};
use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::system::{
    Event, Host, KeyFileError, KeyFiles, Outside, Report, Role, RunError, Standard, System,
};
use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamReader, StreamService, StreamWriter, Transport,
    TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_mcp::Mcp;
use pqfw_mcp::bridge::caller::{Caller, Session};
use pqfw_mcp::bridge::demo_server;
use pqfw_mcp::bridge::purpose::Purpose;
use pqfw_mcp::config::McpConfig;
use pqfw_memory::{MemoryTransport, SeededWorld};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::watch;
use tokio::task::JoinHandle;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_mcp::plugin())
        .with(pqfw_memory::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap()
});

/// Small and quick: which algorithms there are is not what is tested here.
static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let names = ["X25519", "Ed25519", "AES-256-GCM", "HKDF-SHA256"];
    let [kem, signature, aead, kdf] = names.map(|name| vec![name.to_owned()]);
    let names = SuiteNames {
        kem,
        signature,
        aead,
        kdf,
    };
    let world = SeededWorld::new(0);
    let mut rng = world.rng();
    let mut resolver = Resolver::new(&REGISTRY, &mut *rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).unwrap()
});

/// Two machines share a network, and nothing else but the world.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) network: Arc<MemoryTransport>,
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) told: Arc<Told>,
    pub(crate) journals: Arc<MemoryJournals>,
    pub(crate) processes: Arc<dyn Processes>,
    pub(crate) keys: Arc<KeyFolder>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            network: Arc::new(MemoryTransport::new()),
            world: Arc::new(SeededWorld::new(9)),
            told: Arc::default(),
            journals: Arc::default(),
            processes: Arc::new(Tasks),
            keys: Arc::default(),
        }
    }

    /// Another one on the same network.
    pub(crate) fn beside(&self) -> Self {
        Self {
            network: self.network.clone(),
            world: self.world.clone(),
            ..Self::new()
        }
    }

    pub(crate) fn host(&self, profile: &Profile, standard: Arc<dyn Standard>) -> Host {
        let transport: Arc<dyn Transport> = self.network.clone();
        let as_tcp: Arc<dyn Transport> = Arc::new(AsTcp(self.network.clone()));
        Host {
            world: self.world.clone(),
            suite: SUITE.clone(),
            alternatives: Vec::new(),
            store: Arc::new(MemoryStore::default()),
            keys: self.keys.clone(),
            transport,
            settings: profile.transport_settings(),
            report: self.told.clone(),
            outside: Outside {
                transports: BTreeMap::from([("tcp", as_tcp)]),
                processes: self.processes.clone(),
                journals: self.journals.clone(),
                standard,
                ..pqfw_memory::empty_outside()
            },
        }
    }

    fn run(
        &self,
        role: Role,
        set: &[(&str, &str)],
        standard: Arc<dyn Standard>,
    ) -> (watch::Sender<bool>, JoinHandle<Result<(), RunError>>) {
        let profile = profile(set);
        let host = self.host(&profile, standard);
        let (stop, mut stopped) = watch::channel(false);
        let stopped = Box::pin(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        (stop, tokio::spawn(Mcp.run(role, &profile, host, stopped)))
    }

    /// Runs a server's end, or a door for HTTP, and waits until it is ready.
    pub(crate) async fn serve(&self, role: Role, set: &[(&str, &str)]) -> Server {
        let told = Self {
            told: Arc::default(),
            ..self.clone()
        };
        let (stop, task) = told.run(role, set, Arc::new(Nobody));
        told.told.ready().await;
        Server {
            stop,
            task,
            told: told.told,
        }
    }

    /// Plays the scenario to its end.
    pub(crate) async fn play(&self, set: &[(&str, &str)]) -> Result<(), RunError> {
        let (_stop, task) = self.run(Role::Demo, set, Arc::new(Nobody));
        task.await.unwrap()
    }

    /// Opens a session as somebody would whose host's end is not ours: nobody looks at what it says.
    pub(crate) async fn speak(&self) -> Session {
        let profile = profile(&[]);
        let host = self.host(&profile, Arc::new(Nobody));
        let config = profile.system_table::<McpConfig>().unwrap();
        let bounds = config.bridge_bounds(&host.settings.limits);
        let caller = Caller::new(host, &profile, bounds).unwrap();
        caller.open(Purpose::Stdio).await.unwrap()
    }

    /// Runs a host's end, with a program at its standard streams.
    pub(crate) fn connect(&self, set: &[(&str, &str)]) -> Program {
        let (ours, theirs) = duplex(PIPE_BYTES);
        let standard = Arc::new(Streams(Mutex::new(Some(connection(theirs)))));
        let (stop, task) = self.run(Role::Client, set, standard);
        let (read, write) = split(ours);
        Program {
            read,
            write: Some(write),
            left: Vec::new(),
            task,
            _stop: stop,
        }
    }
}

const PIPE_BYTES: usize = 64 << 10;

pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), RunError>>,
    pub(crate) told: Arc<Told>,
}

impl Server {
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// An MCP host.
pub(crate) struct Program {
    read: ReadHalf<DuplexStream>,
    write: Option<WriteHalf<DuplexStream>>,
    left: Vec<u8>,
    task: JoinHandle<Result<(), RunError>>,
    _stop: watch::Sender<bool>,
}

impl Program {
    /// The standard streams for a program that has its own ways, and the bridge.
    #[allow(dead_code, reason = "for hosts that are not ours")]
    pub(crate) fn into_parts(self) -> (DuplexStream, impl Future<Output = Result<(), RunError>>) {
        let (task, stop) = (self.task, self._stop);
        let ended = async move {
            let ended = task.await.unwrap();
            drop(stop);
            ended
        };
        (self.read.unsplit(self.write.unwrap()), ended)
    }

    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.write
            .as_mut()
            .unwrap()
            .write_all(bytes.as_ref())
            .await
            .unwrap();
    }

    /// The next line, with its end; empty at the end of the output.
    pub(crate) async fn hear(&mut self) -> String {
        loop {
            if let Some(end) = self.left.iter().position(|byte| *byte == b'\n') {
                let line = self.left.drain(..=end).collect();
                return String::from_utf8(line).unwrap();
            }
            if self.read.read_buf(&mut self.left).await.unwrap() == 0 {
                return String::from_utf8(std::mem::take(&mut self.left)).unwrap();
            }
        }
    }

    /// Says a line that no pipe holds, and hears the same.
    pub(crate) async fn say_and_hear(&mut self, line: &str) {
        let mut write = self.write.take().unwrap();
        let there = async {
            write.write_all(line.as_bytes()).await.unwrap();
            write
        };
        let back = async {
            let mut left = line.as_bytes();
            let mut buffer = vec![0; 64 << 10];
            while !left.is_empty() {
                let read = self.read.read(&mut buffer).await.unwrap();
                assert!(left.starts_with(&buffer[..read]));
                left = &left[read..];
            }
        };
        let (write, ()) = tokio::join!(there, back);
        self.write = Some(write);
    }

    pub(crate) async fn ask(&mut self, line: impl AsRef<[u8]>) -> String {
        self.say(line).await;
        self.hear().await
    }

    /// Ends its output to the bridge, and gives the rest of what came, and how the bridge ended.
    pub(crate) async fn end(mut self) -> (String, Result<(), RunError>) {
        if let Some(mut write) = self.write.take() {
            write.shutdown().await.unwrap();
        }
        let mut rest = String::new();
        loop {
            match self.hear().await {
                line if line.is_empty() => break,
                line => rest.push_str(&line),
            }
        }
        (rest, self.task.await.unwrap())
    }
}

/// The shipped profile on the memory transport, with changes.
pub(crate) fn profile(set: &[(&str, &str)]) -> Profile {
    let memory = [
        ("transport.kind", "memory"),
        ("transport.listen", "memory:server"),
        ("transport.connect", "memory:server"),
    ];
    let set = memory.iter().chain(set);
    let overrides = Overrides {
        set: set
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        environment: Vec::new(),
    };
    let shipped = Mcp.info().shipped_profile;
    Profile::resolve(shipped, "mcp", &overrides, &REGISTRY).unwrap()
}

/// Streams of the memory network under the addresses of TCP.
struct AsTcp(Arc<MemoryTransport>);

impl AsTcp {
    fn settings(settings: &TransportSettings) -> TransportSettings {
        let memory = |address: &str| format!("memory:{}", address.trim_start_matches("tcp://"));
        TransportSettings {
            listen: memory(&settings.listen),
            connect: memory(&settings.connect),
            ..settings.clone()
        }
    }
}

impl Transport for AsTcp {
    fn info(&self) -> TransportInfo {
        self.0.info()
    }

    fn serve_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn StreamService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move {
            self.0
                .serve_stream(&Self::settings(settings), service, world)
                .await
        })
    }

    fn connect_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Connection, TransportError>> {
        Box::pin(async move { self.0.connect_stream(&Self::settings(settings)).await })
    }
}

/// Children that are tasks; the program's name says what they do.
struct Tasks;

impl Processes for Tasks {
    fn run<'a>(
        &'a self,
        _: &'a Command,
        _: &'a [u8],
        _: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>> {
        unreachable!("the bridge only spawns")
    }

    fn spawn(
        &self,
        command: &Command,
        _: ChildLimits,
        _: Arc<dyn Report>,
    ) -> Result<Child, ProcessError> {
        let (ours, theirs) = duplex(PIPE_BYTES);
        let stdio = connection(theirs);
        let task = match command.program.as_str() {
            "demo" => tokio::spawn(async move { drop(demo_server::run(stdio).await) }),
            "echo" => tokio::spawn(echo(stdio)),
            "quits" => tokio::spawn(async move { drop(stdio_read(stdio).await) }),
            "writes" => tokio::spawn(writes(stdio, command.arguments[0].clone())),
            program => {
                return Err(ProcessError::Start {
                    program: program.into(),
                    reason: "no such program".into(),
                });
            }
        };
        Ok(Child {
            connection: connection(ours),
            running: Box::new(Task(Some(task))),
        })
    }
}

/// Says every byte again.
async fn echo(mut stdio: Connection) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = stdio.reader.read(&mut buffer).await {
        if stdio.writer.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Ends when anything was said to it.
async fn stdio_read(mut stdio: Connection) -> Result<usize, TransportError> {
    stdio.reader.read(&mut [0; 4096]).await
}

/// Says one thing to the first bytes, and ends with its input.
async fn writes(mut stdio: Connection, what: String) {
    let _ = stdio.reader.read(&mut [0; 4096]).await;
    let _ = stdio.writer.write_all(what.as_bytes()).await;
    while let Ok(1..) = stdio.reader.read(&mut [0; 4096]).await {}
}

struct Task(Option<JoinHandle<()>>);

impl Running for Task {
    fn id(&self) -> u32 {
        7
    }

    fn ended(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async {
            if let Some(task) = self.0.take() {
                task.await.unwrap();
            }
            "exit status: 0".into()
        })
    }

    fn stop(mut self: Box<Self>) -> BoxFuture<'static, String> {
        Box::pin(async move { self.ended().await })
    }
}

fn connection(stream: DuplexStream) -> Connection {
    let (read, write) = split(stream);
    Connection {
        reader: Box::new(Reads(read)),
        writer: Box::new(Writes(write)),
        peer: "a task".into(),
    }
}

struct Reads(ReadHalf<DuplexStream>);

impl StreamReader for Reads {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move { self.0.read(buffer).await.map_err(|_| broken()) })
    }
}

struct Writes(WriteHalf<DuplexStream>);

impl StreamWriter for Writes {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move { self.0.write_all(bytes).await.map_err(|_| broken()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { self.0.shutdown().await.map_err(|_| broken()) })
    }
}

fn broken() -> TransportError {
    TransportError::Broken {
        address: "a pipe".into(),
        reason: "it is gone".into(),
    }
}

struct Streams(Mutex<Option<Connection>>);

impl Standard for Streams {
    fn open(&self) -> Connection {
        self.0.lock().unwrap().take().unwrap()
    }

    fn is_terminal(&self) -> bool {
        false
    }
}

struct Nobody;

impl Standard for Nobody {
    fn open(&self) -> Connection {
        unreachable!("a server does not use the standard streams")
    }

    fn is_terminal(&self) -> bool {
        false
    }
}

/// What a machine told.
pub(crate) struct Told(watch::Sender<Vec<Event>>);

impl Default for Told {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Told {
    async fn ready(&self) {
        let mut events = self.0.subscribe();
        let ready = |event: &Event| matches!(event, Event::Ready { .. });
        let told = events.wait_for(|events| events.iter().any(ready));
        told.await.unwrap();
    }

    /// Everything so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.borrow().clone()
    }

    /// Waits for a warning with these words in it.
    pub(crate) async fn warned(&self, words: &str) {
        let mut events = self.0.subscribe();
        let is = |event: &Event| matches!(event, Event::Warning(text) if text.contains(words));
        events
            .wait_for(|events| events.iter().any(is))
            .await
            .unwrap();
    }
}

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.send_modify(|events| events.push(event.clone()));
    }
}

/// Key files in memory.
#[derive(Default)]
pub(crate) struct KeyFolder(Mutex<BTreeMap<String, Vec<u8>>>);

impl KeyFiles for KeyFolder {
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

/// How long a session may be silent in these scenarios.
pub(crate) const IDLE: Duration = Duration::from_secs(3600);
