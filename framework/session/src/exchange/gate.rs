//! Lets one future at a time through: whoever makes a session makes it for all who wait.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Lets one future at a time through.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: bool,
    waiting: VecDeque<Waker>,
}

/// Being through; dropped, it lets the next one in.
pub(super) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(super) async fn enter(&self) -> Pass<'_> {
        poll_fn(|context| {
            let mut state = self.lock();
            if state.taken {
                state.waiting.push_back(context.waker().clone());
                return Poll::Pending;
            }
            state.taken = true;
            Poll::Ready(Pass(self))
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // All of them, since one that was dropped meanwhile would wake nobody else.
        waiting.into_iter().for_each(Waker::wake);
    }
}
