//! The serving end: one task a connection, whose faults end that connection alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::splice::{Activity, Silent, pour, splice};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamService, StreamWriter, Transport, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_session::{Config as Channel, stream};

use super::error::ChatError;
use super::mailbox::Mailbox;
use super::purpose::{OK, Purpose, first_line, refusal, scheme};
use super::text::PeerLines;
use crate::config::Bounds;
use crate::console;
use pqfw_framework::waiting::Closing;
use pqfw_framework::waiting::{First, race, within};

/// A server of many clients.
pub struct Server {
    shared: Arc<Shared>,
}

/// What a server is made of.
pub struct Parts {
    /// Who it is and whom it accepts.
    pub channel: Arc<Channel>,
    /// What one connection may take.
    pub bounds: Bounds,
    /// Time and chance.
    pub world: Arc<dyn World>,
    /// Where it tells what it hears.
    pub report: Arc<dyn Report>,
    /// Where clients may have connections forwarded to; each with its transport's name first.
    pub allow: Vec<String>,
    /// The transports that reach them.
    pub transports: BTreeMap<&'static str, Arc<dyn Transport>>,
    /// `[transport]`, for the limits of forwarded connections.
    pub settings: TransportSettings,
    /// Where the bytes of pipes go; `None` refuses them.
    pub output: Option<Box<dyn StreamWriter>>,
}

/// What every connection shares.
struct Shared {
    channel: Arc<Channel>,
    bounds: Bounds,
    world: Arc<dyn World>,
    report: Arc<dyn Report>,
    allow: Vec<String>,
    transports: BTreeMap<&'static str, Arc<dyn Transport>>,
    settings: TransportSettings,
    /// Whether the output is for pipes: then lines go to the log.
    pipes: bool,
    /// `None` while a pipe has it.
    output: Mutex<Option<Box<dyn StreamWriter>>>,
    mailboxes: Mutex<Vec<Weak<Mailbox>>>,
    closing: Closing,
    first_over: Closing,
}

impl Server {
    /// Makes a server.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            shared: Arc::new(Shared {
                channel: parts.channel,
                bounds: parts.bounds,
                world: parts.world,
                report: parts.report,
                allow: parts.allow,
                transports: parts.transports,
                settings: parts.settings,
                pipes: parts.output.is_some(),
                output: Mutex::new(parts.output),
                mailboxes: Mutex::default(),
                closing: Closing::default(),
                first_over: Closing::default(),
            }),
        }
    }

    /// Says a line to everybody who chats.
    pub fn say(&self, line: &str) {
        let line: Arc<str> = format!("{line}\n").into();
        let mut mailboxes = lock(&self.shared.mailboxes);
        mailboxes.retain(|mailbox| match mailbox.upgrade() {
            Some(mailbox) => {
                mailbox.put(line.clone());
                true
            }
            None => false,
        });
    }

    /// Waits until one client has come and gone, however that was.
    pub async fn first_is_over(&self) {
        self.shared.first_over.wait().await;
    }

    /// Ends every connection: chats with their `close_notify`, everything else without, since it is
    /// cut off.
    pub fn close(&self) {
        self.shared.closing.close();
    }
}

impl StreamService for Server {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let from = console::escape(&connection.peer);
            if let Err(error) = shared.attend(connection).await {
                let warning = format!("the connection from {from} is over: {error}");
                shared.report.event(&Event::Warning(warning));
            }
            shared.first_over.close();
        })
    }
}

impl Shared {
    async fn attend(&self, connection: Connection) -> Result<(), ChatError> {
        let limit = self.bounds.greeting;
        let opened = async {
            let opened = stream::accept(&self.channel, connection, &self.world, limit).await?;
            let (peer, suite) = (opened.peer, opened.suite);
            let text = format!("{} is {peer}, in {suite}", opened.connection.peer);
            self.report.event(&Event::Info(console::escape(&text)));
            let mut inside = opened.connection;
            let what = "what it wants";
            let first = first_line(&mut *inside.reader, what);
            let first = within(&*self.world, limit, first).await;
            let first = first.ok_or(ChatError::Early(what))??;
            Ok::<_, ChatError>((inside, peer, first))
        };
        let (mut inside, peer, first) = match race(self.closing.wait(), opened).await {
            First::Left(()) => return Ok(()),
            First::Right(opened) => opened?,
        };
        let Some((line, rest)) = first else {
            return Ok(inside.writer.finish().await?);
        };
        let work = async {
            match Purpose::parse(&line) {
                Ok(Purpose::Chat) => self.chat(&mut inside, &peer, &rest).await,
                Ok(Purpose::Pipe) => self.pipe(&mut inside, &peer, &rest).await,
                Ok(Purpose::Forward(to)) => self.forward(&mut inside, &peer, &to, &rest).await,
                Err(error) => {
                    let _ = self.refuse(&mut inside, &error.to_string()).await;
                    Err(error)
                }
            }
        };
        if line == "chat" {
            return work.await;
        }
        match race(self.closing.wait(), work).await {
            First::Left(()) => Ok(()),
            First::Right(done) => done,
        }
    }

    /// Lines both ways, until the client or the server is done.
    async fn chat(
        &self,
        inside: &mut Connection,
        peer: &Fingerprint,
        early: &[u8],
    ) -> Result<(), ChatError> {
        let mailbox = Arc::new(Mailbox::default());
        lock(&self.mailboxes).push(Arc::downgrade(&mailbox));
        let activity = Activity::new(self.world.clone(), self.bounds.idle);
        let hear = self.hear(&mut *inside.reader, peer, early, &activity);
        let speak = async {
            loop {
                match race(self.closing.wait(), mailbox.next()).await {
                    First::Left(()) => return Ok(()),
                    First::Right(line) => {
                        let line = line?;
                        let sent = inside.writer.write_all(line.as_bytes());
                        let sent = within(&*self.world, self.bounds.idle, sent).await;
                        sent.ok_or(ChatError::Unread(1))??;
                    }
                }
                activity.note();
            }
        };
        match race(race(hear, speak), activity.over()).await {
            First::Left(First::Left(done) | First::Right(done)) => done?,
            First::Right(idle) => return Err(idle.into()),
        }
        self.finish(inside).await
    }

    async fn hear(
        &self,
        reader: &mut dyn StreamReader,
        peer: &Fingerprint,
        early: &[u8],
        activity: &Activity,
    ) -> Result<(), ChatError> {
        let name = short(peer);
        let tell = |text: &str| {
            let line = format!("{name}: {}", console::escape(text));
            self.report.event(&if self.pipes {
                Event::Info(line)
            } else {
                Event::Line(line)
            });
        };
        let mut lines = PeerLines::new(self.bounds.frame_bytes);
        lines.push(early);
        let mut buffer = vec![0; 16 << 10];
        loop {
            while let Some(text) = lines.take()? {
                tell(&text);
            }
            let read = reader.read(&mut buffer).await?;
            if read == 0 {
                if let Some(text) = lines.rest()? {
                    tell(&text);
                }
                return Ok(());
            }
            activity.note();
            lines.push(buffer.get(..read).unwrap_or_default());
        }
    }

    /// Bytes to the server's output, one client at a time. `close_notify` comes back when the last
    /// of them is written.
    async fn pipe(
        &self,
        inside: &mut Connection,
        peer: &Fingerprint,
        early: &[u8],
    ) -> Result<(), ChatError> {
        if !self.pipes {
            let reason = "this server takes no pipes (mlkem-tcp.accept_pipe = true takes them)";
            return self.refuse(inside, reason).await;
        }
        let taken = lock(&self.output).take();
        let Some(mut output) = taken else {
            return self.refuse(inside, "another pipe is under way").await;
        };
        let poured = async {
            inside
                .writer
                .write_all(format!("{OK}\n").as_bytes())
                .await?;
            output.write_all(early).await?;
            let activity = Activity::new(self.world.clone(), self.bounds.idle);
            let pour = pour(&mut *inside.reader, &mut *output, &activity);
            match race(pour, activity.over()).await {
                First::Left(poured) => Ok(poured?),
                First::Right(idle) => Err(ChatError::from(idle)),
            }
        };
        let poured = poured.await;
        *lock(&self.output) = Some(output);
        poured?;
        let text = format!("the pipe of {peer} has ended");
        self.report.event(&Event::Info(text));
        self.finish(inside).await
    }

    /// A connection to a target that the operator has allowed.
    async fn forward(
        &self,
        inside: &mut Connection,
        peer: &Fingerprint,
        target: &str,
        early: &[u8],
    ) -> Result<(), ChatError> {
        if !self.allow.iter().any(|allowed| allowed == target) {
            let reason = format!("{target} is not in mlkem-tcp.forward.allow");
            return self.refuse(inside, &reason).await;
        }
        let transport = scheme(target).and_then(|scheme| self.transports.get(scheme));
        let Some(transport) = transport else {
            let reason = format!("no transport of this build reaches {target}");
            return self.refuse(inside, &reason).await;
        };
        let settings = TransportSettings {
            connect: target.into(),
            tls: self.settings.tls.clone().filter(|_| transport.needs_tls()),
            ..self.settings.clone()
        };
        let mut outside = match transport.connect_stream(&settings).await {
            Ok(outside) => outside,
            Err(error) => return self.refuse(inside, &error.to_string()).await,
        };
        let text = format!("forwarding {peer} to {target}");
        self.report.event(&Event::Info(text));
        inside
            .writer
            .write_all(format!("{OK}\n").as_bytes())
            .await?;
        outside.writer.write_all(early).await?;
        let activity = Activity::new(self.world.clone(), self.bounds.idle);
        splice(inside.ends(), outside.ends(), &activity).await
    }

    /// Says no, and why, to both sides.
    async fn refuse(&self, inside: &mut Connection, reason: &str) -> Result<(), ChatError> {
        inside.writer.write_all(refusal(reason).as_bytes()).await?;
        self.finish(inside).await?;
        Err(ChatError::NotServed(reason.into()))
    }

    async fn finish(&self, inside: &mut Connection) -> Result<(), ChatError> {
        let finish = inside.writer.finish();
        let finished = within(&*self.world, self.bounds.greeting, finish).await;
        Ok(finished.ok_or(Silent(self.bounds.greeting.as_secs()))??)
    }
}

/// A client's name before its lines: as much of its fingerprint as people compare.
#[must_use]
pub fn short(peer: &Fingerprint) -> String {
    let text = peer.to_string();
    let (_, hex) = text.split_once(':').unwrap_or(("", &text));
    hex.chars().take(SHORT).collect()
}

/// Hexadecimal digits of a name: 64 bits.
const SHORT: usize = 16;

/// Whoever holds it makes one change, which no panic can leave half made.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
