//! Exchanges: each is one bidirectional stream of a shared connection.
//!
//! ```text
//!  request   length of the head, 2 ‖ head ‖ body, end     response   status, 2 ‖ body, end
//! ```
//!
//! Heads are those of `docs/protocols/exchange-framing.md`. A stream that is reset on either side
//! is no message. Bodies of one connection are read one after the other, and those that are read
//! or computed on fit `body_bytes` together, but for the one that is being read.

use std::net::IpAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Listener, Request, Response, TransportError,
    TransportLimits, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_runtime::desk::{Answer, Desk, RequestHead, ResponseHead, Rest, Stop, seconds};
use quinn::{
    Connection, Incoming, ReadError, ReadExactError, ReadToEndError, RecvStream, SendStream,
    WriteError,
};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::endpoint::{Dialer, GOODBYE, QuicDoor, Use, broken, greet, open};
use crate::sending::{CUT_OFF, Sending, abandoned};

/// Listens, and answers until the listener is shut down or dropped.
pub(crate) fn serve(
    settings: &TransportSettings,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
) -> Result<Box<dyn Listener>, TransportError> {
    let door = QuicDoor::bind(settings, Use::Exchange)?;
    let limits = settings.limits;
    let desk = Arc::new(Desk::new(limits, service, world));
    let drive = move |visitor: Incoming, stop| {
        let desk = desk.clone();
        async move {
            if let Some(quic) = greet(visitor, limits.request_secs).await {
                answer_all(quic, desk, stop).await;
            }
        }
    };
    Ok(open(door, limits, drive))
}

/// What the requests of one connection share.
struct Counter {
    desk: Arc<Desk>,
    peer: IpAddr,
    /// Who reads a body.
    reading: Mutex<()>,
    /// Room for bodies, in units.
    room: Arc<Semaphore>,
}

/// Room is counted in units, because a semaphore counts no further than 2^29 everywhere.
const UNIT_BYTES: usize = 1 << 10;

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS)
}

async fn answer_all(quic: Connection, desk: Arc<Desk>, mut stop: Stop) {
    let counter = Arc::new(Counter {
        peer: quic.remote_address().ip().to_canonical(),
        reading: Mutex::default(),
        room: Arc::new(Semaphore::new(units(desk.limits().body_bytes).max(1))),
        desk,
    });
    let mut answering = JoinSet::new();
    loop {
        let asked = tokio::select! {
            asked = quic.accept_bi() => asked,
            () = stop.requested() => break,
        };
        let Ok((sending, receiving)) = asked else {
            break;
        };
        let sending = Sending::new(sending, &quic);
        let (counter, quic, stop) = (counter.clone(), quic.clone(), stop.clone());
        answering.spawn(async move {
            let left = abandoned(&quic, stop);
            counter.answer(sending, receiving, left).await;
        });
        while answering.try_join_next().is_some() {}
    }
    while answering.join_next().await.is_some() {}
    quic.close(GOODBYE, b"goodbye");
}

impl Counter {
    /// Answers one request; `left` ends when nobody is there to take the answer.
    async fn answer(
        &self,
        mut sending: Sending,
        mut receiving: RecvStream,
        left: impl Future<Output = ()>,
    ) {
        let read = self.read(&mut receiving);
        let answer = self.desk.answer(self.peer, read).await;
        if answer.rest != Rest::Read {
            // An error means that the stream is over already.
            let _ = receiving.stop(CUT_OFF);
        }
        let Response { status, body } = answer.response;
        let sent = async {
            let head = ResponseHead { status }.encode();
            sending.write_all(&head).await?;
            sending.write_all(&body).await?;
            sending.finish_and_wait().await;
            Ok::<(), WriteError>(())
        };
        // A peer that does not take the answer in time, or at all, is not told more.
        let sent = timeout(seconds(self.desk.limits().request_secs), sent);
        tokio::select! {
            _ = sent => {}
            () = left => {}
        }
    }

    async fn read(
        &self,
        receiving: &mut RecvStream,
    ) -> Result<(Request, OwnedSemaphorePermit), Answer> {
        let limits = self.desk.limits();
        let cut = |_| Answer::refuse_unread(400, "the request is cut off");
        let mut length = [0; 2];
        receiving.read_exact(&mut length).await.map_err(cut)?;
        let length = usize::from(u16::from_be_bytes(length));
        if length > limits.header_bytes {
            return Err(Answer::refuse_unread(431, "the request head is too large"));
        }
        let mut head = vec![0; length];
        receiving.read_exact(&mut head).await.map_err(cut)?;
        let head = RequestHead::decode(&head);
        let head = head.map_err(|_| Answer::refuse_unread(400, "the request head is broken"))?;
        let _reading = self.reading.lock().await;
        let body = receiving.read_to_end(limits.body_bytes).await;
        let body = body.map_err(|error| match error {
            ReadToEndError::TooLong => Answer::too_large(),
            ReadToEndError::Read(error) => cut(ReadExactError::ReadError(error)),
        })?;
        let wanted = u32::try_from(units(body.len())).unwrap_or(u32::MAX);
        let place = self.room.clone().acquire_many_owned(wanted).await;
        // The room is never closed.
        let place = place.map_err(|_| Answer::refuse(503, "there is no room"))?;
        let mut request = head.with_body(body);
        request.peer = Some(self.peer);
        Ok((request, place))
    }
}

/// Makes a client of `settings.connect`.
pub(crate) fn connect(settings: &TransportSettings) -> Result<Arc<dyn Exchange>, TransportError> {
    Ok(Arc::new(QuicExchange {
        dialer: Dialer::new(settings, Use::Exchange)?,
        limits: settings.limits,
        quic: Mutex::new(None),
    }))
}

/// A client of one server: one connection, made when it is needed and again when it is gone.
struct QuicExchange {
    dialer: Dialer,
    limits: TransportLimits,
    quic: Mutex<Option<Connection>>,
}

impl QuicExchange {
    /// A fresh stream. A connection that ended while nobody asked anything is replaced without a
    /// word; nothing of the request was sent by then.
    async fn open(&self) -> Result<(Connection, SendStream, RecvStream), TransportError> {
        let held = self.quic.lock().await.clone();
        if let Some(quic) = held.filter(|quic| quic.close_reason().is_none())
            && let Ok((sending, receiving)) = quic.open_bi().await
        {
            return Ok((quic, sending, receiving));
        }
        let quic = {
            let mut held = self.quic.lock().await;
            match held.as_ref().filter(|quic| quic.close_reason().is_none()) {
                Some(made_meanwhile) => made_meanwhile.clone(),
                None => held.insert(self.dialer.dial().await?).clone(),
            }
        };
        let opened = quic.open_bi().await;
        let (sending, receiving) = opened.map_err(|error| self.broken(&error))?;
        Ok((quic, sending, receiving))
    }

    async fn carry(&self, head: &[u8], body: &[u8]) -> Result<Response, TransportError> {
        let (quic, sending, mut receiving) = self.open().await?;
        let mut sending = Sending::new(sending, &quic);
        let secs = self.limits.request_secs;
        let send = async {
            let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
            sending.write_all(&length.to_be_bytes()).await?;
            sending.write_all(head).await?;
            sending.write_all(body).await?;
            sending.finish(secs)
        };
        let receive = async {
            let mut status = [0; 2];
            receiving
                .read_exact(&mut status)
                .await
                .map_err(|error| self.broken(&error))?;
            let body = receiving.read_to_end(self.limits.body_bytes).await;
            let body = body.map_err(|error| match error {
                ReadToEndError::TooLong => TransportError::TooLarge {
                    address: self.dialer.url().to_owned(),
                    limit: self.limits.body_bytes,
                },
                ReadToEndError::Read(error) => self.cut(&error),
            })?;
            Ok((status, body))
        };
        // A server that refuses stops reading: its answer says why, if there is one.
        let (_, received) = tokio::join!(send, receive);
        let (status, body) = received?;
        let head = ResponseHead::decode(&status).map_err(|error| self.broken(&error))?;
        let status = head.status;
        Ok(Response { status, body })
    }

    fn cut(&self, error: &ReadError) -> TransportError {
        self.broken(error)
    }

    fn broken(&self, error: &dyn std::error::Error) -> TransportError {
        broken(self.dialer.url(), error)
    }
}

impl Exchange for QuicExchange {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let refused = |reason| TransportError::Address {
                address: format!("{}{}", self.dialer.url(), request.route.escape_debug()),
                reason,
            };
            let head = RequestHead::of(&request).and_then(|head| head.encode());
            let head = head.map_err(|error| refused(error.to_string()))?;
            if head.len() > usize::from(u16::MAX) {
                return Err(refused("its head is longer than 65535 bytes".into()));
            }
            let secs = self.limits.request_secs;
            match timeout(seconds(secs), self.carry(&head, &request.body)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TransportError::TimedOut {
                    address: self.dialer.url().to_owned(),
                    secs,
                }),
            }
        })
    }
}
