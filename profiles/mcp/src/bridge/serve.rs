//! The server's end: a task a channel, whose faults end that session alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::lines::Lines;
use pqfw_framework::process::Command;
use pqfw_framework::system::{Event, Host};
use pqfw_framework::transport::{BoxFuture, Connection, StreamService, StreamWriter};
use pqfw_framework::waiting::{Closing, First, race, within};
use pqfw_session::{ChannelError, Config as Channel, stream};

use super::audit::Audit;
use super::caller::Bounds;
use super::error::BridgeError;
use super::filter::{AllowList, AllowLists};
use super::metrics::Metrics;
use super::purpose::{MOST_LINE, OK, Purpose, escape, first_line, refusal};
use super::upstream::Upstream;

/// What stands behind the bridge.
pub enum Serves {
    /// An MCP server on stdio: a child for each session.
    Child(Command),
    /// An MCP server over HTTP, which is there already.
    Upstream(Upstream),
}

/// What a server's end is made of.
pub struct Parts {
    /// The outside.
    pub host: Host,
    /// Who it is and whom it accepts.
    pub channel: Arc<Channel>,
    /// What one session may take.
    pub bounds: Bounds,
    /// What stands behind it.
    pub serves: Serves,
    /// Which tools a peer may call.
    pub tools: AllowLists,
    /// Where calls are recorded.
    pub audit: Audit,
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
}

/// A server's end of many sessions.
pub struct Server(Arc<Shared>);

pub(super) struct Shared {
    pub(super) host: Host,
    channel: Arc<Channel>,
    pub(super) bounds: Bounds,
    serves: Serves,
    tools: AllowLists,
    pub(super) audit: Audit,
    pub(super) metrics: Arc<Metrics>,
    pub(super) closing: Closing,
    sessions: AtomicU64,
}

/// One session: whose it is, and what it may do.
pub(super) struct Guest {
    /// Its number, for the records.
    pub(super) session: u64,
    pub(super) peer: Fingerprint,
    /// `None`: every tool.
    pub(super) tools: Option<AllowList>,
}

impl Server {
    /// Makes one.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            host: parts.host,
            channel: parts.channel,
            bounds: parts.bounds,
            serves: parts.serves,
            tools: parts.tools,
            audit: parts.audit,
            metrics: parts.metrics,
            closing: Closing::default(),
            sessions: AtomicU64::new(0),
        }))
    }

    /// Ends every session; the hosts' ends are told that others may follow.
    pub fn close(&self) {
        self.0.closing.close();
    }
}

impl StreamService for Server {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let shared = self.0.clone();
        Box::pin(async move {
            let from = escape(&connection.peer);
            if let Err(error) = shared.attend(connection).await {
                let text = format!("the session from {from} is over: {error}");
                shared.host.report.event(&Event::Warning(text));
            }
        })
    }
}

impl Shared {
    async fn attend(&self, connection: Connection) -> Result<(), BridgeError> {
        let world = &self.host.world;
        let opened = async {
            let limit = self.bounds.opening;
            let opened = stream::accept(&self.channel, connection, world, limit).await?;
            let mut lines = Lines::new(opened.connection.reader, MOST_LINE);
            let first = first_line(&mut lines, &**world, limit).await?;
            Ok::<_, BridgeError>((opened.peer, lines, opened.connection.writer, first))
        };
        let (peer, lines, mut writer, first) = match race(self.closing.wait(), opened).await {
            First::Left(()) => return Ok(()),
            First::Right(opened) => opened.inspect_err(|error| self.not_opened(error))?,
        };
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let guest = Guest {
            session,
            tools: self.tools.of(&peer),
            peer,
        };
        let lines = lines.with_limit(self.bounds.message_bytes);
        match (Purpose::parse(&first), &self.serves) {
            (Ok(Purpose::Stdio), Serves::Child(command)) => {
                self.with_child(&guest, command, lines, writer).await
            }
            (Ok(Purpose::Http), Serves::Upstream(upstream)) => {
                self.with_upstream(&guest, upstream, lines, writer).await
            }
            (Ok(Purpose::Stdio), Serves::Upstream(_)) => {
                let reason = "an HTTP server stands here: connect with --http-listen";
                self.refuse(&guest, &mut *writer, reason).await
            }
            (Ok(Purpose::Http), Serves::Child(_)) => {
                let reason = "a server on stdio stands here: connect without --http-listen";
                self.refuse(&guest, &mut *writer, reason).await
            }
            (Err(error), _) => {
                let _ = self.refuse(&guest, &mut *writer, &error.to_string()).await;
                Err(error)
            }
        }
    }

    /// Counts a connection that became no session, and records the peer if it is one that proved
    /// who it is and is not accepted.
    fn not_opened(&self, error: &BridgeError) {
        self.metrics.refused_session();
        if let BridgeError::Channel(ChannelError::UnknownPeer(refused)) = error {
            let (world, reason) = (&*self.host.world, &refused.reason);
            self.audit.no_session(world, (None, &refused.peer), reason);
        }
    }

    /// Says that the session begins.
    pub(super) async fn welcome(&self, writer: &mut dyn StreamWriter) -> Result<(), BridgeError> {
        Ok(writer.write_all(format!("{OK}\n").as_bytes()).await?)
    }

    /// Says no, and why, to both sides and in the log.
    pub(super) async fn refuse(
        &self,
        guest: &Guest,
        writer: &mut dyn StreamWriter,
        reason: &str,
    ) -> Result<(), BridgeError> {
        self.metrics.refused_session();
        let (world, who) = (&*self.host.world, (Some(guest.session), &guest.peer));
        self.audit.no_session(world, who, reason);
        self.last_words(writer, &refusal(reason)).await;
        Err(BridgeError::NotServed(reason.into()))
    }

    /// Says one more line and ends the channel, as far as the peer listens.
    pub(super) async fn last_words(&self, writer: &mut dyn StreamWriter, line: &str) {
        let said = async {
            writer.write_all(line.as_bytes()).await?;
            writer.finish().await
        };
        let _ = within(&*self.host.world, self.bounds.grace, said).await;
    }
}
