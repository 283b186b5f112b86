//! The two halves that an application holds.

use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use pqfw_framework::transport::{BoxFuture, StreamReader, StreamWriter, TransportError};

use super::egress::{Half, Shared};
use super::inbox::Inbox;
use crate::channel::{Opener, Received};
use crate::error::ChannelError;

/// Application bytes that came.
pub(super) struct SecureReader {
    line: Box<dyn StreamReader>,
    /// None at the end: there is nothing more to open.
    opener: Option<Opener>,
    inbox: Inbox,
    /// Opened and not yet taken.
    plain: Range<usize>,
    ended: Option<Result<(), ChannelError>>,
    shared: Arc<Shared>,
    address: String,
}

/// Application bytes that go.
pub(super) struct SecureWriter {
    shared: Arc<Shared>,
    address: String,
}

impl SecureReader {
    pub(super) fn new(
        line: Box<dyn StreamReader>,
        opener: Opener,
        inbox: Inbox,
        shared: Arc<Shared>,
        address: String,
    ) -> Self {
        Self {
            line,
            opener: Some(opener),
            inbox,
            plain: 0..0,
            ended: None,
            shared,
            address,
        }
    }

    async fn next(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        loop {
            if !self.plain.is_empty() {
                return Ok(self.deliver(buffer));
            }
            if let Some(ended) = &self.ended {
                return ended.clone().map(|()| 0);
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) => {
                    let read = self.more().await;
                    match read {
                        Ok(0) => self.fail(ChannelError::Truncated(None)),
                        Ok(bytes) => self.inbox.came(bytes),
                        Err(error) => self.fail(ChannelError::Truncated(Some(error))),
                    }
                }
                Err(error) => self.fail(error),
            }
        }
    }

    /// Takes one record, if one is there.
    fn step(&mut self) -> Result<bool, ChannelError> {
        let opener = self.opener.as_mut().ok_or(ChannelError::Closed)?;
        let Some((head, place)) = self.inbox.take(opener.tag())? else {
            return Ok(false);
        };
        let start = place.start;
        match opener.open(head, self.inbox.at_mut(place))? {
            Received::Data(range) => {
                self.shared.received(range.len(), opener.bytes())?;
                self.plain = start + range.start..start + range.end;
            }
            Received::Control(message) => {
                if let Some(secret) = self.shared.control(message)? {
                    opener.replace(secret)?;
                }
            }
            Received::Closed => self.end(Ok(())),
        }
        Ok(true)
    }

    /// Waits for bytes, and carries on meanwhile what is to be sent.
    async fn more(&mut self) -> Result<usize, TransportError> {
        let shared = &self.shared;
        let mut read = pin!(self.line.read(self.inbox.space()));
        poll_fn(|context| {
            // What becomes of the other direction is the writer's to report.
            let _ = shared.poll_drive(Half::Reader, context);
            read.as_mut().poll(context)
        })
        .await
    }

    fn deliver(&mut self, buffer: &mut [u8]) -> usize {
        let plain = self.inbox.at(self.plain.clone());
        let bytes = plain.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..bytes), plain.get(..bytes)) {
            to.copy_from_slice(from);
        }
        self.plain.start += bytes;
        bytes
    }

    fn fail(&mut self, error: ChannelError) {
        self.shared.fail(&error);
        self.end(Err(error));
    }

    fn end(&mut self, how: Result<(), ChannelError>) {
        self.ended = Some(how);
        self.opener = None;
    }
}

impl StreamReader for SecureReader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = self.next(buffer).await;
            read.map_err(|error| broken(&self.address, error))
        })
    }
}

impl SecureWriter {
    pub(super) fn new(shared: Arc<Shared>, address: String) -> Self {
        Self { shared, address }
    }
}

impl StreamWriter for SecureWriter {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let mut rest = bytes;
            let written = poll_fn(|context| self.shared.poll_write(context, &mut rest)).await;
            written.map_err(|error| broken(&self.address, error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let finished = poll_fn(|context| self.shared.poll_finish(context)).await;
            finished.map_err(|error| broken(&self.address, error))
        })
    }
}

fn broken(address: &str, error: ChannelError) -> TransportError {
    match error {
        ChannelError::Transport(error) => error,
        error => TransportError::Broken {
            address: address.into(),
            reason: error.to_string(),
        },
    }
}
