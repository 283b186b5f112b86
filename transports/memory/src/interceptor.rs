//! The attacker on the wire, as tests and demonstrations play it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};

/// How many crossings an [`Interceptor`] remembers; the oldest go first. More than any scenario
/// sends, and little memory at the sizes of handshakes.
pub const RECORDED_CROSSINGS: usize = 4096;

/// An exchange with somebody in the middle, who sees all and may do anything to it.
///
/// It lets everything pass and records it, until it is given other ideas:
///
/// ```
/// # use std::sync::Arc;
/// # use pqfw_framework::transport::Exchange;
/// use pqfw_memory::{Interceptor, RequestFate, ResponseFate};
///
/// fn hostile(wire: Arc<dyn Exchange>) -> Interceptor {
///     Interceptor::new(wire)
///         .on_request(|request| {
///             if let Some(first) = request.body.first_mut() {
///                 *first ^= 1;
///             }
///             RequestFate::Pass
///         })
///         .on_response(|request, _response| match request.route.as_str() {
///             "/inference" => ResponseFate::Drop,
///             _ => ResponseFate::Pass,
///         })
/// }
/// ```
pub struct Interceptor {
    inner: Arc<dyn Exchange>,
    attacker: Mutex<Attacker>,
}

/// What becomes of a request, after whatever was changed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestFate {
    /// It goes on.
    Pass,
    /// It is lost: the server sees nothing, the client waits in vain.
    Drop,
    /// It goes on twice, one after the other. The client gets what the first one brings.
    Duplicate,
    /// The server sees nothing and the client gets this, which `on_response` does not see.
    Forge(Response),
}

/// What becomes of a response, after whatever was changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFate {
    /// It goes on.
    Pass,
    /// It is lost: the server has done its work, the client waits in vain.
    Drop,
}

/// One thing that crossed the wire, as its honest sender sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// From the client.
    Request(Request),
    /// From the server.
    Response(Response),
}

type OnRequest = dyn FnMut(&mut Request) -> RequestFate + Send;
type OnResponse = dyn FnMut(&Request, &mut Response) -> ResponseFate + Send;

struct Attacker {
    on_request: Box<OnRequest>,
    on_response: Box<OnResponse>,
    recorded: VecDeque<Crossing>,
}

impl Interceptor {
    /// Steps between a client and its wire.
    #[must_use]
    pub fn new(inner: Arc<dyn Exchange>) -> Self {
        let attacker = Attacker {
            on_request: Box::new(|_| RequestFate::Pass),
            on_response: Box::new(|_, _| ResponseFate::Pass),
            recorded: VecDeque::new(),
        };
        Self {
            inner,
            attacker: Mutex::new(attacker),
        }
    }

    /// Decides about every request. The closure must not use this interceptor.
    #[must_use]
    pub fn on_request(
        self,
        decide: impl FnMut(&mut Request) -> RequestFate + Send + 'static,
    ) -> Self {
        self.lock().on_request = Box::new(decide);
        self
    }

    /// Decides about every response, beside the request as it went on. The closure must not use
    /// this interceptor.
    #[must_use]
    pub fn on_response(
        self,
        decide: impl FnMut(&Request, &mut Response) -> ResponseFate + Send + 'static,
    ) -> Self {
        self.lock().on_response = Box::new(decide);
        self
    }

    /// What crossed the wire so far, the oldest first, at most [`RECORDED_CROSSINGS`].
    #[must_use]
    pub fn recorded(&self) -> Vec<Crossing> {
        self.lock().recorded.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Attacker> {
        // A closure that panicked has failed its test already.
        self.attacker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry(&self, request: &Request) -> Result<Response, TransportError> {
        let mut response = self.inner.exchange(request.clone()).await?;
        let mut attacker = self.lock();
        attacker.record(Crossing::Response(response.clone()));
        match (attacker.on_response)(request, &mut response) {
            ResponseFate::Pass => Ok(response),
            ResponseFate::Drop => Err(lost()),
        }
    }
}

impl Attacker {
    fn record(&mut self, crossing: Crossing) {
        if self.recorded.len() == RECORDED_CROSSINGS {
            self.recorded.pop_front();
        }
        self.recorded.push_back(crossing);
    }

    fn decide(&mut self, request: &mut Request) -> RequestFate {
        self.record(Crossing::Request(request.clone()));
        (self.on_request)(request)
    }
}

impl Exchange for Interceptor {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let fate = self.lock().decide(&mut request);
            match fate {
                RequestFate::Pass => self.carry(&request).await,
                RequestFate::Drop => Err(lost()),
                RequestFate::Duplicate => {
                    let first = self.carry(&request).await;
                    // Whatever the copy brings, the client has its response and hears no more.
                    let _ = self.carry(&request).await;
                    first
                }
                RequestFate::Forge(response) => Ok(response),
            }
        })
    }
}

/// What a client sees of a loss. Nobody waits for it: the time-out is played, not kept.
fn lost() -> TransportError {
    TransportError::TimedOut {
        address: "the interceptor".into(),
        secs: 0,
    }
}
