//! A local door: every connection through it is carried by a channel of its own to a target of the
//! server's.

use std::sync::Arc;

use pqfw_framework::splice::{Activity, splice};
use pqfw_framework::system::{Event, Failure, RunError};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamService, Transport, TransportSettings,
};

use super::client::Caller;
use super::error::ChatError;
use super::purpose::{Purpose, is_target};
use crate::console;
use pqfw_framework::waiting::Closing;
use pqfw_framework::waiting::{First, race};

/// Listens on `local`, by `transport`, until it is told to stop.
///
/// # Errors
/// [`RunError`] for an address that cannot be listened on, and a target that is none.
pub async fn serve(
    caller: Caller,
    transport: &dyn Transport,
    local: &str,
    target: &str,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    if !is_target(target) {
        let text = "is no target; write its transport first, such as tcp://127.0.0.1:5432";
        let text = format!("`{}` {text}", console::escape(target));
        return Err(RunError::new(Failure::Usage, text));
    }
    let settings = TransportSettings {
        listen: local.into(),
        tls: None,
        ..caller.host.settings.clone()
    };
    let (world, report) = (caller.host.world.clone(), caller.host.report.clone());
    let identity = caller.channel.identities().first();
    let fingerprint = identity.map(|identity| identity.fingerprint().to_string());
    let door = Arc::new(Door {
        caller,
        purpose: Purpose::Forward(target.into()),
        closing: Arc::default(),
    });
    let listener = transport
        .serve_stream(&settings, door.clone(), world)
        .await?;
    let url = listener.url().to_owned();
    report.event(&Event::Ready { url, fingerprint });
    stop.await;
    door.closing.close();
    listener.shutdown().await;
    Ok(())
}

struct Door {
    caller: Caller,
    purpose: Purpose,
    closing: Arc<Closing>,
}

impl StreamService for Door {
    fn serve(&self, mut local: Connection) -> BoxFuture<'static, ()> {
        let (caller, purpose) = (self.caller.clone(), self.purpose.clone());
        let closing = self.closing.clone();
        Box::pin(async move {
            let from = console::escape(&local.peer);
            let carried = async {
                let (opened, rest) = caller.ask(&purpose).await?;
                let mut inside = opened.connection;
                local.writer.write_all(&rest).await?;
                let activity = Activity::new(caller.host.world.clone(), caller.bounds.idle);
                splice(local.ends(), inside.ends(), &activity).await
            };
            let carried: Result<(), ChatError> = match race(closing.wait(), carried).await {
                First::Left(()) => Ok(()),
                First::Right(carried) => carried,
            };
            if let Err(error) = carried {
                let warning = format!("the connection from {from} is over: {error}");
                caller.host.report.event(&Event::Warning(warning));
            }
        })
    }
}
