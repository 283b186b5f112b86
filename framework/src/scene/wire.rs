//! The wire between the ends of a scenario, in the attacker's hands.

use std::sync::{Arc, Mutex, PoisonError};

use crate::transport::{BoxFuture, Exchange, Request, Response, TransportError};

/// A wire that carries exchanges: it counts their bytes, keeps the last request, and changes what it is
/// told to.
pub struct Wire {
    inner: Arc<dyn Exchange>,
    state: Mutex<State>,
}

type Change = Box<dyn FnOnce(&mut Vec<u8>) + Send>;

#[derive(Default)]
struct State {
    sent: usize,
    received: usize,
    last: Option<Request>,
    request: Option<Change>,
    answer: Option<Change>,
}

impl Wire {
    /// A wire over a transport.
    #[must_use]
    pub fn new(inner: Arc<dyn Exchange>) -> Self {
        let state = Mutex::default();
        Self { inner, state }
    }

    /// The bytes of the bodies that were sent and received since this was asked last.
    pub fn bytes(&self) -> (usize, usize) {
        self.with(|state| {
            let sent = std::mem::take(&mut state.sent);
            (sent, std::mem::take(&mut state.received))
        })
    }

    /// The last request, as it was sent on.
    #[must_use]
    pub fn last(&self) -> Option<Request> {
        self.with(|state| state.last.clone())
    }

    /// Changes the body of the next request.
    pub fn change_next(&self, change: impl FnOnce(&mut Vec<u8>) + Send + 'static) {
        self.with(|state| state.request = Some(Box::new(change)));
    }

    /// Changes the body of the next answer.
    pub fn change_next_answer(&self, change: impl FnOnce(&mut Vec<u8>) + Send + 'static) {
        self.with(|state| state.answer = Some(Box::new(change)));
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        // A change that panics has taken itself out before it began.
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Exchange for Wire {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        if let Some(change) = self.with(|state| state.request.take()) {
            change(&mut request.body);
        }
        self.with(|state| {
            state.sent += request.body.len();
            state.last = Some(request.clone());
        });
        Box::pin(async move {
            let mut response = self.inner.exchange(request).await?;
            let change = self.with(|state| {
                state.received += response.body.len();
                state.answer.take()
            });
            if let Some(change) = change {
                change(&mut response.body);
            }
            Ok(response)
        })
    }
}
