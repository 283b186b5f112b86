//! When the operator wants the process to end.

use std::future::pending;

use pqfw_framework::transport::BoxFuture;

/// Waits for SIGINT or SIGTERM; for Ctrl-C where there are no signals.
///
/// The handlers are in place from the first poll, which must happen inside a tokio runtime. A
/// second signal does nothing: whoever waits here is ending already.
#[must_use]
pub fn stop_signal() -> BoxFuture<'static, ()> {
    Box::pin(async {
        if first_signal().await.is_err() {
            // Without a handler the signal still does what it does by default, and that ends the
            // process too, less gently.
            pending::<()>().await;
        }
    })
}

#[cfg(unix)]
async fn first_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn first_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
