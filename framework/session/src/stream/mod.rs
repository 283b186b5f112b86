//! Channels on streams: a handshake with a time limit, then two halves that read and write
//! application bytes.
//!
//! ```text
//!   reader ──▶ Inbox ──▶ Opener ──▶ application         what one half must say for the other,
//!                          │ control                    it leaves with the egress, and whoever
//!                          ▼                            is polled next carries it out: a half
//!   writer ◀── Egress ◀── Sealer ◀── application        that is alone never waits for the other
//! ```

mod egress;
mod halves;
mod inbox;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{BoxFuture, Connection, Delivery};
use pqfw_framework::world::World;

use crate::alert::Alert;
use crate::channel::split_opened;
use crate::config::Config;
use crate::error::ChannelError;
use crate::handshake::{Initiator, Opened, Progress, Reply, answer};
use crate::record::{ALERT, plain};
use crate::schedule::Exporter;
pub use egress::Control;
use egress::Shared;
use halves::{SecureReader, SecureWriter};
use inbox::Inbox;

type Result<T> = std::result::Result<T, ChannelError>;

/// An open channel.
pub struct Secure {
    /// Application bytes. The reader gives 0 only after the peer's `close_notify`; the writer's
    /// `finish` sends ours.
    pub connection: Connection,
    /// Who the peer has proved to be.
    pub peer: Fingerprint,
    /// The names of the peer's policy, as it said them.
    pub peer_policy: String,
    /// The name of the suite.
    pub suite: String,
    /// Secrets bound to this channel.
    pub exporter: Exporter,
    /// New keys on demand.
    pub control: Control,
}

/// Opens a channel on a stream, as the initiator, and gives up after `within`.
///
/// # Errors
/// [`ChannelError`]; the stream is then good for nothing.
pub async fn connect(
    config: &Arc<Config>,
    connection: Connection,
    world: &Arc<dyn World>,
    within: Duration,
) -> Result<Secure> {
    let work = Box::pin(initiate(config, connection, world));
    limited(world, within, work).await
}

/// Opens a channel on a stream, as the responder, and gives up after `within`.
///
/// # Errors
/// [`ChannelError`]; the stream is then good for nothing.
pub async fn accept(
    config: &Arc<Config>,
    connection: Connection,
    world: &Arc<dyn World>,
    within: Duration,
) -> Result<Secure> {
    let work = Box::pin(respond(config, connection, world));
    limited(world, within, work).await
}

/// Runs `work` until the limit. It is boxed: whoever waits for it lives on, and need not keep room for
/// a handshake.
async fn limited<T>(
    world: &Arc<dyn World>,
    within: Duration,
    mut work: BoxFuture<'_, Result<T>>,
) -> Result<T> {
    let mut limit = world.sleep_until(world.now().since_start.saturating_add(within));
    poll_fn(move |context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(done);
        }
        let millis = within.as_millis();
        limit
            .as_mut()
            .poll(context)
            .map(|()| Err(ChannelError::TimedOut { millis }))
    })
    .await
}

async fn initiate(
    config: &Arc<Config>,
    mut connection: Connection,
    world: &Arc<dyn World>,
) -> Result<Secure> {
    let mut rng = world.rng();
    let mut inbox = Inbox::new();
    let (mut initiator, hello) = Initiator::start(config, Delivery::Stream, &mut *rng)?;
    connection.writer.write_all(&hello).await?;
    let (mut sent, flight) = 'again: loop {
        let mut reader = initiator.read();
        let next = loop {
            let taken = match inbox.record(&mut *connection.reader, reader.tag()).await {
                Ok(record) => reader.record(world.now(), &mut *rng, record),
                Err(error) => Err(error),
            };
            match taken {
                Ok(Progress::More) => {}
                Ok(Progress::Again(next, hello)) => {
                    connection.writer.write_all(&hello).await?;
                    break next;
                }
                Ok(Progress::Sent(sent, flight)) => break 'again (sent, flight),
                Err(error) => {
                    let alert = error.alert().and_then(|alert| reader.alert(alert));
                    return Err(refuse(connection, alert, error).await);
                }
            }
        };
        initiator = *next;
    };
    connection.writer.write_all(&flight).await?;
    let welcomed = match inbox.record(&mut *connection.reader, sent.tag()).await {
        Ok(record) => sent.welcome(record),
        Err(error) => Err(error),
    };
    match welcomed {
        Ok(opened) => Ok(secure(config, opened, connection, inbox, world)),
        Err(error) => {
            let alert = error.alert().and_then(|alert| sent.alert(alert));
            Err(refuse(connection, alert, error).await)
        }
    }
}

async fn respond(
    config: &Arc<Config>,
    mut connection: Connection,
    world: &Arc<dyn World>,
) -> Result<Secure> {
    let mut rng = world.rng();
    let mut inbox = Inbox::new();
    // The connection remembers that it retried, so the key need not outlive it.
    let mut cookie_key = SecretBytes::zeroed(32);
    rng.fill_bytes(cookie_key.expose_mut());
    let mut retried = false;
    let (mut answered, flight) = loop {
        let reply = match inbox.record(&mut *connection.reader, 0).await {
            Ok(record) => answer(
                config,
                Delivery::Stream,
                &cookie_key,
                &[],
                &mut *rng,
                record,
            ),
            Err(error) => Err(error),
        };
        let error = match reply {
            Ok(Reply::Retry(records)) if !retried => {
                connection.writer.write_all(&records).await?;
                retried = true;
                continue;
            }
            Ok(Reply::Answered(answered, flight)) if answered.retried == retried => {
                break (answered, flight);
            }
            Ok(_) => again(),
            Err(error) => error,
        };
        let alert = error.alert().map(|alert| plain(ALERT, &[alert.code()]));
        return Err(refuse(connection, alert, error).await);
    };
    connection.writer.write_all(&flight).await?;
    let mut reader = answered.read()?;
    loop {
        let taken = match inbox.record(&mut *connection.reader, reader.tag()).await {
            Ok(record) => reader.record(world.now(), record),
            Err(error) => Err(error),
        };
        match taken {
            Ok(None) => {}
            Ok(Some((opened, welcome))) => {
                connection.writer.write_all(&welcome).await?;
                return Ok(secure(config, *opened, connection, inbox, world));
            }
            Err(error) => {
                let alert = error.alert().and_then(|alert| reader.alert(alert));
                return Err(refuse(connection, alert, error).await);
            }
        }
    }
}

fn again() -> ChannelError {
    ChannelError::Refused {
        alert: Alert::UnexpectedMessage,
        reason: "a first hello after a retry",
    }
}

/// Says why, as far as anybody listens, and ends our direction.
async fn refuse(
    mut connection: Connection,
    alert: Option<Vec<u8>>,
    error: ChannelError,
) -> ChannelError {
    if let Some(alert) = alert {
        // The error that is reported is the one that came first.
        let _ = connection.writer.write_all(&alert).await;
        let _ = connection.writer.finish().await;
    }
    error
}

fn secure(
    config: &Config,
    opened: Opened,
    connection: Connection,
    inbox: Inbox,
    world: &Arc<dyn World>,
) -> Secure {
    let fresh_after_bytes = config.fresh_after_bytes();
    let (opener, sealer, about) = split_opened(world.now(), opened, fresh_after_bytes);
    let shared = Arc::new(Shared::new(sealer, connection.writer, world.clone()));
    let address = connection.peer;
    Secure {
        control: Control::new(&shared),
        connection: Connection {
            reader: Box::new(SecureReader::new(
                connection.reader,
                opener,
                inbox,
                shared.clone(),
                address.clone(),
            )),
            writer: Box::new(SecureWriter::new(shared, address.clone())),
            peer: address,
        },
        peer: about.peer.fingerprint().clone(),
        peer_policy: about.peer_policy,
        suite: about.name,
        exporter: about.exporter,
    }
}
