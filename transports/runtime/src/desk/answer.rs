//! One request: counted, read, given to the service on a thread that may block, and answered.
//!
//! `request_secs` covers the reading, the wait for a worker and the service together; what it ran
//! out on decides the status. A service that is given up on cannot be stopped: its thread runs to
//! the end and keeps its worker's place until then.

use std::net::IpAddr;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Arc;
use std::thread::available_parallelism;

use pqfw_framework::transport::{ExchangeService, Request, Response, TransportLimits};
use pqfw_framework::world::World;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{RequestRate, seconds};

/// Where the requests of all connections of one server are answered.
pub struct Desk {
    limits: TransportLimits,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
    rate: RequestRate,
    workers: Arc<Semaphore>,
}

/// What a request is answered, and what became of the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response of the service, or a refusal.
    pub response: Response,
    /// Whether the request was read to its end.
    pub rest: Rest,
}

/// Whether a request was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It was.
    Read,
    /// It was refused before: its rest is still to come, and to be thrown away.
    Unread,
    /// It did not come in time, and nobody waits for it any more.
    Late,
}

/// Services compute, and more of them at once than there are cores gain nothing; they may also
/// wait for a disk, and a few times the cores keep the machine busy meanwhile. tokio would start
/// 512 threads.
const WORKERS_PER_CORE: usize = 4;

impl Desk {
    /// Opens a desk with a few workers for each core.
    #[must_use]
    pub fn new(
        limits: TransportLimits,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let workers = cores.saturating_mul(WORKERS_PER_CORE);
        Self::with_workers(limits, service, world, workers)
    }

    /// Opens a desk with that many workers.
    #[must_use]
    pub fn with_workers(
        limits: TransportLimits,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
        workers: usize,
    ) -> Self {
        Self {
            limits,
            service,
            world,
            rate: RequestRate::new(limits.per_ip_per_minute),
            workers: Arc::new(Semaphore::new(workers)),
        }
    }

    /// What the server allows.
    #[must_use]
    pub fn limits(&self) -> &TransportLimits {
        &self.limits
    }

    /// How many requests could be computed at once beside those that are.
    #[must_use]
    pub fn free_workers(&self) -> usize {
        self.workers.available_permits()
    }

    /// Answers one request, in time. `read` reads it, or says why not; it is not polled when the
    /// address has sent too many. With the request comes the place that it takes up, dropped when
    /// the service is done with it, which may be after the answer was given up.
    pub async fn answer<P: Send + 'static>(
        &self,
        peer: IpAddr,
        read: impl Future<Output = Result<(Request, P), Answer>>,
    ) -> Answer {
        if !self.rate.admit(peer, self.world.now()) {
            return Answer::refuse_unread(429, "too many requests in this minute");
        }
        let mut waits_for = WaitsFor::Body;
        let answer = async {
            let (request, place) = match read.await {
                Ok(read) => read,
                Err(refused) => return refused,
            };
            waits_for = WaitsFor::Worker;
            let Ok(worker) = self.workers.clone().acquire_owned().await else {
                return Answer::internal_error();
            };
            waits_for = WaitsFor::Service;
            let (service, world) = (self.service.clone(), self.world.clone());
            let computed = spawn_blocking(move || {
                let _taken = (worker, place);
                service.respond(world.now(), &mut *world.rng(), &request)
            });
            // An error is a panic of the service, which the panic hook has told about.
            computed
                .await
                .map_or_else(|_| Answer::internal_error(), Answer::of_service)
        };
        match timeout(seconds(self.limits.request_secs), answer).await {
            Ok(answer) => answer,
            Err(_) => waits_for.in_vain(),
        }
    }
}

/// What a request waits for.
#[derive(Clone, Copy)]
enum WaitsFor {
    Body,
    Worker,
    Service,
}

impl WaitsFor {
    /// The answer when its time ran out there.
    fn in_vain(self) -> Answer {
        match self {
            Self::Body => Answer {
                rest: Rest::Late,
                ..Answer::refuse(408, "the body took too long to arrive")
            },
            Self::Worker => Answer::refuse(503, "all workers are busy"),
            Self::Service => Answer::refuse(504, "the answer took too long to compute"),
        }
    }
}

impl Answer {
    /// Refuses a request that was read to its end, in the shape that the services use.
    #[must_use]
    pub fn refuse(status: u16, detail: &'static str) -> Self {
        // The details are ours and hold nothing that JSON would have to escape.
        let body = format!(r#"{{"detail":"{detail}"}}"#).into_bytes();
        Self {
            response: Response { status, body },
            rest: Rest::Read,
        }
    }

    /// Refuses a request whose body was not read to its end.
    #[must_use]
    pub fn refuse_unread(status: u16, detail: &'static str) -> Self {
        Self {
            rest: Rest::Unread,
            ..Self::refuse(status, detail)
        }
    }

    /// Refuses a body above the limit.
    #[must_use]
    pub fn too_large() -> Self {
        Self::refuse_unread(413, "the request body is too large")
    }

    fn internal_error() -> Self {
        Self::refuse(500, "Internal Server Error")
    }

    /// A status that is not final (RFC 9110 section 15) is a fault of the service, not of the peer.
    fn of_service(response: Response) -> Self {
        if !FINAL_STATUS.contains(&response.status) {
            return Self::internal_error();
        }
        Self {
            response,
            rest: Rest::Read,
        }
    }
}

const FINAL_STATUS: Range<u16> = 200..600;
