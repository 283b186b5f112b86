//! Lines that wait to be sent to one client.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::error::ChatError;

/// Lines that may wait; a client for whom there are more does not read.
pub(super) const MOST_LINES: usize = 256;

/// Lines that wait to be sent to one client.
#[derive(Default)]
pub(super) struct Mailbox(Mutex<State>);

#[derive(Default)]
struct State {
    lines: VecDeque<Arc<str>>,
    full: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(super) fn put(&self, line: Arc<str>) {
        let mut state = self.state();
        if state.lines.len() < MOST_LINES {
            state.lines.push_back(line);
        } else {
            state.full = true;
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    pub(super) async fn next(&self) -> Result<Arc<str>, ChatError> {
        poll_fn(|context| {
            let mut state = self.state();
            if state.full {
                return Poll::Ready(Err(ChatError::Unread(MOST_LINES)));
            }
            if let Some(line) = state.lines.pop_front() {
                return Poll::Ready(Ok(line));
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Whoever holds it makes one change, which no panic can leave half made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_in_order_and_one_too_many_is_said() {
        let mailbox = Mailbox::default();
        mailbox.put("a".into());
        mailbox.put("b".into());
        assert_eq!(mailbox.next().await, Ok("a".into()));
        assert_eq!(mailbox.next().await, Ok("b".into()));
        for _ in 0..MOST_LINES {
            mailbox.put("c".into());
        }
        mailbox.put("d".into());
        assert_eq!(mailbox.next().await, Err(ChatError::Unread(MOST_LINES)));
    }
}
