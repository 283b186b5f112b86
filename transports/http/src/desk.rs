//! One request: counted, gathered, given to the service on a thread that may block, and answered.
//!
//! `request_secs` covers the body, the wait for a worker and the service together; what it ran out
//! on decides the status. A service that is given up on cannot be stopped: its thread runs to the
//! end and keeps its worker's place until then.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use hyper::body::{Body, Bytes};
use hyper::{HeaderMap, Request, StatusCode};
use pqfw_framework::transport::{self, ExchangeService, TransportLimits};
use pqfw_framework::world::World;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::body::{BodyError, gather};
use crate::patience::seconds;
use crate::rate::RequestRate;
use crate::refusal::{Answer, json, refuse, refuse_unread};

/// Where the requests of all connections of one server are answered.
pub(crate) struct Desk {
    pub(crate) limits: TransportLimits,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
    rate: RequestRate,
    workers: Arc<Semaphore>,
}

/// Services compute, and more of them at once than there are cores gain nothing; they may also
/// wait for a disk, and a few times the cores keep the machine busy meanwhile. tokio would start
/// 512 threads.
const WORKERS_PER_CORE: usize = 4;

impl Desk {
    pub(crate) fn new(
        limits: TransportLimits,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self::with_workers(limits, service, world, cores * WORKERS_PER_CORE)
    }

    pub(crate) fn with_workers(
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

    #[cfg(test)]
    pub(crate) fn free_workers(&self) -> usize {
        self.workers.available_permits()
    }

    /// Answers one request, in time.
    pub(crate) async fn answer<B>(&self, peer: IpAddr, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if !self.rate.admit(peer, self.world.now()) {
            let detail = "too many requests in this minute";
            return refuse_unread(StatusCode::TOO_MANY_REQUESTS, detail);
        }
        let mut waits_for = WaitsFor::Body;
        let answer = async {
            let request = match self.read(peer, request).await {
                Ok(request) => request,
                Err(refused) => return refused,
            };
            waits_for = WaitsFor::Worker;
            let Ok(worker) = self.workers.clone().acquire_owned().await else {
                return internal_error();
            };
            waits_for = WaitsFor::Service;
            let (service, world) = (self.service.clone(), self.world.clone());
            let computed = spawn_blocking(move || {
                let _worker = worker;
                service.respond(world.now(), &mut *world.rng(), &request)
            });
            // An error is a panic of the service, which the panic hook has told about.
            computed.await.map_or_else(|_| internal_error(), encode)
        };
        match timeout(seconds(self.limits.request_secs), answer).await {
            Ok(answer) => answer,
            Err(_) => waits_for.in_vain(),
        }
    }

    /// Reads the rest of a request. It is an error to have no path: `*`, or a proxy's `CONNECT`.
    async fn read<B>(&self, peer: IpAddr, request: Request<B>) -> Result<transport::Request, Answer>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, body) = request.into_parts();
        if !head.uri.path().starts_with('/') {
            let detail = "the request names no path";
            return Err(refuse_unread(StatusCode::BAD_REQUEST, detail));
        }
        let session = session(&head.headers)?;
        let body = gather(body, self.limits.body_bytes).await;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => {
                let detail = "the request body is too large";
                refuse_unread(StatusCode::PAYLOAD_TOO_LARGE, detail)
            }
            BodyError::Broken(_) => {
                let detail = "the request body is broken";
                refuse_unread(StatusCode::BAD_REQUEST, detail)
            }
        })?;
        Ok(transport::Request {
            method: head.method.as_str().to_owned(),
            route: head.uri.path().to_owned(),
            body,
            session,
            peer: Some(peer),
        })
    }
}

/// The header that names a session of a protocol above.
pub(crate) const SESSION: &str = "pqfw-session";

fn session(headers: &HeaderMap) -> Result<Option<String>, Answer> {
    let Some(value) = headers.get(SESSION) else {
        return Ok(None);
    };
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let limit = transport::Request::SESSION_LIMIT;
    match value.to_str() {
        Ok(text) if text.len() <= limit && text.as_bytes().iter().all(fits) => {
            Ok(Some(text.to_owned()))
        }
        _ => {
            let detail = "the header pqfw-session is not a session's name";
            Err(refuse_unread(StatusCode::BAD_REQUEST, detail))
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
            Self::Body => {
                let detail = "the body took too long to arrive";
                refuse_unread(StatusCode::REQUEST_TIMEOUT, detail)
            }
            Self::Worker => refuse(StatusCode::SERVICE_UNAVAILABLE, "all workers are busy"),
            Self::Service => {
                let detail = "the answer took too long to compute";
                refuse(StatusCode::GATEWAY_TIMEOUT, detail)
            }
        }
    }
}

/// A status that is not final (RFC 9110 section 15) is a fault of the service, not of the peer.
fn encode(response: transport::Response) -> Answer {
    match StatusCode::from_u16(response.status) {
        Ok(status) if FINAL_STATUS.contains(&response.status) => json(status, response.body),
        Ok(_) | Err(_) => internal_error(),
    }
}

const FINAL_STATUS: std::ops::Range<u16> = 200..600;

fn internal_error() -> Answer {
    refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}
