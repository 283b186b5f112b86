//! Waiting: for either of two futures, for both, no longer than a time, for an end that many hear of.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::world::World;

/// Which future was first, with what it gave.
pub enum First<A, B> {
    /// The first of the two, also when both are ready.
    Left(A),
    /// The second.
    Right(B),
}

/// Waits for either; drops what is not ready.
pub async fn race<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(output) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}

/// Waits for both, or for the first error of either.
///
/// # Errors
/// That error.
pub async fn both<E>(
    left: impl Future<Output = Result<(), E>>,
    right: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut left_done, mut right_done) = (false, false);
    poll_fn(move |context| {
        if !left_done && let Poll::Ready(done) = left.as_mut().poll(context) {
            left_done = true;
            if done.is_err() {
                return Poll::Ready(done);
            }
        }
        if !right_done && let Poll::Ready(done) = right.as_mut().poll(context) {
            right_done = true;
            if done.is_err() {
                return Poll::Ready(done);
            }
        }
        if left_done && right_done {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    })
    .await
}

/// Waits for a future, and no longer than `time`; `None` when that is over first.
pub async fn within<F: Future>(world: &dyn World, time: Duration, future: F) -> Option<F::Output> {
    let until = world.now().since_start.saturating_add(time);
    match race(future, world.sleep_until(until)).await {
        First::Left(output) => Some(output),
        First::Right(()) => None,
    }
}

/// Said once, heard by everybody who waits.
#[derive(Default)]
pub struct Closing(Mutex<State>);

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Closing {
    /// Says it.
    pub fn close(&self) {
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
    pub fn wait(&self) -> Waiting<'_> {
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
pub struct Waiting<'a> {
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

    #[test]
    fn everybody_hears_it_before_and_after_and_nobody_is_remembered() {
        let closing = Arc::new(Closing::default());
        let threads = [(); 3].map(|()| {
            let closing = closing.clone();
            std::thread::spawn(move || futures_executor::block_on(closing.wait()))
        });
        while closing.state().waiting.len() < threads.len() {
            std::thread::yield_now();
        }
        closing.close();
        for thread in threads {
            thread.join().unwrap();
        }
        futures_executor::block_on(closing.wait());
        assert!(closing.state().waiting.is_empty());
    }
}
