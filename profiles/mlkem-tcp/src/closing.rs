//! That something is over, as everybody hears who waits for it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Said once, heard by everybody who waits.
#[derive(Default)]
pub(crate) struct Closing(Mutex<State>);

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Closing {
    /// Says it.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }

    /// Waits for it.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        let mut state = self.state();
        state.next += 1;
        Waiting {
            closing: self,
            place: state.next,
        }
    }

    /// Whoever holds it makes one change, which no panic can leave half made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
pub(crate) struct Waiting<'a> {
    closing: &'a Closing,
    place: u64,
}

impl Future for Waiting<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.closing.state();
        if state.closed {
            return Poll::Ready(());
        }
        state.waiting.insert(self.place, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.closing.state().waiting.remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn everybody_hears_it_before_and_after_and_nobody_is_remembered() {
        let closing = Arc::new(Closing::default());
        let waiters = [(); 3].map(|()| {
            let closing = closing.clone();
            tokio::spawn(async move { closing.wait().await })
        });
        tokio::task::yield_now().await;
        closing.close();
        for waiter in waiters {
            waiter.await.unwrap();
        }
        closing.wait().await;
        assert!(closing.state().waiting.is_empty());
    }
}
