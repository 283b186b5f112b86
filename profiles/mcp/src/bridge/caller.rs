//! The host's end: one channel for one session, or for one HTTP connection.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::lines::Lines;
use pqfw_framework::profile::Profile;
use pqfw_framework::system::{Event, Host, RunError};
use pqfw_framework::transport::{Connection, StreamWriter};
use pqfw_session::compose::{self, End};
use pqfw_session::{Config as Channel, stream};

use super::PROTOCOL;
use super::error::BridgeError;
use super::purpose::{MOST_LINE, Purpose, answered, first_line};

/// What one session may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// How long a session may be silent.
    pub idle: Duration,
    /// How long the opening of one may take.
    pub opening: Duration,
    /// How long a child has for each step of its end.
    pub grace: Duration,
    /// Children at a time.
    pub children: usize,
    /// Bytes of the head of an HTTP request.
    pub header_bytes: usize,
}

/// What a host's end is made of.
#[derive(Clone)]
pub struct Caller {
    /// The outside.
    pub host: Host,
    /// Who it is and whom it accepts.
    pub channel: Arc<Channel>,
    /// What one session may take.
    pub bounds: Bounds,
}

/// An open session.
pub struct Session {
    /// What comes; nothing was lost behind the opening.
    pub lines: Lines,
    /// What goes.
    pub writer: Box<dyn StreamWriter>,
}

impl Caller {
    /// Makes what a profile describes.
    ///
    /// # Errors
    /// [`RunError`] that says which key of the profile is at fault.
    pub fn new(host: Host, profile: &Profile, bounds: Bounds) -> Result<Self, RunError> {
        let channel = compose::config(PROTOCOL, End::Initiator, profile, &host)?;
        Ok(Self {
            channel: Arc::new(channel),
            host,
            bounds,
        })
    }

    /// Connects to the server's end, and says what for.
    ///
    /// # Errors
    /// [`BridgeError`].
    pub async fn open(&self, purpose: Purpose) -> Result<Session, BridgeError> {
        let host = &self.host;
        let outside = host.transport.connect_stream(&host.settings).await?;
        self.open_on(outside, purpose).await
    }

    /// The same on a connection that is there.
    ///
    /// # Errors
    /// [`BridgeError`].
    pub async fn open_on(
        &self,
        outside: Connection,
        purpose: Purpose,
    ) -> Result<Session, BridgeError> {
        let (world, limit) = (&self.host.world, self.bounds.opening);
        let opened = stream::connect(&self.channel, outside, world, limit).await?;
        let text = format!("connected to {}, in {}", opened.peer, opened.suite);
        self.host.report.event(&Event::Info(text));
        let mut inside = opened.connection;
        let line = format!("{}\n", purpose.name());
        inside.writer.write_all(line.as_bytes()).await?;
        let mut lines = Lines::new(inside.reader, MOST_LINE);
        answered(&first_line(&mut lines, &**world, limit).await?)?;
        Ok(Session {
            lines: lines.with_limit(self.bounds.message_bytes),
            writer: inside.writer,
        })
    }
}
