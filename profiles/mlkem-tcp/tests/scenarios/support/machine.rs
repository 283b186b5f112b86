//! A machine to run roles on: a network, key files, somebody at the keyboard, and what is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{
    Event, Host, KeyFileError, KeyFiles, Outside, Report, Role, RunError, Standard, System,
};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, Transport, TransportError,
};
use pqfw_memory::{MemoryTransport, SeededWorld};
use pqfw_mlkem_tcp::MlkemTcp;
use tokio::sync::watch;

use crate::support::{registry, suite};

/// Two machines share a network, and nothing else but the world.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) network: Arc<MemoryTransport>,
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) told: Arc<Told>,
    keys: Arc<KeyFolder>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::on(
            Arc::new(MemoryTransport::new()),
            Arc::new(SeededWorld::new(9)),
        )
    }

    /// Another one on the same network.
    pub(crate) fn beside(&self) -> Self {
        Self::on(self.network.clone(), self.world.clone())
    }

    /// The same one, with its key files, and nothing told yet.
    pub(crate) fn restarted(&self) -> Self {
        Self {
            told: Arc::default(),
            ..self.clone()
        }
    }

    fn on(network: Arc<MemoryTransport>, world: Arc<SeededWorld>) -> Self {
        Self {
            network,
            world,
            told: Arc::default(),
            keys: Arc::default(),
        }
    }

    pub(crate) fn host(&self, profile: &Profile, typed: Typed) -> Host {
        let transport: Arc<dyn Transport> = self.network.clone();
        Host {
            world: self.world.clone(),
            suite: suite(),
            alternatives: Vec::new(),
            store: Arc::new(MemoryStore::default()),
            keys: self.keys.clone(),
            transport,
            settings: profile.transport_settings(),
            report: self.told.clone(),
            outside: Outside {
                standard: Arc::new(typed),
                ..pqfw_memory::empty_outside()
            },
        }
    }

    /// Runs a role until it ends, or until `stop` does.
    pub(crate) fn run(
        &self,
        role: Role,
        set: &[(&str, &str)],
        typed: Typed,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let profile = profile(set);
        let host = self.host(&profile, typed);
        MlkemTcp.run(role, &profile, host, stop)
    }

    /// Runs a server in the background; gives how to stop it, and waits until it is ready.
    pub(crate) async fn serve(&self, set: &[(&str, &str)]) -> Running {
        let (stop, mut stopped) = watch::channel(false);
        let stopped = Box::pin(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        let run = self.run(Role::Server, set, Typed::nothing(), stopped);
        let task = tokio::spawn(run);
        let url = self.told.url().await;
        Running { stop, task, url }
    }
}

pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<Result<(), RunError>>,
    pub(crate) url: String,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// The shipped profile on the memory transport, in dialect `demo-1`, with changes.
pub(crate) fn profile(set: &[(&str, &str)]) -> Profile {
    let memory = [
        ("dialect", "demo-1"),
        ("transport.kind", "memory"),
        ("transport.listen", "memory:"),
    ];
    let set = memory.iter().chain(set);
    let overrides = Overrides {
        set: set
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        environment: Vec::new(),
    };
    let shipped = MlkemTcp.info().shipped_profile;
    Profile::resolve(shipped, "mlkem-tcp", &overrides, registry()).unwrap()
}

/// A stop that never comes.
pub(crate) fn never() -> BoxFuture<'static, ()> {
    Box::pin(std::future::pending())
}

/// What is typed, and whether the input ends then.
#[derive(Clone)]
pub(crate) struct Typed {
    bytes: Vec<u8>,
    ends: bool,
}

impl Typed {
    pub(crate) fn nothing() -> Self {
        Self::all(b"")
    }

    pub(crate) fn all(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            ends: true,
        }
    }

    /// Somebody who types this and then thinks for ever.
    pub(crate) fn and_thinks(bytes: &[u8]) -> Self {
        Self {
            ends: false,
            ..Self::all(bytes)
        }
    }
}

impl Standard for Typed {
    fn open(&self) -> Connection {
        Connection {
            reader: Box::new(self.clone()),
            writer: Box::new(self.clone()),
            peer: "keyboard".into(),
        }
    }

    fn is_terminal(&self) -> bool {
        false
    }
}

impl StreamReader for Typed {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            if self.bytes.is_empty() && !self.ends {
                std::future::pending::<()>().await;
            }
            let length = buffer.len().min(self.bytes.len()).min(PIECE);
            buffer[..length].copy_from_slice(&self.bytes[..length]);
            self.bytes.drain(..length);
            Ok(length)
        })
    }
}

/// Bytes that a keyboard gives at once: few, so that lines come in pieces.
const PIECE: usize = 3;

impl StreamWriter for Typed {
    fn write_all<'a>(&'a mut self, _: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }
}

/// The log of what a system told, which can be waited for.
pub(crate) struct Told(watch::Sender<Vec<Event>>);

impl Default for Told {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Told {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.borrow().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Line(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Warning(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    /// Waits until something was told that is as wished.
    pub(crate) async fn until(&self, wish: impl Fn(&Event) -> bool) {
        let mut events = self.0.subscribe();
        let _ = events.wait_for(|events| events.iter().any(&wish)).await;
    }

    pub(crate) async fn fingerprint(&self) -> String {
        self.url().await;
        let events = self.events().into_iter();
        let mut fingerprints = events.filter_map(|event| match event {
            Event::Ready { fingerprint, .. } => fingerprint,
            _ => None,
        });
        fingerprints.next().unwrap()
    }

    pub(crate) async fn url(&self) -> String {
        self.until(|event| matches!(event, Event::Ready { .. }))
            .await;
        let events = self.events().into_iter();
        let mut urls = events.filter_map(|event| match event {
            Event::Ready { url, .. } => Some(url),
            _ => None,
        });
        urls.next().unwrap()
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
