//! The wire of one device, in the attacker's hands: what was sent last, and a change of what is
//! sent next.

use std::sync::{Arc, Mutex};

use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};

use crate::service::locked;

/// What the attacker does to a body, if it is the one that is waited for.
type Change = Box<dyn FnMut(&mut Vec<u8>) -> bool + Send>;

/// A wire.
pub(super) struct Wire {
    inner: Arc<dyn Exchange>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Request>,
    change: Option<Change>,
}

impl Wire {
    pub(super) fn new(inner: Arc<dyn Exchange>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            state: Mutex::default(),
        })
    }

    /// Changes the next request that `change` says it has changed.
    pub(super) fn change_next(&self, change: impl FnMut(&mut Vec<u8>) -> bool + Send + 'static) {
        locked(&self.state).change = Some(Box::new(change));
    }

    /// The request that was sent last.
    pub(super) fn last(&self) -> Option<Request> {
        locked(&self.state).last.clone()
    }
}

impl Exchange for Wire {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut state = locked(&self.state);
        if let Some(change) = &mut state.change
            && change(&mut request.body)
        {
            state.change = None;
        }
        state.last = Some(request.clone());
        drop(state);
        self.inner.exchange(request)
    }
}
