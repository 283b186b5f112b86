//! The client's driver: lines of the standard input to the server, until one of them is `exit`.

use pqfw_framework::system::{Event, Failure, Host, RunError};
use pqfw_framework::transport::{BoxFuture, Connection, StreamReader};

use crate::config::Bounds;
use crate::console;
use crate::lines::{LineError, Lines};
use crate::session::{ClientSession, ExpectGreeting, SessionError};
use crate::trust::Trust;
use pqfw_framework::waiting::{First, race, within};

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// Connects and sends what the standard input holds.
///
/// # Errors
/// [`RunError`] for a server that cannot be reached, is not believed or goes away.
pub async fn run(
    host: Host,
    trust: Trust,
    bounds: Bounds,
    mut stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    match race(&mut stop, open(&host, trust, bounds)).await {
        First::Left(()) => {}
        First::Right(opened) => {
            let (session, connection) = opened?;
            converse(&host, &session, connection, bounds, stop).await?;
        }
    }
    host.report.event(&Event::Line(console::CLIENT_END.into()));
    Ok(())
}

/// Connects and waits for the server's key; says what it is worth.
///
/// # Errors
/// [`RunError`].
pub async fn open(
    host: &Host,
    trust: Trust,
    bounds: Bounds,
) -> Result<(ClientSession, Connection), RunError> {
    let mut connection = host.transport.connect_stream(&host.settings).await?;
    let greeting = receive(host, trust, bounds, &mut connection);
    let silent = SessionError::Idle(bounds.greeting.as_secs());
    let session = within(&*host.world, bounds.greeting, greeting)
        .await
        .ok_or(silent)??;
    if let Some(warning) = session.server().warning() {
        host.report.event(&Event::Warning(warning));
    }
    Ok((session, connection))
}

async fn receive(
    host: &Host,
    trust: Trust,
    bounds: Bounds,
    connection: &mut Connection,
) -> Result<ClientSession, RunError> {
    let mut expect = ExpectGreeting::new(host.suite.clone(), trust, bounds.frame_bytes);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = connection.reader.read(&mut buffer).await?;
        let mut bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Err(expect.end().into());
        }
        if let Some(session) = expect.receive(&mut bytes)? {
            return Ok(session);
        }
    }
}

async fn converse(
    host: &Host,
    session: &ClientSession,
    mut connection: Connection,
    bounds: Bounds,
    mut stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    host.report
        .event(&Event::Line(console::CLIENT_BEGIN.into()));
    let mut input = Input::new(host, bounds.frame_bytes);
    loop {
        host.report.event(&Event::Prompt(console::PROMPT.into()));
        let next = race(gone(&mut *connection.reader), input.next());
        let line = match race(&mut stop, next).await {
            First::Left(()) => break,
            First::Right(First::Left(error)) => return Err(error),
            First::Right(First::Right(line)) => line?,
        };
        let Some(line) = line else { break };
        let frame = session.say(&line, &mut *host.world.rng())?;
        connection.writer.write_all(&frame).await?;
        if console::is_exit(&line) {
            break;
        }
    }
    Ok(connection.writer.finish().await?)
}

/// Waits for what a server of this protocol never does: to say something, or to go first.
async fn gone(reader: &mut dyn StreamReader) -> RunError {
    match reader.read(&mut [0]).await {
        Ok(0) => SessionError::Gone.into(),
        Ok(_) => SessionError::Unexpected.into(),
        Err(error) => error.into(),
    }
}

/// The standard input, line by line.
pub(crate) struct Input {
    reader: Box<dyn StreamReader>,
    lines: Lines,
    ended: bool,
    buffer: Vec<u8>,
}

impl Input {
    /// Opens it, for lines of at most `limit` bytes.
    pub(crate) fn new(host: &Host, limit: usize) -> Self {
        Self {
            reader: host.outside.standard.open().reader,
            lines: Lines::new(limit),
            ended: false,
            buffer: vec![0; CHUNK],
        }
    }

    /// Gives the next line; `None` at the end. Safe to drop, as reading is.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, RunError> {
        loop {
            if let Some(line) = self.lines.take()? {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(self.lines.rest()?);
            }
            let read = self.reader.read(&mut self.buffer).await?;
            self.ended = read == 0;
            self.lines.push(self.buffer.get(..read).unwrap_or_default());
        }
    }
}

impl From<LineError> for RunError {
    fn from(error: LineError) -> Self {
        Self::new(Failure::Usage, error)
    }
}
