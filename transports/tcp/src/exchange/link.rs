//! The asking end of one connection: requests go out one after the other, responses come back in
//! any order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::{Response, TransportLimits};
use pqfw_runtime::desk::{ResponseHead, seconds};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::frame::{Event, Inbox, Outgoing, PREFACE, Side, cancel};

/// A connection that requests can be sent over while it is open.
pub(crate) struct Link {
    asked: Arc<Asked>,
    requests: mpsc::Sender<Outgoing>,
    reading: JoinHandle<()>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The server has not looked at the request and never will.
    NotTaken,
    /// The connection ended, or the server gave the response up.
    Broken(String),
    /// The response is above the limit.
    TooLarge,
}

/// Requests that wait for the one before them to be sent; further ones wait outside.
const QUEUED_REQUESTS: usize = 16;

impl Link {
    /// Begins to read and write. The reading ends with the link, and the writing after it.
    pub(crate) fn open<S>(stream: S, limits: &TransportLimits) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (receiving, sending) = split(stream);
        let (requests, queue) = mpsc::channel(QUEUED_REQUESTS);
        let asked = Arc::new(Asked::default());
        tokio::spawn(write(sending, queue, asked.clone()));
        let reading = tokio::spawn(read(receiving, asked.clone(), *limits));
        Self {
            asked,
            requests,
            reading,
        }
    }

    /// Whether it takes requests.
    pub(crate) fn is_open(&self) -> bool {
        !self.asked.lock().closed
    }

    /// Sends a request and waits for its response. To drop it cancels the request.
    pub(crate) async fn ask(&self, head: &[u8], body: &Arc<Vec<u8>>) -> Result<Response, Lost> {
        // The writing end is over.
        let place = self.requests.reserve().await;
        let place = place.map_err(|_| Lost::NotTaken)?;
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut asked = self.asked.lock();
            let id = asked.begin(answer).ok_or(Lost::NotTaken)?;
            // Under the lock, so that ids rise in the order of the queue.
            place.send(Outgoing::new(id, head.to_vec(), body.clone()));
            id
        };
        let _cancel = CancelOnDrop {
            asked: &self.asked,
            id,
        };
        let ended = || Lost::Broken("it ended before the response".into());
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

struct CancelOnDrop<'a> {
    asked: &'a Asked,
    id: u32,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.asked.give_up(self.id);
    }
}

/// The requests of one connection that have no response yet.
#[derive(Default)]
struct Asked {
    table: Mutex<Table>,
    /// Tells the writing end of cancellations and of the end.
    changed: Notify,
}

#[derive(Default)]
struct Table {
    waiting: BTreeMap<u32, oneshot::Sender<Result<Response, Lost>>>,
    /// The id that was given last.
    last: u32,
    /// The id that was begun to be sent last.
    sent: u32,
    /// Ids that the server is still to hear that nobody waits for.
    cancelled: Vec<u32>,
    /// Takes no more requests.
    closed: bool,
    /// Gets no more responses.
    over: bool,
}

impl Table {
    fn begin(&mut self, answer: oneshot::Sender<Result<Response, Lost>>) -> Option<u32> {
        let id = self.last.checked_add(1);
        let Some(id) = id.filter(|_| !self.closed) else {
            self.closed = true;
            return None;
        };
        self.last = id;
        self.waiting.insert(id, answer);
        Some(id)
    }

    /// Ends the wait for those above `last`, which nobody looked at.
    fn release_above(&mut self, last: u32) {
        let Some(first) = last.checked_add(1) else {
            return;
        };
        for answer in self.waiting.split_off(&first).into_values() {
            // Nobody waits: the exchange was dropped.
            let _ = answer.send(Err(Lost::NotTaken));
        }
    }
}

impl Asked {
    /// A panic elsewhere cannot leave the table half changed: nothing under the lock panics.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, id: u32, outcome: Result<Response, Lost>) {
        // A late response, to a request that was given up.
        let Some(answer) = self.lock().waiting.remove(&id) else {
            return;
        };
        // Nobody waits: the exchange was dropped.
        let _ = answer.send(outcome);
    }

    fn give_up(&self, id: u32) {
        let mut table = self.lock();
        if table.waiting.remove(&id).is_some() && id <= table.sent {
            table.cancelled.push(id);
            self.changed.notify_one();
        }
    }

    /// The server has the response to offer and this end does not want it.
    fn refuse(&self, id: u32) {
        self.answer(id, Err(Lost::TooLarge));
        self.lock().cancelled.push(id);
        self.changed.notify_one();
    }

    fn is_waiting_for(&self, id: u32) -> bool {
        self.lock().waiting.contains_key(&id)
    }

    /// The server takes nothing above `last`.
    fn goodbye(&self, last: u32) {
        let mut table = self.lock();
        table.closed = true;
        table.release_above(last);
    }

    /// Closes a connection that nobody waits on, and says whether it did.
    fn close_unused(&self) -> bool {
        let mut table = self.lock();
        if table.waiting.is_empty() {
            table.closed = true;
        }
        table.waiting.is_empty()
    }

    /// Nothing comes any more.
    fn end(&self, reason: &str) {
        let mut table = self.lock();
        (table.closed, table.over) = (true, true);
        let sent = table.sent;
        table.release_above(sent);
        for answer in std::mem::take(&mut table.waiting).into_values() {
            // Nobody waits: the exchange was dropped.
            let _ = answer.send(Err(Lost::Broken(reason.to_owned())));
        }
        self.changed.notify_one();
    }
}

async fn write(
    mut sending: impl AsyncWrite + Unpin,
    queue: mpsc::Receiver<Outgoing>,
    asked: Arc<Asked>,
) {
    match write_requests(&mut sending, queue, &asked).await {
        // An error says that it is closed already, as far as it goes.
        Ok(()) => drop(sending.shutdown().await),
        Err(error) => asked.end(&error.to_string()),
    }
}

/// Writes what is queued until the link is dropped or over.
async fn write_requests(
    sending: &mut (impl AsyncWrite + Unpin),
    mut queue: mpsc::Receiver<Outgoing>,
    asked: &Asked,
) -> std::io::Result<()> {
    sending.write_all(&PREFACE).await?;
    loop {
        let request = tokio::select! {
            request = queue.recv() => match request {
                Some(request) => Some(request),
                None => return Ok(()),
            },
            () = asked.changed.notified() => None,
        };
        if let Some(request) = request {
            write_request(sending, request, asked).await?;
        }
        let (over, cancelled) = {
            let mut table = asked.lock();
            (table.over, std::mem::take(&mut table.cancelled))
        };
        if over {
            return Ok(());
        }
        for id in cancelled {
            sending.write_all(&cancel(id)).await?;
        }
        sending.flush().await?;
    }
}

/// Writes a request while somebody waits for its response.
async fn write_request(
    sending: &mut (impl AsyncWrite + Unpin),
    mut request: Outgoing,
    asked: &Asked,
) -> std::io::Result<()> {
    let id = request.id();
    loop {
        let wanted = {
            let mut table = asked.lock();
            let wanted = table.waiting.contains_key(&id);
            if wanted {
                table.sent = id;
            }
            wanted
        };
        if !wanted {
            if request.has_begun() {
                sending.write_all(&cancel(id)).await?;
            }
            return Ok(());
        }
        match request.chunk() {
            Some(chunk) => sending.write_all(&chunk).await?,
            None => return Ok(()),
        }
    }
}

const READ_BYTES: usize = 16 << 10;

async fn read(mut receiving: impl AsyncRead + Unpin, asked: Arc<Asked>, limits: TransportLimits) {
    let mut responses = Responses {
        inbox: Inbox::new(Side::Client, limits.header_bytes, limits.body_bytes),
        asked: &asked,
        current: None,
    };
    let mut buffer = vec![0; READ_BYTES];
    // Well before the server's own limit, so that a request seldom meets a connection that is
    // being closed.
    let unused = seconds(limits.idle_secs) / 2;
    let reason = loop {
        if let Err(reason) = responses.take_all() {
            break reason;
        }
        match timeout(unused, receiving.read(&mut buffer)).await {
            Ok(Ok(0)) => break "the server closed the connection".into(),
            Ok(Ok(length)) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                responses.inbox.push(bytes);
            }
            Ok(Err(error)) => break error.to_string(),
            Err(_) if asked.close_unused() => break "it was not used".into(),
            Err(_) => {}
        }
    };
    asked.end(&reason);
}

/// What RFC 9110 section 15 lets a final response have.
const FINAL_STATUS: std::ops::Range<u16> = 200..600;

/// Responses as they come in.
struct Responses<'a> {
    inbox: Inbox,
    asked: &'a Asked,
    current: Option<u16>,
}

impl Responses<'_> {
    /// Takes what came in whole; an error says why nothing after it can be understood.
    fn take_all(&mut self) -> Result<(), String> {
        while let Some(event) = self.inbox.next().map_err(|error| error.to_string())? {
            self.take(event)?;
        }
        // What nobody waits for need not be gathered.
        let message = self.inbox.message();
        if message.is_some_and(|id| !self.asked.is_waiting_for(id)) {
            self.inbox.discard();
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Began { head, .. } => {
                let head = ResponseHead::decode(&head).map_err(|error| error.to_string())?;
                if !FINAL_STATUS.contains(&head.status) {
                    return Err(format!("a response with status {}", head.status));
                }
                self.current = Some(head.status);
            }
            Event::HeadTooLarge { .. } => return Err("the head of a response is too large".into()),
            Event::Complete { id, body } => {
                if let Some(status) = self.current.take() {
                    self.asked.answer(id, Ok(Response { status, body }));
                }
            }
            Event::BodyTooLarge { id } => self.asked.refuse(id),
            Event::Cancelled { id } => {
                let given_up = Lost::Broken("the server gave the response up".into());
                self.asked.answer(id, Err(given_up));
            }
            Event::Goodbye { last } => self.asked.goodbye(last),
        }
        Ok(())
    }
}
