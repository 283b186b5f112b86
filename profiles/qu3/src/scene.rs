//! The stage of the demos: steps with their time and bytes, and a wire in the attacker's hands.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::python_json::Json;
use pqfw_framework::system::{Event, Failure, Report, RunError};
use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};
use pqfw_framework::world::World;

/// The stage: numbers the steps, times them, and counts their bytes.
pub(crate) struct Scene {
    number: usize,
    began: u64,
    pub(crate) world: Arc<dyn World>,
    pub(crate) wire: Arc<Wire>,
    report: Arc<dyn Report>,
}

impl Scene {
    /// Sets the stage around a transport that carries exchanges.
    pub(crate) fn new(
        inner: Arc<dyn Exchange>,
        world: Arc<dyn World>,
        report: Arc<dyn Report>,
    ) -> Self {
        Self {
            number: 0,
            began: 0,
            world,
            wire: Arc::new(Wire {
                inner,
                state: Mutex::default(),
            }),
            report,
        }
    }

    pub(crate) fn step(&mut self, title: &str) {
        self.number += 1;
        self.report.event(&Event::Step {
            number: self.number,
            title: title.into(),
        });
        self.wire.reset();
        self.began = self.micros();
    }

    pub(crate) fn fact(&self, name: &str, value: &str) {
        self.report.event(&Event::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    pub(crate) fn passed(&self, what: &str) {
        let elapsed = self.micros().saturating_sub(self.began);
        let (sent, received) = self.wire.bytes();
        if sent + received > 0 {
            self.fact(
                "on the wire",
                &format!("{sent} bytes sent, {received} received"),
            );
        }
        self.fact(
            "time",
            &format!("{}.{} ms", elapsed / 1000, elapsed % 1000 / 100),
        );
        self.report.event(&Event::Passed(what.into()));
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.world.now().since_start.as_micros()).unwrap_or(u64::MAX)
    }
}

/// The wire between the ends, in the attacker's hands.
pub(crate) struct Wire {
    inner: Arc<dyn Exchange>,
    state: Mutex<WireState>,
}

/// What the attacker does to a body.
pub(crate) type Change = Box<dyn FnOnce(&mut Vec<u8>) + Send>;

#[derive(Default)]
struct WireState {
    sent: usize,
    received: usize,
    last: Option<Request>,
    change: Option<Change>,
    change_answer: Option<Change>,
}

impl Wire {
    fn with<T>(&self, use_it: impl FnOnce(&mut WireState) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reset(&self) {
        self.with(|state| (state.sent, state.received) = (0, 0));
    }

    fn bytes(&self) -> (usize, usize) {
        self.with(|state| (state.sent, state.received))
    }

    /// Changes the next request.
    pub(crate) fn change_next(&self, change: impl FnOnce(&mut Vec<u8>) + Send + 'static) {
        self.with(|state| state.change = Some(Box::new(change)));
    }

    /// Changes the next answer.
    pub(crate) fn change_next_answer(&self, change: impl FnOnce(&mut Vec<u8>) + Send + 'static) {
        self.with(|state| state.change_answer = Some(Box::new(change)));
    }

    pub(crate) fn last_request(&self) -> Option<Request> {
        self.with(|state| state.last.clone())
    }
}

impl Exchange for Wire {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.with(|state| {
            if let Some(change) = state.change.take() {
                change(&mut request.body);
            }
            state.sent += request.body.len();
            state.last = Some(request.clone());
        });
        Box::pin(async move {
            let mut response = self.inner.exchange(request).await?;
            self.with(|state| {
                state.received += response.body.len();
                if let Some(change) = state.change_answer.take() {
                    change(&mut response.body);
                }
            });
            Ok(response)
        })
    }
}

/// The demo's server tells nothing: the scene does.
pub(crate) struct Quiet;

impl Report for Quiet {
    fn event(&self, _event: &Event) {}
}

/// An object with one text, as it reads.
pub(crate) fn display(json: &Json) -> String {
    // For people: as it reads, not as it is escaped.
    match json.as_object().and_then(|object| object.iter().next()) {
        Some((key, Json::String(text))) => format!("{{{key}: {text}}}"),
        _ => json.default_text(),
    }
}

/// The demo has found a fault.
pub(crate) fn failed(what: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("demo: {what}"))
}
