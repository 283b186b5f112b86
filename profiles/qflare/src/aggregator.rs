//! A thread that closes rounds, so that no device waits for an aggregation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use pqfw_framework::world::World;

use crate::service::Service;

/// Closes rounds as they come due. Dropped, it waits for the aggregation under way and ends.
pub struct Aggregator {
    wake: SyncSender<()>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Aggregator {
    /// Starts it. What a process that died has left over is closed first.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(service: Arc<Service>, world: Arc<dyn World>) -> std::io::Result<Self> {
        // One call that waits stands for all that come meanwhile.
        let (wake, woken) = sync_channel(1);
        let over = Arc::new(AtomicBool::new(false));
        let due = wake.clone();
        // A call that finds no room, or nobody, is not needed.
        service.when_due(move || {
            let _ = due.try_send(());
        });
        let ends = over.clone();
        let thread = std::thread::Builder::new().name("aggregator".into());
        let thread = thread.spawn(move || {
            while !ends.load(Ordering::Acquire) {
                if let Err(refusal) = service.close_if_due(world.now()) {
                    service.complain("aggregation", &refusal);
                }
                let called = match service.is_taken() {
                    true => woken.recv_timeout(LOOK_AGAIN),
                    false => woken.recv().map_err(|_| RecvTimeoutError::Disconnected),
                };
                if called == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        })?;
        Ok(Self {
            wake,
            over,
            thread: Some(thread),
        })
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // A call that waits already wakes it, too.
        let _ = self.wake.try_send(());
        if let Some(thread) = self.thread.take() {
            // An error is a panic, which the panic hook has told about.
            let _ = thread.join();
        }
    }
}

/// How often a round that another server has is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
