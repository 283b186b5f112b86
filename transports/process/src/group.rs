//! The life of a child and of all that it starts: they share a process group, which is asked to end
//! and is killed as one.

use std::time::Duration;

use pqfw_framework::process::Running;
use pqfw_framework::transport::BoxFuture;
use tokio::process::Child;
use tokio::time::timeout;

use crate::child::Place;

/// A child and whatever it has started.
pub(crate) struct Group {
    child: Child,
    number: u32,
    grace: Duration,
    over: bool,
    _place: Place,
}

#[derive(Clone, Copy)]
enum Firmness {
    Ask,
    Kill,
}

impl Group {
    pub(crate) fn new(child: Child, grace: Duration, place: Place) -> Self {
        Self {
            number: child.id().unwrap_or_default(),
            child,
            grace,
            over: false,
            _place: place,
        }
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    async fn wait(&mut self) -> String {
        let status = self.child.wait().await;
        if !self.over {
            self.over = true;
            // Whatever it started and left behind: nobody talks with that any more.
            signal(self.number, Firmness::Kill);
        }
        match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("an unknown status ({error})"),
        }
    }

    async fn end(mut self) -> String {
        for firmness in [None, Some(Firmness::Ask), Some(Firmness::Kill)] {
            if let Some(firmness) = firmness {
                signal(self.number, firmness);
            }
            if let Ok(how) = timeout(self.grace, self.wait()).await {
                return how;
            }
        }
        "no status: it was killed, and the system has not let it go yet".into()
    }
}

impl Running for Group {
    fn id(&self) -> u32 {
        self.number
    }

    fn ended(&mut self) -> BoxFuture<'_, String> {
        Box::pin(self.wait())
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, String> {
        Box::pin((*self).end())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            signal(self.number, Firmness::Kill);
        }
    }
}

/// Signals everybody in the group. Where nobody is left there is nothing to do.
#[cfg(unix)]
fn signal(number: u32, firmness: Firmness) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let group = i32::try_from(number).ok().and_then(Pid::from_raw);
    let signal = match firmness {
        Firmness::Ask => Signal::TERM,
        Firmness::Kill => Signal::KILL,
    };
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

/// Without process groups the child alone is killed, by its drop.
#[cfg(not(unix))]
fn signal(_: u32, _: Firmness) {}
