//! The gate as a layer of tower: in front of a service of one's own, over HTTP.
//!
//! `POST /handshake` is answered here. Any other `POST` must carry a signed message of a session: the
//! service behind gets it without its envelope, with [`Signer`] among the request's extensions, and
//! what it answers is signed. Without a signature nothing is let through. Requests of other methods
//! carry no message and reach the service as they are, without a [`Signer`].

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pqfw_framework::python_json::Json;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::BoxFuture;
use pqfw_framework::world::World;
use tower_layer::Layer;
use tower_service::Service;

use super::audit::{AuditEntry, Operation};
use super::error::PqcTransportError;
use super::gate::{Admission, Gate};
use super::identity::Did;
use super::message::parse;
use super::server::HANDSHAKE;

/// Who signed the request, among its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The client.
    pub did: Did,
    /// Its session; none only when lenient.
    pub session: Option<String>,
}

/// The layer.
#[derive(Clone)]
pub struct PqcLayer(Arc<Inner>);

struct Inner {
    gate: Gate,
    world: Arc<dyn World>,
    report: Arc<dyn Report>,
    body_bytes: usize,
}

impl PqcLayer {
    /// Puts a gate in front of services. No body may be larger than `body_bytes`.
    #[must_use]
    pub fn new(
        gate: Gate,
        world: Arc<dyn World>,
        report: Arc<dyn Report>,
        body_bytes: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            gate,
            world,
            report,
            body_bytes,
        }))
    }
}

impl<S> Layer<S> for PqcLayer {
    type Service = PqcService<S>;

    fn layer(&self, service: S) -> PqcService<S> {
        PqcService {
            inner: self.0.clone(),
            service,
        }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct PqcService<S> {
    inner: Arc<Inner>,
    service: S,
}

/// A body that is there as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole(Option<Bytes>);

impl Whole {
    /// Holds bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()).filter(|bytes| !bytes.is_empty()))
    }

    /// The bytes that were not taken yet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes().len() as u64)
    }
}

impl<S, B, R> Service<Request<B>> for PqcService<S>
where
    S: Service<Request<Whole>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Response = Response<Whole>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Whole>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call.
        let waiting = self.service.clone();
        let mut service = std::mem::replace(&mut self.service, waiting);
        let inner = self.inner.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let Some(body) = gather(body, inner.body_bytes).await else {
                return Ok(inner.refused(&too_large(inner.body_bytes)));
            };
            if head.method != Method::POST {
                let request = Request::from_parts(head, Whole::new(body));
                return whole(service.call(request).await?, &inner).await;
            }
            let (bare, signer) = match inner.admit(head.uri.path(), &body) {
                Ok(Step::Message(bare, signer)) => (bare, signer),
                Ok(Step::Answer(answer)) => return Ok(answer),
                Err(error) => return Ok(inner.refused(&error)),
            };
            head.extensions.insert(signer);
            // It no longer has the length that the client declared.
            head.headers.remove(http::header::CONTENT_LENGTH);
            let request = Request::from_parts(head, Whole::new(bare));
            let response = whole(service.call(request).await?, &inner).await?;
            Ok(inner.sign(response))
        })
    }
}

/// What a `POST` comes to.
enum Step {
    /// A message without its envelope, for the service behind.
    Message(String, Signer),
    /// The answer of the gate itself.
    Answer(Response<Whole>),
}

impl Inner {
    fn admit(&self, path: &str, body: &[u8]) -> Result<Step, PqcTransportError> {
        let now = self.world.now();
        let body = parse(body)?;
        if path == HANDSHAKE {
            let answer = self.gate.handshake(now, &mut *self.world.rng(), &body)?;
            let answer = Response::new(Whole::new(answer.default_text()));
            return Ok(Step::Answer(answer));
        }
        let entry = || {
            let label = self.gate.identity().algorithms().label();
            AuditEntry::new(now, Operation::Verify, label)
        };
        let admitted = match self.gate.admit(now, &body) {
            Ok(Admission::Signed(admitted)) => admitted,
            Ok(Admission::Unsigned(_)) => {
                let text = "the message is not signed".into();
                let error = PqcTransportError::SignatureVerification(text);
                return Err(self.gate.refuse(entry(), error));
            }
            Err(error) => return Err(self.gate.refuse(entry(), error)),
        };
        let method = admitted.message.get("method").and_then(Json::as_str);
        let entry = self.gate.entry(
            now,
            Operation::Verify,
            &admitted,
            method.unwrap_or_default(),
        );
        let entry = entry.signed(&admitted.signer, &admitted.signature);
        self.gate.log(now, entry)?;
        let signer = Signer {
            did: admitted.signer,
            session: admitted.session,
        };
        let bare = Json::from(admitted.message).default_text();
        Ok(Step::Message(bare, signer))
    }

    /// Signs an answer that is a JSON object; any other is not of the dialect.
    fn sign(&self, response: Response<Whole>) -> Response<Whole> {
        let signed = || {
            let answer = parse(response.body().bytes())?;
            let answer = answer.as_object().ok_or_else(|| {
                let text = "the service behind the gate answered with no JSON object";
                PqcTransportError::Internal(text.into())
            })?;
            let (now, mut rng) = (self.world.now(), self.world.rng());
            Ok(Json::from(self.gate.sign(now, &mut *rng, answer)?).default_text())
        };
        match signed() {
            Ok(text) => {
                let (mut head, _) = response.into_parts();
                head.headers.remove(http::header::CONTENT_LENGTH);
                Response::from_parts(head, Whole::new(text))
            }
            Err(error) => self.refused(&error),
        }
    }

    fn refused(&self, error: &PqcTransportError) -> Response<Whole> {
        self.report.event(&Event::Warning(error.to_string()));
        let mut response = Response::new(Whole::new(super::server::REFUSED));
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }
}

fn too_large(limit: usize) -> PqcTransportError {
    PqcTransportError::Malformed(format!("it is larger than {limit} bytes, or broken"))
}

async fn whole<R, E>(response: Response<R>, inner: &Inner) -> Result<Response<Whole>, E>
where
    R: Body<Data = Bytes> + Send + Unpin,
{
    let (head, body) = response.into_parts();
    Ok(match gather(body, inner.body_bytes).await {
        Some(body) => Response::from_parts(head, Whole::new(body)),
        None => inner.refused(&too_large(inner.body_bytes)),
    })
}

/// All of a body, unless it is too large or breaks off.
async fn gather<B>(mut body: B, limit: usize) -> Option<Vec<u8>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut gathered = Vec::new();
    std::future::poll_fn(move |context| {
        loop {
            match ready!(Pin::new(&mut body).poll_frame(context)) {
                None => return Poll::Ready(Some(std::mem::take(&mut gathered))),
                Some(Err(_)) => return Poll::Ready(None),
                Some(Ok(frame)) => {
                    // Frames that are not data are trailers, which the dialect does not use.
                    if let Ok(data) = frame.into_data() {
                        if data.len() > limit.saturating_sub(gathered.len()) {
                            return Poll::Ready(None);
                        }
                        gathered.extend_from_slice(&data);
                    }
                }
            }
        }
    })
    .await
}
