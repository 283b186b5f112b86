//! A machine to run a node on: key files, an interface of the test, and what is told.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use pqfw_framework::interface::{
    Interface, InterfaceError, InterfaceSettings, Interfaces, PacketBatch,
};
use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{
    Event, Host, KeyFileError, KeyFiles, Outside, Report, Role, RunError, System,
};
use pqfw_pqvpn::Pqvpn;
use pqfw_runtime::{OsTemporaryKeys, OsWorld};
use pqfw_udp::UdpTransport;
use tokio::sync::{mpsc as channel, watch};
use tokio::task::JoinHandle;

use crate::people::{CHEAP, suite};

pub(crate) struct Machine {
    keys: Arc<KeyFolder>,
    has_interfaces: bool,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            keys: Arc::default(),
            has_interfaces: true,
        }
    }

    pub(crate) fn without_interfaces() -> Self {
        Self {
            has_interfaces: false,
            ..Self::new()
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.keys.write(name, text.as_bytes(), false).unwrap();
    }

    /// Who a node on this machine is: it is started once.
    pub(crate) async fn id(&self) -> String {
        let node = self.run(&[("keys.runtime_temp_keys", "false")]).await;
        let id = node.ready().1;
        node.stop().await.unwrap();
        id
    }

    /// Starts a node, and waits until it is ready.
    pub(crate) async fn run(&self, set: &[(&str, &str)]) -> Running {
        let running = self.start(set);
        running
            .until(|event| matches!(event, Event::Ready { .. }))
            .await;
        running
    }

    /// Starts a node that does not get ready.
    pub(crate) async fn fails(&self, set: &[(&str, &str)]) -> RunError {
        self.start(set).ended().await.unwrap_err()
    }

    fn start(&self, set: &[(&str, &str)]) -> Running {
        let registry = Registry::builder().with(pqfw_pqvpn::plugin()).build();
        let registry = registry.unwrap();
        let all = [("transport.listen", "127.0.0.1:0"), ("control.socket", "")];
        let all = all.iter().chain(set);
        let overrides = Overrides {
            set: all
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            ..Overrides::default()
        };
        let text = "profile = 1\nsystem = \"pqvpn\"\n";
        let profile = Profile::resolve(text, "mine", &overrides, &registry).unwrap();
        let (ends, interface) = pipe();
        let mut outside = Outside {
            temporary: Arc::new(OsTemporaryKeys::new()),
            ..pqfw_memory::empty_outside()
        };
        if self.has_interfaces {
            outside = Outside {
                interfaces: Arc::new(One(Mutex::new(Some(ends)))),
                ..outside
            };
        }
        let told = Arc::new(Told::default());
        let host = Host {
            world: Arc::new(OsWorld::new()),
            suite: suite(CHEAP),
            alternatives: Vec::new(),
            store: Arc::new(MemoryStore::default()),
            keys: self.keys.clone(),
            transport: Arc::new(UdpTransport),
            settings: profile.transport_settings(),
            report: told.clone(),
            outside,
        };
        let (stop, mut stopped) = watch::channel(false);
        let stopped = Box::pin(async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        let work =
            tokio::spawn(async move { Pqvpn.run(Role::Node, &profile, host, stopped).await });
        Running {
            interface,
            keys: self.keys.clone(),
            told,
            stop,
            work: Mutex::new(Some(work)),
        }
    }
}

/// A node at work.
pub(crate) struct Running {
    pub(crate) interface: Ends,
    keys: Arc<KeyFolder>,
    told: Arc<Told>,
    stop: watch::Sender<bool>,
    work: Mutex<Option<JoinHandle<Result<(), RunError>>>>,
}

impl Running {
    /// Where it is, and who.
    pub(crate) fn ready(&self) -> (String, String) {
        let mut ready = self.events().into_iter().filter_map(|event| match event {
            Event::Ready { url, fingerprint } => Some((url, fingerprint.unwrap())),
            _ => None,
        });
        ready.next().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        self.ready().0
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let file = self.keys.read(name).unwrap().unwrap();
        String::from_utf8(file.expose().to_vec()).unwrap()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.told.0.borrow().clone()
    }

    /// Waits until something was told that is as wished.
    pub(crate) async fn until(&self, wish: impl Fn(&Event) -> bool) {
        let mut events = self.told.0.subscribe();
        let _ = events.wait_for(|events| events.iter().any(&wish)).await;
    }

    /// Waits until it ends.
    pub(crate) async fn ended(&self) -> Result<(), RunError> {
        let work = self.work.lock().unwrap().take().unwrap();
        work.await.unwrap()
    }

    /// Ends it, and gives everything that it told.
    pub(crate) async fn stop(&self) -> Result<Vec<Event>, RunError> {
        let _ = self.stop.send(true);
        self.ended().await?;
        Ok(self.events())
    }
}

struct Told(watch::Sender<Vec<Event>>);

impl Default for Told {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.send_modify(|events| events.push(event.clone()));
    }
}

/// Key files in memory.
#[derive(Default)]
struct KeyFolder(Mutex<BTreeMap<String, Vec<u8>>>);

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

type Put = Result<Vec<u8>, InterfaceError>;

/// The test's ends of an interface.
pub(crate) struct Ends {
    put: Sender<Put>,
    got: tokio::sync::Mutex<channel::UnboundedReceiver<Vec<u8>>>,
}

impl Ends {
    /// A packet of this machine.
    pub(crate) fn put(&self, packet: Vec<u8>) {
        self.put.send(Ok(packet)).unwrap();
    }

    /// The interface is no more.
    pub(crate) fn fail(&self) {
        let broken = InterfaceError::Broken {
            name: "pqvpn0".into(),
            reason: "pulled out".into(),
        };
        self.put.send(Err(broken)).unwrap();
    }

    /// The next packet for this machine.
    pub(crate) async fn next(&self) -> Vec<u8> {
        self.got.lock().await.recv().await.unwrap()
    }
}

struct Pipe {
    put: Sender<Put>,
    waiting: Mutex<Receiver<Put>>,
    give: channel::UnboundedSender<Vec<u8>>,
}

fn pipe() -> (Pipe, Ends) {
    let (put, waiting) = mpsc::channel();
    let (give, got) = channel::unbounded_channel();
    let got = tokio::sync::Mutex::new(got);
    let pipe = Pipe {
        put: put.clone(),
        waiting: Mutex::new(waiting),
        give,
    };
    (pipe, Ends { put, got })
}

impl Interface for Pipe {
    fn name(&self) -> &str {
        "pqvpn0"
    }

    fn receive(&self, batch: &mut PacketBatch) -> Result<(), InterfaceError> {
        batch.clear();
        let packet = self.waiting.lock().unwrap().recv().unwrap()?;
        assert!(batch.push(&packet));
        Ok(())
    }

    fn send(&self, batch: &mut PacketBatch) -> Result<usize, InterfaceError> {
        let packets: Vec<_> = batch.packets().map(<[u8]>::to_vec).collect();
        batch.clear();
        let count = packets.len();
        for packet in packets {
            let _ = self.give.send(packet);
        }
        Ok(count)
    }

    fn close(&self) {
        let _ = self.put.send(Err(InterfaceError::Closed));
    }
}

/// A machine with one interface.
struct One(Mutex<Option<Pipe>>);

impl Interfaces for One {
    fn open(&self, settings: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError> {
        assert_eq!(settings.mtu, 1420);
        let pipe = self.0.lock().unwrap().take();
        Ok(Arc::new(pipe.unwrap()))
    }

    fn give_up_privileges(&self) -> Result<(), InterfaceError> {
        Ok(())
    }
}

/// An IPv4 packet of a length.
pub(crate) fn packet(from: &str, to: &str, length: u16) -> Vec<u8> {
    let mut packet = vec![7; length.into()];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    for (at, text) in [(12, from), (16, to)] {
        let IpAddr::V4(address) = text.parse().unwrap() else {
            panic!("of IPv4");
        };
        packet[at..at + 4].copy_from_slice(&address.octets());
    }
    packet
}
