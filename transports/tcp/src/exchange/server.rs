//! The answering end of one connection.
//!
//! ```text
//!  peer ─▶ inbox ─▶ a task for each request ─▶ outbox ─▶ peer
//!          one at    desk: rate, body, worker    one at
//!          a time    service; in any order       a time
//! ```
//!
//! A connection reads on only while it has a place for another request and its body, so a peer
//! that asks more than is answered is slowed down, and one that takes no answers is cut off. A
//! cancelled request gives its place back when its service is done, not before: to ask and cancel
//! in a loop buys no work.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pqfw_framework::transport::{
    ExchangeService, Listener, Request, Response, TransportError, TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_runtime::desk::{
    Answer, Desk, HeadError, RequestHead, ResponseHead, Stop, WriteDeadline, linger, open, seconds,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Sleep, sleep};

use crate::frame::{Event, Inbox, Outgoing, PREFACE, Side, cancel, goodbye};
use crate::socket::{TcpDoor, Visitor};

/// Requests of one connection that may be under way at a time.
pub const IN_FLIGHT: usize = 64;

/// Bodies of the largest size that the requests of one connection may have under way together, and
/// of smaller ones as many as take no more.
pub const BODIES: usize = 4;

/// Listens, and serves until the listener is shut down or dropped.
pub(crate) async fn serve(
    settings: &TransportSettings,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
) -> Result<Box<dyn Listener>, TransportError> {
    let (url, door) = TcpDoor::bind(settings).await?;
    let desk = Arc::new(Desk::new(settings.limits, service, world));
    let drive = move |visitor: Visitor, stop: Stop| {
        let (desk, peer) = (desk.clone(), visitor.ip());
        async move {
            if let Some(socket) = visitor.greet().await {
                drive(socket, peer, desk, stop).await;
            }
        }
    };
    Ok(open(url, door, settings.limits, drive))
}

/// Serves a connection until the peer closes it, breaks a rule, or the server stops: then the
/// requests under way are answered first.
pub(crate) async fn drive<S>(stream: S, peer: IpAddr, desk: Arc<Desk>, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let stream = WriteDeadline::new(stream, seconds(desk.limits().request_secs));
    let (mut receiving, mut sending) = split(stream);
    let (outbox, letters) = mpsc::channel(OUTBOX_LETTERS);
    let intake = Intake::new(peer, desk, outbox);
    {
        let mut writing = std::pin::pin!(write(&mut sending, letters));
        tokio::select! {
            () = intake.run(&mut receiving, stop.clone()) => {}
            // The peer takes nothing any more.
            _ = &mut writing => return,
        }
        if writing.await.is_err() {
            return;
        }
    }
    let mut stream = receiving.unsplit(sending);
    // It may be closed already, as far as it goes.
    let _ = stream.shutdown().await;
    tokio::select! {
        () = linger(stream) => {}
        // A peer that keeps an idle connection open does not hold up the end.
        () = stop.requested() => {}
    }
}

/// Answers that wait for the one before them to be written.
const OUTBOX_LETTERS: usize = 4;

enum Letter {
    Response {
        id: u32,
        response: Response,
        cancelled: Arc<AtomicBool>,
        written: oneshot::Sender<()>,
    },
    Goodbye {
        last: u32,
    },
}

/// Writes what the outbox holds until nobody can put anything there any more.
async fn write(
    sending: &mut (impl AsyncWrite + Unpin),
    mut letters: mpsc::Receiver<Letter>,
) -> std::io::Result<()> {
    sending.write_all(&PREFACE).await?;
    sending.flush().await?;
    while let Some(letter) = letters.recv().await {
        match letter {
            Letter::Response {
                id,
                response,
                cancelled,
                written,
            } => {
                let head = ResponseHead {
                    status: response.status,
                };
                let body = Arc::new(response.body);
                let message = Outgoing::new(id, head.encode(), body);
                write_message(sending, message, &cancelled).await?;
                // Nobody waits for it when it was cancelled.
                let _ = written.send(());
            }
            Letter::Goodbye { last } => sending.write_all(&goodbye(last)).await?,
        }
        sending.flush().await?;
    }
    Ok(())
}

async fn write_message(
    sending: &mut (impl AsyncWrite + Unpin),
    mut message: Outgoing,
    cancelled: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        if cancelled.load(Ordering::Relaxed) {
            if message.has_begun() {
                sending.write_all(&cancel(message.id())).await?;
            }
            return Ok(());
        }
        match message.chunk() {
            Some(chunk) => sending.write_all(&chunk).await?,
            None => return Ok(()),
        }
    }
}

/// The reading side of one connection, and its requests under way.
struct Intake {
    peer: IpAddr,
    desk: Arc<Desk>,
    inbox: Inbox,
    outbox: mpsc::Sender<Letter>,
    /// Requests that may still come.
    places: Arc<Semaphore>,
    /// Bodies that may still come, in KiB.
    room: Arc<Semaphore>,
    arriving: Option<Arriving>,
    under_way: JoinSet<u32>,
    by_id: BTreeMap<u32, UnderWay>,
    waits_for: WaitsFor,
}

/// A request whose body is still coming.
struct Arriving {
    head: Option<RequestHead>,
    place: Arc<OwnedSemaphorePermit>,
    deliver: Option<oneshot::Sender<Result<Delivered, Answer>>>,
}

/// A whole request, and what it takes up.
type Delivered = (Request, Taken);
type Taken = (Arc<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>);

struct UnderWay {
    task: AbortHandle,
    cancelled: Arc<AtomicBool>,
}

/// What a connection waits for, which decides how long it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    /// The peer, with nothing under way: `idle_secs`.
    Request,
    /// The rest of a frame outside of messages: `idle_secs`.
    Frame,
    /// The rest of this message: `request_secs`.
    Message(u32),
    /// The service.
    Answers,
}

const READ_BYTES: usize = 16 << 10;

/// The peer broke a rule, or its connection broke.
struct Broken;

impl Intake {
    fn new(peer: IpAddr, desk: Arc<Desk>, outbox: mpsc::Sender<Letter>) -> Self {
        let limits = desk.limits();
        let room = limits.body_bytes.saturating_mul(BODIES).div_ceil(1024);
        Self {
            inbox: Inbox::new(Side::Server, limits.header_bytes, limits.body_bytes),
            room: Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS))),
            places: Arc::new(Semaphore::new(IN_FLIGHT)),
            peer,
            desk,
            outbox,
            arriving: None,
            under_way: JoinSet::new(),
            by_id: BTreeMap::new(),
            waits_for: WaitsFor::Request,
        }
    }

    /// Reads until there is nothing more to read, then waits for what is under way.
    async fn run(mut self, receiving: &mut (impl AsyncRead + Unpin), stop: Stop) {
        match self.read(receiving, stop).await {
            Ok(()) => {
                let last = self.inbox.last_id();
                // An error says that the writing end is over, and then this one is too.
                let _ = self.outbox.send(Letter::Goodbye { last }).await;
            }
            Err(Broken) => self.under_way.abort_all(),
        }
        while self.under_way.join_next().await.is_some() {}
    }

    async fn read(
        &mut self,
        receiving: &mut (impl AsyncRead + Unpin),
        mut stop: Stop,
    ) -> Result<(), Broken> {
        let mut stopping = false;
        let mut buffer = vec![0; READ_BYTES];
        let mut patience = Box::pin(sleep(self.patience()));
        loop {
            while !(stopping && self.inbox.message().is_none()) {
                // There is nobody to tell who could do anything about an error.
                match self.inbox.next().map_err(|_| Broken)? {
                    Some(event) => self.take(event).await?,
                    None => break,
                }
            }
            if stopping && self.inbox.message().is_none() {
                return Ok(());
            }
            self.forget_refused();
            self.renew(&mut patience);
            tokio::select! {
                read = receiving.read(&mut buffer) => match read {
                    Ok(0) => {
                        // What was not whole will never be.
                        self.arriving = None;
                        return Ok(());
                    }
                    Ok(length) => self.inbox.push(buffer.get(..length).unwrap_or_default()),
                    Err(_) => return Err(Broken),
                },
                Some(ended) = self.under_way.join_next(), if !self.under_way.is_empty() => {
                    // A task that was aborted was forgotten then.
                    if let Ok(id) = ended {
                        self.by_id.remove(&id);
                    }
                }
                () = &mut patience, if self.waits_for != WaitsFor::Answers => return Ok(()),
                () = stop.requested(), if !stopping => stopping = true,
            }
        }
    }

    /// Begins to wait anew when it is for something else.
    fn renew(&mut self, patience: &mut Pin<Box<Sleep>>) {
        let waits_for = match self.inbox.message() {
            Some(id) => WaitsFor::Message(id),
            None if self.under_way.is_empty() => WaitsFor::Request,
            None if self.inbox.is_within_frame() => WaitsFor::Frame,
            None => WaitsFor::Answers,
        };
        if waits_for != self.waits_for {
            self.waits_for = waits_for;
            patience.set(sleep(self.patience()));
        }
    }

    fn patience(&self) -> std::time::Duration {
        let limits = self.desk.limits();
        match self.waits_for {
            WaitsFor::Message(_) => seconds(limits.request_secs),
            WaitsFor::Request | WaitsFor::Frame | WaitsFor::Answers => seconds(limits.idle_secs),
        }
    }

    /// What was refused before its end need not be gathered.
    fn forget_refused(&mut self) {
        let deliver = self.arriving.as_ref().map(|arriving| &arriving.deliver);
        if deliver.is_some_and(|deliver| deliver.as_ref().is_none_or(oneshot::Sender::is_closed)) {
            self.inbox.discard();
        }
    }

    async fn take(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Began { id, head } => {
                self.begin(id).await?;
                match RequestHead::decode(&head) {
                    Ok(head) => {
                        if let Some(arriving) = &mut self.arriving {
                            arriving.head = Some(head);
                        }
                    }
                    Err(error) => self.refuse(Answer::refuse_unread(400, reason(&error))),
                }
            }
            Event::HeadTooLarge { id } => {
                self.begin(id).await?;
                self.refuse(Answer::refuse_unread(431, "the request head is too large"));
            }
            Event::BodyTooLarge { .. } => self.refuse(Answer::too_large()),
            Event::Complete { body, .. } => self.complete(body).await?,
            Event::Cancelled { id } => {
                if self.inbox.message().is_none() {
                    self.arriving = None;
                }
                if let Some(under_way) = self.by_id.remove(&id) {
                    under_way.cancelled.store(true, Ordering::Relaxed);
                    under_way.task.abort();
                }
            }
            // The inbox of a server refuses it.
            Event::Goodbye { .. } => return Err(Broken),
        }
        Ok(())
    }

    /// Waits for a place, and lets the desk wait for the request.
    async fn begin(&mut self, id: u32) -> Result<(), Broken> {
        let place = self.places.clone().acquire_owned().await;
        let place = Arc::new(place.map_err(|_| Broken)?);
        let (deliver, delivered) = oneshot::channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let errand = Errand {
            id,
            peer: self.peer,
            desk: self.desk.clone(),
            outbox: self.outbox.clone(),
            cancelled: cancelled.clone(),
            _place: place.clone(),
        };
        let task = self.under_way.spawn(errand.run(delivered));
        self.by_id.insert(id, UnderWay { task, cancelled });
        self.arriving = Some(Arriving {
            head: None,
            place,
            deliver: Some(deliver),
        });
        Ok(())
    }

    fn refuse(&mut self, answer: Answer) {
        let deliver = self.arriving.as_mut().and_then(|a| a.deliver.take());
        if let Some(deliver) = deliver {
            // Nobody waits when the request was refused for something else before.
            let _ = deliver.send(Err(answer));
        }
    }

    /// Waits for room for the body, and hands the request over.
    async fn complete(&mut self, body: Vec<u8>) -> Result<(), Broken> {
        let Some(arriving) = self.arriving.take() else {
            return Ok(());
        };
        let (Some(head), Some(deliver)) = (arriving.head, arriving.deliver) else {
            return Ok(());
        };
        let kib = u32::try_from(body.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let room = match kib {
            0 => None,
            kib => Some(self.room.clone().acquire_many_owned(kib).await),
        };
        let room = room.transpose().map_err(|_| Broken)?;
        let request = Request {
            peer: Some(self.peer),
            ..head.with_body(body)
        };
        // Nobody waits when the request was refused for something else before.
        let _ = deliver.send(Ok((request, (arriving.place, room))));
        Ok(())
    }
}

fn reason(error: &HeadError) -> &'static str {
    match error {
        HeadError::Form(_) => "the request head is broken",
        HeadError::Method => "the request names no method",
        HeadError::Route => "the request names no path",
        HeadError::Session => "the session is not a session's name",
    }
}

/// One request on its way through the desk and the outbox.
struct Errand {
    id: u32,
    peer: IpAddr,
    desk: Arc<Desk>,
    outbox: mpsc::Sender<Letter>,
    cancelled: Arc<AtomicBool>,
    _place: Arc<OwnedSemaphorePermit>,
}

impl Errand {
    /// Gives its id when the answer is written.
    async fn run(self, delivered: oneshot::Receiver<Result<Delivered, Answer>>) -> u32 {
        let read = async {
            let gone = || Answer::refuse_unread(400, "the request body is broken");
            delivered.await.unwrap_or_else(|_| Err(gone()))
        };
        let answer = self.desk.answer(self.peer, read).await;
        let (written, done) = oneshot::channel();
        let letter = Letter::Response {
            id: self.id,
            response: answer.response,
            cancelled: self.cancelled.clone(),
            written,
        };
        if self.outbox.send(letter).await.is_ok() {
            // An error says that the connection is over.
            let _ = done.await;
        }
        self.id
    }
}
