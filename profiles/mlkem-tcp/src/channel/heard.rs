//! What the demo's server tells, for a scenario that waits for it.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use pqfw_framework::system::{Event, Report};

/// What the server tells; one at a time waits for it.
#[derive(Default)]
pub(super) struct Heard(Mutex<(Vec<Event>, Option<Waker>)>);

impl Heard {
    /// Waits for an event that is as wished; it is gone then.
    pub(super) async fn until<T>(&self, wish: impl Fn(&Event) -> Option<T>) -> T {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let found = state.0.iter().enumerate();
            let found = found.filter_map(|(place, event)| Some((place, wish(event)?)));
            if let Some((place, found)) = { found }.next() {
                state.0.remove(place);
                return std::task::Poll::Ready(found);
            }
            state.1 = Some(context.waker().clone());
            std::task::Poll::Pending
        })
        .await
    }
}

impl Report for Heard {
    fn event(&self, event: &Event) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.push(event.clone());
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}
