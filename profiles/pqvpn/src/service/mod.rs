//! Role `node`: a node on this machine's network, with an interface of this machine behind it, until
//! the operator wants it to end.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `keys` | its own keys |
//! | `calls` | whom it calls |
//! | `doors` | what operators reach it by, and reloads |
//! | `routing` | which peers have addresses now |
//! | `traffic` | packets between the interface and the peers, through the node |
//! | `fast`, `runs` | the same beside the node, where the transport has a way for threads |

mod calls;
mod doors;
mod fast;
pub(crate) mod keys;
mod routing;
mod runs;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use pqfw_framework::interface::{
    Interface, InterfaceError, InterfaceSettings, Protocol, UserspaceSettings,
};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event as Told, Failure, Host, RunError};
use pqfw_framework::transport::BoxFuture;

use crate::config::{InterfaceMode, KeyPlace, Settings};
use crate::driver::{First, race, start, within};
use crate::identity::RecordTerms;
use crate::known::KnownPeers;
use crate::limits::MOST_INBOX;
use crate::node::{Config, Event};
use crate::operator::{Board, Desk, NodeFacts, Numbers};
use crate::peer_id::PeerId;
use crate::session::Buckets;
use crate::suites::Suites;
use crate::trust::Verdict;
use calls::Calls;
use fast::CarryError;
use routing::Routing;
use traffic::Traffic;

/// How long a node's record is good; each start signs a new one.
const RECORD_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// One shard for the node, and one for the thread that takes packets from the interface.
const SHARDS: u8 = 2;
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
    // A temporary directory goes when this ends, however it does.
    let (identity, _directory) = keys::identity(&settings.keys, &suites, &host)?;
    let known = KnownPeers::load(settings.trust_terms(), host.keys.clone());
    let known = Arc::new(known.map_err(usage)?);
    let names = suites.names();
    let mut bound = host.settings.clone();
    bound.listen = settings.listen.clone();
    let socket = host.transport.bind_datagrams(&bound).await?;
    if let Some(bytes) = settings.receive_buffer_bytes {
        socket.ask_receive_buffer(bytes);
    }
    let calls = Calls::look_up(settings, &host).await;
    let interface = open(settings, &calls, &host).await?;
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
    let mut config = Config::new(suites, identity, record, known.clone());
    settings.apply(&mut config);
    // Padded packets are the node's: they change their size.
    if interface.is_some() && settings.buckets == Buckets::default() {
        (config.shards, config.carried) = (SHARDS, true);
    }
    let (node, driver) =
        start(config, settings.workers(), socket, host.world.clone()).map_err(usage)?;
    let traffic = Traffic {
        node: node.clone(),
        routing: Arc::new(Routing::new(settings.ranges.clone())),
        counts: Arc::default(),
        mtu: settings.interface.mtu,
    };
    let board = Arc::<Board>::default();
    let facts = NodeFacts {
        nickname: settings.nickname.clone(),
        suites: names,
        interface: match settings.mode {
            InterfaceMode::Tun => "tun",
            InterfaceMode::Userspace => "userspace",
            InterfaceMode::None => "none",
        },
        temporary_keys: matches!(settings.keys, KeyPlace::Temporary { .. }),
    };
    let desk = Desk::new(node.clone(), board.clone(), known.clone(), facts);
    let drops = traffic.counts.clone();
    let numbers = Numbers::new(node.clone(), board.clone(), move || drops.drops().to_vec());
    let doors = doors::open(settings, &host, desk, numbers).await?;
    let who = format!("this node is {}", node.id());
    host.report.event(&Told::Info(who));
    host.report.event(&Told::Ready {
        url: node.url().to_owned(),
        fingerprint: Some(node.id().to_string()),
    });
    let service = Service {
        traffic,
        interface,
        known: known.clone(),
        board: board.clone(),
        host: host.clone(),
    };
    let threads = service.carry()?;
    let calling = calls.keep(settings.listen.clone(), node.clone(), board, host.clone());
    let reloading = doors::reload(settings.clone(), host.clone(), known);
    let mut driver = driver;
    let work = race(service.listen(), race(stop, race(calling, reloading)));
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
    for door in doors {
        let _ = within(&*host.world, FAREWELL, door.shutdown()).await;
    }
    service.end(threads, ended)
}

/// Opens the interface that the profile wants.
async fn open(
    settings: &Settings,
    calls: &Calls,
    host: &Host,
) -> Result<Option<Arc<dyn Interface>>, RunError> {
    match settings.mode {
        InterfaceMode::None => return Ok(None),
        InterfaceMode::Userspace => return in_userspace(settings, host).await.map(Some),
        InterfaceMode::Tun => {}
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

/// Opens an interface without a device, and says where its forwards listen.
async fn in_userspace(settings: &Settings, host: &Host) -> Result<Arc<dyn Interface>, RunError> {
    let wanted = UserspaceSettings {
        addresses: settings.interface.addresses.clone(),
        mtu: settings.interface.mtu,
        forwards: settings.forwards.clone(),
        exposes: settings.exposes.clone(),
    };
    let opened = host.outside.userspace.open(&wanted, host.world.clone());
    let opened = opened.await.map_err(|error| interface_fault(&error))?;
    let listening = wanted.forwards.iter().zip(opened.listening);
    for (number, (forward, at)) in (1..).zip(listening) {
        let scheme = match forward.protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        host.report.event(&Told::Opened {
            door: match number {
                1 => "forward".into(),
                number => format!("forward-{number}"),
            },
            url: format!("{scheme}://{at}"),
        });
    }
    Ok(opened.interface)
}

struct Service {
    traffic: Traffic,
    interface: Option<Arc<dyn Interface>>,
    known: Arc<KnownPeers>,
    board: Arc<Board>,
    host: Host,
}

/// What one of them does.
type Work = Box<dyn FnOnce(&Traffic) -> Result<(), RunError> + Send>;

type Threads = Vec<JoinHandle<Result<(), RunError>>>;

impl Service {
    /// Starts the threads that carry packets. When one ends, the node stops.
    fn carry(&self) -> Result<Threads, RunError> {
        let Some(interface) = self.interface.clone() else {
            return Ok(Vec::new());
        };
        let start = |name: &str, work: Work| {
            let traffic = self.traffic.clone();
            let thread = std::thread::Builder::new().name(name.into());
            let started = thread.spawn(move || {
                let ended = work(&traffic);
                traffic.node.stop();
                ended
            });
            started.map_err(failed)
        };
        let Some(carrier) = self.traffic.node.carrier() else {
            let take = Box::new(move |traffic: &Traffic| {
                let ended = traffic.take(&*interface);
                ended.map_err(|error| interface_fault(&error))
            });
            return Ok(vec![start("pqvpn-out", take)?]);
        };
        let (other, device) = (carrier.clone(), interface.clone());
        let out = Box::new(move |traffic: &Traffic| {
            let ended = traffic.carry_out(&other, &*device);
            ended.map_err(|error| interface_fault(&error))
        });
        let back = Box::new(move |traffic: &Traffic| {
            let ended = traffic.carry_in(&carrier, &*interface);
            ended.map_err(|error| match error {
                CarryError::Interface(error) => interface_fault(&error),
                CarryError::Transport(error) => error.into(),
            })
        });
        Ok(vec![start("pqvpn-out", out)?, start("pqvpn-in", back)?])
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
        let now = self.host.world.now();
        self.board.note(now, event);
        let text = match event {
            Event::Up {
                peer,
                standing,
                endpoint,
                ..
            } => self.up(*peer, *standing, *endpoint),
            Event::Rekeyed { peer, .. } => format!("{peer}: new keys"),
            Event::Moved { peer, endpoint } => format!("{peer}: moved to {endpoint}"),
            Event::Dead { peer } => format!("{peer}: does not answer"),
            Event::Closed { peer } => format!("{peer}: closed"),
            Event::CallFailed { name, peer, why } => {
                let id = peer.map(|peer| peer.to_string());
                let who = name.clone().or(id).unwrap_or_default();
                format!("{who}: the call has failed: {why}")
            }
            Event::Refused {
                peer,
                endpoint,
                why,
            } => {
                if self.board.tells_of_refused(now, *peer) {
                    let text = format!("{peer} at {endpoint} is refused: {why}");
                    self.board.line(now, &text);
                    self.host.report.event(&Told::Warning(text));
                }
                return;
            }
            Event::Carries { .. } | Event::Packet { .. } => return,
        };
        self.board.line(now, &text);
        self.host.report.event(&Told::Info(text));
    }

    fn up(&self, peer: PeerId, standing: Verdict, endpoint: SocketAddr) -> String {
        let has_addresses = self.traffic.routing.met(peer, standing);
        let mut text = format!("{peer}: up at {endpoint}");
        if standing.is_first_use() {
            text.push_str(", on first use");
        }
        // Whom first use has met, and who follows whom.
        if let Err(why) = self.known.keep(self.host.world.now()) {
            let text = format!("{peer} is not remembered: {why}");
            self.host.report.event(&Told::Warning(text));
        }
        if !has_addresses {
            text.push_str("; it has no addresses");
        }
        text
    }

    /// Closes the interface, waits for the threads, and tells the numbers.
    fn end(self, threads: Threads, ended: Result<(), RunError>) -> Result<(), RunError> {
        if let Some(interface) = &self.interface {
            interface.close();
        }
        if let Some(carrier) = self.traffic.node.carrier() {
            carrier.path.close();
        }
        let carried: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
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
        for ended in carried {
            let panicked = |_| RunError::new(Failure::Internal, "a thread of packets has panicked");
            ended.map_err(panicked)??;
        }
        Ok(())
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
