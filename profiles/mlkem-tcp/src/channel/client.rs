//! The asking end: lines of the standard input, or its bytes.

use std::sync::Arc;

use pqfw_framework::profile::Profile;
use pqfw_framework::splice::{Activity, pour};
use pqfw_framework::system::{Event, Host, RunError};
use pqfw_framework::transport::{BoxFuture, Connection, StreamReader};
use pqfw_session::compose::{self, End};
use pqfw_session::stream::Secure;
use pqfw_session::{Config as Channel, stream};

use super::PROTOCOL;
use super::error::ChatError;
use super::purpose::{Purpose, answer};
use super::text::PeerLines;
use crate::client::Input;
use crate::config::Bounds;
use crate::console;
use pqfw_framework::waiting::{First, race, within};

/// What a client is made of.
#[derive(Clone)]
pub struct Caller {
    /// The outside.
    pub host: Host,
    /// Who it is and whom it accepts.
    pub channel: Arc<Channel>,
    /// What one connection may take.
    pub bounds: Bounds,
}

impl Caller {
    /// Makes what a profile describes.
    ///
    /// # Errors
    /// [`RunError`] that says which key of the profile is at fault.
    pub fn new(host: Host, profile: &Profile, bounds: Bounds) -> Result<Self, RunError> {
        let channel = compose::config(PROTOCOL, End::Initiator, profile, &host)?;
        let channel = Arc::new(channel);
        Ok(Self {
            host,
            channel,
            bounds,
        })
    }

    /// Connects to the server, and says what for.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn open(&self, purpose: &Purpose) -> Result<Secure, ChatError> {
        let host = &self.host;
        let outside = host.transport.connect_stream(&host.settings).await?;
        self.open_on(outside, purpose).await
    }

    /// The same on a connection that is there.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn open_on(
        &self,
        outside: Connection,
        purpose: &Purpose,
    ) -> Result<Secure, ChatError> {
        let limit = self.bounds.greeting;
        let opened = stream::connect(&self.channel, outside, &self.host.world, limit);
        let mut opened = opened.await?;
        let line = purpose.line();
        opened.connection.writer.write_all(line.as_bytes()).await?;
        Ok(opened)
    }

    /// Opens what the server answers to; gives what came behind the answer.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn ask(&self, purpose: &Purpose) -> Result<(Secure, Vec<u8>), ChatError> {
        let mut opened = self.open(purpose).await?;
        let answer = answer(&mut *opened.connection.reader);
        let answer = within(&*self.host.world, self.bounds.greeting, answer).await;
        let rest = answer.ok_or(ChatError::Early("whether it does what was asked"))??;
        Ok((opened, rest))
    }

    /// Sends lines of the standard input and tells those that come, until either end is done.
    ///
    /// # Errors
    /// [`RunError`] for a server that cannot be reached, is not believed or goes away.
    pub async fn converse(&self, mut stop: BoxFuture<'static, ()>) -> Result<(), RunError> {
        let opened = match race(&mut stop, self.open(&Purpose::Chat)).await {
            First::Left(()) => return Ok(()),
            First::Right(opened) => opened?,
        };
        let text = format!("connected to {}, in {}", opened.peer, opened.suite);
        self.host.report.event(&Event::Info(text));
        let mut inside = opened.connection;
        let activity = Activity::new(self.host.world.clone(), self.bounds.idle);
        let talk = {
            let hear = self.hear(&mut *inside.reader, &activity);
            let speak = async {
                let mut input = Input::new(&self.host, self.bounds.frame_bytes);
                let typed = self.host.outside.standard.is_terminal();
                while let Some(line) = input.next().await? {
                    if typed && console::is_exit(&line) {
                        break;
                    }
                    inside
                        .writer
                        .write_all(format!("{line}\n").as_bytes())
                        .await?;
                    activity.note();
                }
                inside.writer.finish().await?;
                // The server ends in its turn, with whatever it has still to say.
                std::future::pending::<Result<(), RunError>>().await
            };
            let idle = async { Err(RunError::from(ChatError::from(activity.over().await))) };
            let talk = race(race(hear, speak), idle);
            match race(&mut stop, talk).await {
                First::Left(()) => Ok(()),
                First::Right(First::Left(First::Left(done))) => Ok(done?),
                First::Right(First::Left(First::Right(done)) | First::Right(done)) => done,
            }
        };
        talk?;
        let finish = inside.writer.finish();
        // A server that is gone hears nothing, and that is no fault any more.
        let _ = within(&*self.host.world, self.bounds.greeting, finish).await;
        Ok(())
    }

    async fn hear(
        &self,
        reader: &mut dyn StreamReader,
        activity: &Activity,
    ) -> Result<(), ChatError> {
        let tell = |text: &str| {
            let line = console::escape(text);
            self.host.report.event(&Event::Line(line));
        };
        let mut lines = PeerLines::new(self.bounds.frame_bytes);
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = reader.read(&mut buffer).await?;
            if read == 0 {
                if let Some(text) = lines.rest()? {
                    tell(&text);
                }
                return Ok(());
            }
            activity.note();
            lines.push(buffer.get(..read).unwrap_or_default());
            while let Some(text) = lines.take()? {
                tell(&text);
            }
        }
    }

    /// Sends the bytes of the standard input, and waits until the server has written the last.
    ///
    /// # Errors
    /// [`RunError`]; then the server may have a part of them.
    pub async fn send(&self, stop: BoxFuture<'static, ()>) -> Result<(), RunError> {
        let send = async {
            let (opened, _) = self.ask(&Purpose::Pipe).await?;
            let mut inside = opened.connection;
            let mut input = self.host.outside.standard.open().reader;
            let activity = Activity::new(self.host.world.clone(), self.bounds.idle);
            let poured = async {
                pour(&mut *input, &mut *inside.writer, &activity).await?;
                inside.writer.finish().await?;
                let mut more = [0; 1];
                match inside.reader.read(&mut more).await? {
                    0 => Ok(()),
                    _ => Err(ChatError::FirstLine("bytes after the answer".into())),
                }
            };
            match race(poured, activity.over()).await {
                First::Left(done) => done,
                First::Right(idle) => Err(idle.into()),
            }
        };
        match race(stop, send).await {
            First::Left(()) => Err(RunError::new(
                pqfw_framework::system::Failure::Operation,
                "stopped before everything was sent: the server knows that it has a part",
            )),
            First::Right(sent) => Ok(sent?),
        }
    }
}
