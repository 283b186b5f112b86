//! When the operator wants the process to end.

use std::future::pending;

use pqfw_framework::transport::BoxFuture;

/// Waits for SIGINT or SIGTERM; for Ctrl-C where there are no signals.
///
/// The handlers are in place when this returns, which must be called inside a tokio runtime. A
/// second signal does nothing: whoever waits here is ending already.
#[must_use]
pub fn stop_signal() -> BoxFuture<'static, ()> {
    let signal = first_signal();
    Box::pin(async {
        match signal {
            Ok(signal) => signal.await,
            // Without a handler the signal still does what it does by default, and that ends the
            // process too, less gently.
            Err(_) => pending().await,
        }
    })
}

#[cfg(unix)]
fn first_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn first_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    })
}
