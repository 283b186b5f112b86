//! Role `node`: a node on this machine's network, with an interface of this machine behind it, until
//! the operator wants it to end.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `keys` | its own keys |
//! | `known` | whom it knows |
//! | `calls` | whom it calls |
//! | `routing` | which peers have addresses now |
//! | `traffic` | packets between the interface and the peers |

mod calls;
pub(crate) mod keys;
mod known;
mod routing;
mod traffic;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pqfw_framework::interface::{Interface, InterfaceError, InterfaceSettings};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event as Told, Failure, Host, RunError};
use pqfw_framework::transport::BoxFuture;

use crate::config::{InterfaceMode, Settings};
use crate::driver::{First, race, start, within};
use crate::identity::RecordTerms;
use crate::limits::MOST_INBOX;
use crate::node::{Config, Event};
use crate::peer_id::PeerId;
use crate::session::Role;
use crate::suites::Suites;
use crate::trust::Verdict;
use calls::Calls;
use known::KnownPeers;
use routing::Routing;
use traffic::Traffic;

/// How long a node's record is good; each start signs a new one.
const RECORD_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long a node may take to tell its peers that it ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs a node until `stop`, or until its socket or its interface is no more.
///
/// # Errors
/// [`RunError`].
pub async fn run(
    settings: &Settings,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let all = std::iter::once(&host.suite).chain(&host.alternatives);
    let suites = Suites::new(all.cloned().collect::<Vec<Suite>>()).map_err(usage)?;
    let identity = keys::identity(&settings.keys, &suites, &host)?;
    let (known, trust) = KnownPeers::load(settings, &host)?;
    let mut bound = host.settings.clone();
    bound.listen = settings.listen.clone();
    let socket = host.transport.bind_datagrams(&bound).await?;
    if let Some(bytes) = settings.receive_buffer_bytes {
        socket.ask_receive_buffer(bytes);
    }
    let calls = Calls::look_up(settings, &host).await;
    let interface = open(settings, &calls, &host)?;
    let given_up = host.outside.interfaces.give_up_privileges();
    given_up.map_err(|error| interface_fault(&error))?;

    let now = host.world.now().unix_micros / 1_000_000;
    let terms = RecordTerms {
        expires_unix_secs: now + RECORD_LIFETIME.as_secs(),
        ..RecordTerms::default()
    };
    let record = identity
        .record(terms, &mut *host.world.rng())
        .map_err(failed)?;
    let mut config = Config::new(suites, identity, record, Arc::new(trust));
    settings.apply(&mut config);
    let (node, driver) =
        start(config, settings.workers(), socket, host.world.clone()).map_err(usage)?;
    host.report.event(&Told::Ready {
        url: node.url().to_owned(),
        fingerprint: Some(node.id().to_string()),
    });
    let service = Service {
        traffic: Traffic {
            node: node.clone(),
            routing: Arc::new(Routing::new(settings.ranges.clone())),
            counts: Arc::default(),
            mtu: settings.interface.mtu,
        },
        names: calls.names(),
        interface,
        known,
        host: host.clone(),
    };
    let reader = service.read()?;
    let calling = calls.keep(settings.listen.clone(), node.clone(), host.clone());
    let mut driver = driver;
    let work = race(service.listen(), race(stop, calling));
    let (ended, is_done) = match race(&mut driver, work).await {
        First::Left(ended) => (ended.map_err(failed), true),
        First::Right(First::Left(listened)) => (listened, false),
        First::Right(First::Right(_)) => (Ok(()), false),
    };
    node.stop();
    if !is_done {
        // What is left to say is said, unless the network does not take it.
        let _ = within(&*host.world, FAREWELL, driver).await;
    }
    service.end(reader, ended)
}

/// Opens the interface that the profile wants.
fn open(
    settings: &Settings,
    calls: &Calls,
    host: &Host,
) -> Result<Option<Arc<dyn Interface>>, RunError> {
    if settings.mode == InterfaceMode::None {
        return Ok(None);
    }
    let wanted = InterfaceSettings {
        outside: calls.addresses(),
        ..settings.interface.clone()
    };
    if wanted.full_tunnel
        && let Some(missing) = calls.missing().first()
    {
        let text = format!(
            "interface.full_tunnel: {} was not found, and could not be looked for any more",
            missing.place
        );
        return Err(RunError::new(Failure::Network, text));
    }
    let opened = host.outside.interfaces.open(&wanted);
    opened.map(Some).map_err(|error| interface_fault(&error))
}

struct Service {
    traffic: Traffic,
    names: BTreeMap<SocketAddr, String>,
    interface: Option<Arc<dyn Interface>>,
    known: KnownPeers,
    host: Host,
}

type Reader = Option<JoinHandle<Result<(), InterfaceError>>>;

impl Service {
    /// Starts the thread that takes packets from the interface. When that is no more, the node
    /// stops.
    fn read(&self) -> Result<Reader, RunError> {
        let Some(interface) = self.interface.clone() else {
            return Ok(None);
        };
        let traffic = self.traffic.clone();
        let thread = std::thread::Builder::new().name("pqvpn-interface".into());
        let started = thread.spawn(move || {
            let ended = traffic.take(&*interface);
            traffic.node.stop();
            ended
        });
        started.map(Some).map_err(failed)
    }

    /// Takes what the node tells, until it has stopped.
    async fn listen(&self) -> Result<(), RunError> {
        let mut batch = self.traffic.batch();
        while let Some(events) = self.traffic.node.next_events(MOST_INBOX).await {
            for event in events {
                match (event, &self.interface) {
                    (Event::Packet { peer, mut packet }, Some(interface)) => {
                        let traffic = &self.traffic;
                        let given = traffic.give(&**interface, &mut batch, peer, &mut packet);
                        given.map_err(|error| interface_fault(&error))?;
                    }
                    (Event::Packet { .. }, None) => {}
                    (event, _) => self.tell(&event),
                }
            }
            if let Some(interface) = &self.interface {
                let given = self.traffic.flush(&**interface, &mut batch);
                given.map_err(|error| interface_fault(&error))?;
            }
        }
        Ok(())
    }

    /// Does what follows from an event, and tells the operator.
    fn tell(&self, event: &Event) {
        let text = match event {
            Event::Up {
                peer,
                standing,
                role,
                endpoint,
            } => self.up(*peer, *standing, *role, *endpoint),
            Event::Rekeyed { peer, .. } => format!("{peer}: new keys"),
            Event::Moved { peer, endpoint } => format!("{peer}: moved to {endpoint}"),
            Event::Dead { peer } => format!("{peer}: does not answer"),
            Event::Closed { peer } => format!("{peer}: closed"),
            Event::CallFailed { name, peer, why } => {
                let id = peer.map(|peer| peer.to_string());
                let who = name.clone().or(id).unwrap_or_default();
                format!("{who}: the call has failed: {why}")
            }
            Event::Carries { .. } | Event::Packet { .. } => return,
        };
        self.host.report.event(&Told::Info(text));
    }

    fn up(&self, peer: PeerId, standing: Verdict, role: Role, endpoint: SocketAddr) -> String {
        let has_addresses = self.traffic.routing.met(peer, standing);
        let mut text = format!("{peer}: up at {endpoint}");
        if standing == Verdict::FirstUse {
            let called = self.names.get(&endpoint);
            let called = called.filter(|_| role == Role::Initiator);
            match self
                .known
                .remember(&self.host, peer, called.map(String::as_str))
            {
                Ok(_) => text.push_str(", on first use"),
                Err(why) => {
                    let text = format!("{peer} is not remembered: {why}");
                    self.host.report.event(&Told::Warning(text));
                }
            }
        }
        if !has_addresses {
            text.push_str("; it has no addresses");
        }
        text
    }

    /// Closes the interface, waits for its thread, and tells the numbers.
    fn end(self, reader: Reader, ended: Result<(), RunError>) -> Result<(), RunError> {
        if let Some(interface) = &self.interface {
            interface.close();
        }
        let read = reader.map_or(Ok(Ok(())), JoinHandle::join);
        let counts = self.traffic.node.counts();
        let of_node = [
            ("datagrams_sent", counts.packets_sent),
            ("datagrams_received", counts.packets_received),
            ("dropped_untaken", counts.untaken),
            ("rekeys", counts.rekeys),
        ];
        let refused = counts.refused.iter();
        let refused = refused.map(|(kind, refused)| (format!("refused_{kind}"), refused.count));
        let all = of_node.into_iter().chain(self.traffic.counts.all());
        let all = all.map(|(name, count)| (name.to_owned(), count));
        for (name, count) in all.chain(refused) {
            let value = count.to_string();
            self.host.report.event(&Told::Fact { name, value });
        }
        ended?;
        match read {
            Ok(read) => read.map_err(|error| interface_fault(&error)),
            Err(_) => Err(RunError::new(
                Failure::Internal,
                "the thread of the interface has panicked",
            )),
        }
    }
}

fn interface_fault(error: &InterfaceError) -> RunError {
    let failure = match error {
        InterfaceError::None(_)
        | InterfaceError::Privilege { .. }
        | InterfaceError::Open { .. }
        | InterfaceError::NoWayOut(_) => Failure::Usage,
        InterfaceError::Closed | InterfaceError::Broken { .. } => Failure::Operation,
    };
    RunError::new(failure, error)
}

fn usage(error: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Usage, error)
}

fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, error)
}
