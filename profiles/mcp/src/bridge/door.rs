//! `--http-listen`: a local door for HTTP hosts. Each connection through it is carried, byte for byte,
//! by a channel of its own.
//!
//! A web page that a browser shows can make it send requests here. Such a request names another Host,
//! or has an Origin, and goes nowhere (DNS rebinding).

use std::sync::Arc;

use pqfw_framework::splice::{Activity, pour};
use pqfw_framework::system::{Event, Failure, RunError};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamService, StreamWriter, TransportSettings,
};
use pqfw_framework::waiting::{Closing, First, race};

use super::caller::{Caller, Session};
use super::error::BridgeError;
use super::http::{Head, Piece, Requests, answer, is_loopback};
use super::purpose::{Purpose, escape};

/// Listens until it is told to stop.
///
/// # Errors
/// [`RunError`] for an address that is not of this machine alone, or cannot be listened on.
pub async fn serve(
    caller: Caller,
    address: &str,
    origins: Vec<String>,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    if !is_loopback(address) {
        let text = "is no loopback address: whoever reaches it would be this host to the server";
        let text = format!("mcp.http_listen: `{}` {text}", escape(address));
        return Err(RunError::new(Failure::Usage, text));
    }
    let host = &caller.host;
    let Some(tcp) = host.outside.transports.get("tcp").cloned() else {
        return Err(RunError::new(
            Failure::Usage,
            "this build has no transport tcp",
        ));
    };
    let settings = TransportSettings {
        listen: address.into(),
        tls: None,
        ..host.settings.clone()
    };
    let (world, report) = (host.world.clone(), host.report.clone());
    let identity = caller.channel.identities().first();
    let fingerprint = identity.map(|identity| identity.fingerprint().to_string());
    let door = Arc::new(Door(Arc::new(Shared {
        caller,
        origins,
        closing: Closing::default(),
    })));
    let listener = tcp.serve_stream(&settings, door.clone(), world).await?;
    let url = listener.url().replacen("tcp://", "http://", 1);
    report.event(&Event::Ready { url, fingerprint });
    stop.await;
    door.0.closing.close();
    listener.shutdown().await;
    Ok(())
}

struct Door(Arc<Shared>);

struct Shared {
    caller: Caller,
    origins: Vec<String>,
    closing: Closing,
}

impl StreamService for Door {
    fn serve(&self, local: Connection) -> BoxFuture<'static, ()> {
        let shared = self.0.clone();
        Box::pin(async move {
            let from = escape(&local.peer);
            let carried = match race(shared.closing.wait(), shared.carry(local)).await {
                First::Left(()) => Ok(()),
                First::Right(carried) => carried,
            };
            if let Err(error) = carried {
                let text = format!("the connection from {from} is over: {error}");
                shared.caller.host.report.event(&Event::Warning(text));
            }
        })
    }
}

impl Shared {
    async fn carry(&self, local: Connection) -> Result<(), BridgeError> {
        let Connection {
            reader, mut writer, ..
        } = local;
        let bounds = self.caller.bounds;
        let mut requests = Requests::new(reader, Vec::new(), bounds.header_bytes);
        // No channel is opened for a request that goes nowhere.
        let first = match requests.next().await {
            Ok(Some(Piece::Head(head))) => self.admits(&head),
            Ok(_) => return quietly(&mut *writer).await,
            Err(error) => Err(error),
        };
        if let Err(error) = first {
            return refuse(&mut *writer, error).await;
        }
        let session = match self.caller.open(Purpose::Http).await {
            Ok(session) => session,
            Err(error) => {
                let body = format!("pqfw: there is no channel to the server: {error}\n");
                let text = answer("502 Bad Gateway", "text/plain", &body);
                writer.write_all(text.as_bytes()).await?;
                quietly(&mut *writer).await?;
                return Err(error);
            }
        };
        let Session {
            lines,
            writer: mut inside,
        } = session;
        let (mut from, early) = lines.into_parts();
        writer.write_all(&early).await?;
        let activity = Activity::new(self.caller.host.world.clone(), bounds.idle);
        let there = async {
            match self.forward(&mut requests, &mut *inside, &activity).await {
                Ok(()) => {
                    inside.finish().await?;
                    // The answers are still on their way.
                    std::future::pending().await
                }
                Err(error) => Err(error),
            }
        };
        let answers = async {
            pour(&mut *from, &mut *writer, &activity).await?;
            Ok(writer.finish().await?)
        };
        let over = match race(race(answers, there), activity.over()).await {
            First::Left(First::Left(done) | First::Right(done)) => done,
            First::Right(idle) => Err(idle.into()),
        };
        match over {
            Err(error @ BridgeError::Http(_)) => refuse(&mut *writer, error).await,
            over => over,
        }
    }

    /// Sends request after request, each after a look at its head; the first is read already.
    async fn forward(
        &self,
        requests: &mut Requests,
        inside: &mut dyn StreamWriter,
        activity: &Activity,
    ) -> Result<(), BridgeError> {
        loop {
            inside.write_all(requests.given()).await?;
            activity.note();
            match requests.next().await? {
                Some(Piece::Head(head)) => self.admits(&head)?,
                Some(Piece::Data | Piece::Framing) => {}
                None => return Ok(()),
            }
        }
    }

    fn admits(&self, head: &Head) -> Result<(), BridgeError> {
        if !is_loopback(&head.host) {
            return Err(BridgeError::Http("Host is not of this machine"));
        }
        match &head.origin {
            Some(origin) if !self.origins.contains(origin) => {
                Err(BridgeError::Http("Origin is not in mcp.origins"))
            }
            _ => Ok(()),
        }
    }
}

/// Says no to the host. An answer that is under way is not cut: its requests were forwarded, and only
/// a host that does not wait for one before the next could have one.
async fn refuse(writer: &mut dyn StreamWriter, error: BridgeError) -> Result<(), BridgeError> {
    let body = format!("pqfw: {error}\n");
    let text = answer("403 Forbidden", "text/plain", &body);
    writer.write_all(text.as_bytes()).await?;
    quietly(writer).await?;
    Err(error)
}

/// Ends the answer to a host that need not be there any more.
async fn quietly(writer: &mut dyn StreamWriter) -> Result<(), BridgeError> {
    let _ = writer.finish().await;
    Ok(())
}
