//! The outgoing direction, which both halves share: the writer seals data, the reader answers
//! control messages, and whoever is polled carries on the write that is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{BoxFuture, StreamWriter, TransportError};
use pqfw_framework::world::World;

use crate::alert::Alert;
use crate::channel::{Control as Message, Sealer};
use crate::error::ChannelError;
use crate::record::MOST_CONTENT;

type Result<T> = std::result::Result<T, ChannelError>;

/// Which half polls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

/// What the two halves share.
pub(super) struct Shared {
    egress: Mutex<Egress>,
    wakers: Arc<Wakers>,
    waker: Waker,
    world: Arc<dyn World>,
}

struct Egress {
    sealer: Option<Sealer>,
    line: Line,
    /// Sealed, and not yet handed to the line.
    pending: Vec<u8>,
    /// An answer to a `key_update` is in `pending`: further requests need no other.
    update_pending: bool,
    /// `close_notify` was sealed.
    closed: bool,
    failure: Option<ChannelError>,
    /// What the reader counted.
    received: u64,
}

/// The stream's writing half.
enum Line {
    Idle(Box<dyn StreamWriter>),
    Busy(BoxFuture<'static, Written>),
    Finished,
}

struct Written {
    /// None when the line was finished.
    writer: Option<Box<dyn StreamWriter>>,
    result: std::result::Result<(), TransportError>,
}

/// How much is sealed before it is written: four full records.
const CHUNK_RECORDS: usize = 4;

impl Shared {
    pub(super) fn new(
        sealer: Sealer,
        writer: Box<dyn StreamWriter>,
        world: Arc<dyn World>,
    ) -> Self {
        let wakers = Arc::new(Wakers::default());
        Self {
            egress: Mutex::new(Egress {
                sealer: Some(sealer),
                line: Line::Idle(writer),
                pending: Vec::new(),
                update_pending: false,
                closed: false,
                failure: None,
                received: 0,
            }),
            waker: wakers.clone().into(),
            wakers,
            world,
        }
    }

    /// Carries on what is under way; ready when there is nothing to send.
    pub(super) fn poll_drive(&self, half: Half, context: &Context<'_>) -> Poll<()> {
        self.wakers.register(half, context.waker());
        self.drive(half, &mut self.lock())
    }

    /// Seals and writes `rest`, and shortens it by what was sealed; ready when all is written.
    pub(super) fn poll_write(&self, context: &Context<'_>, rest: &mut &[u8]) -> Poll<Result<()>> {
        self.wakers.register(Half::Writer, context.waker());
        let mut egress = self.lock();
        loop {
            let driven = self.drive(Half::Writer, &mut egress);
            if let Some(failure) = &egress.failure {
                return Poll::Ready(Err(failure.clone()));
            }
            if driven.is_pending() {
                return Poll::Pending;
            }
            if egress.closed {
                return Poll::Ready(Err(ChannelError::Closed));
            }
            if rest.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = self.seal_chunk(&mut egress, rest) {
                egress.failure = Some(error.clone());
                egress.sealer = None;
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Sends `close_notify` and ends the direction; ready when that is done.
    pub(super) fn poll_finish(&self, context: &Context<'_>) -> Poll<Result<()>> {
        self.wakers.register(Half::Writer, context.waker());
        let mut egress = self.lock();
        let Egress {
            sealer,
            pending,
            closed,
            failure,
            ..
        } = &mut *egress;
        if let (Some(sealer), false) = (sealer, *closed) {
            *closed = true;
            if let Err(error) = sealer.alert(pending, Alert::CloseNotify) {
                *failure = Some(error);
            }
        }
        // After a failure, too: the alert is to go out.
        self.drive(Half::Writer, &mut egress)
            .map(|()| egress.failure.clone().map_or(Ok(()), Err))
    }

    /// Does what a control message asks for; gives what the incoming direction goes on under.
    pub(super) fn control(&self, message: Message) -> Result<Option<SecretBytes>> {
        let mut egress = self.lock();
        let Egress {
            sealer,
            pending,
            update_pending,
            closed,
            received,
            ..
        } = &mut *egress;
        let Some(sealer) = sealer else {
            return Err(ChannelError::Closed);
        };
        let (now, mut rng) = (self.world.now(), self.world.rng());
        if !*closed {
            let update = matches!(message, Message::KeyUpdate { wants_answer: true });
            let answer = !*update_pending;
            *update_pending |= update;
            let secret = sealer.control(now, &mut *rng, message, answer, pending)?;
            if secret.is_some() {
                // A fresh exchange: the reader counts anew.
                *received = 0;
            }
            return Ok(secret);
        }
        // A direction that has ended says nothing any more, and the other may still change keys.
        match message {
            Message::FreshOffer(_) => Ok(None),
            message => sealer.control(now, &mut *rng, message, false, &mut Vec::new()),
        }
    }

    /// Ends the channel: tells the peer, if it is to be told, and wipes the keys.
    pub(super) fn fail(&self, error: &ChannelError) {
        let mut egress = self.lock();
        let Egress {
            sealer,
            pending,
            closed,
            failure,
            ..
        } = &mut *egress;
        if let (Some(mut sealer), Some(alert), false) = (sealer.take(), error.alert(), *closed) {
            // The first failure is the one that is reported.
            let _ = sealer.alert(pending, alert);
        }
        failure.get_or_insert_with(|| error.clone());
        self.wakers.other(Half::Reader);
        // Driven once, so that the alert is on its way though the halves are dropped.
        let _ = self.drive(Half::Reader, &mut egress);
    }

    /// Notes a record of data that came: its length, and what the reader counted. An end that
    /// only reads begins a fresh exchange in its time, too.
    pub(super) fn received(&self, length: usize, bytes: u64) -> Result<()> {
        let mut egress = self.lock();
        let egress = &mut *egress;
        egress.received = bytes;
        let Some(sealer) = &mut egress.sealer else {
            return Ok(());
        };
        sealer.heard(length)?;
        if egress.closed {
            return Ok(());
        }
        self.fresh_if_due(sealer, bytes, &mut egress.pending)
    }

    fn fresh_if_due(&self, sealer: &mut Sealer, received: u64, out: &mut Vec<u8>) -> Result<()> {
        let now = self.world.now();
        if sealer.fresh_is_due(now, received) {
            sealer.fresh_offer(now, &mut *self.world.rng(), out)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Egress> {
        // Whoever panicked held nothing half changed: every step ends in a whole state.
        self.egress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal_chunk(&self, egress: &mut Egress, rest: &mut &[u8]) -> Result<()> {
        let Some(sealer) = &mut egress.sealer else {
            return Err(ChannelError::Closed);
        };
        self.fresh_if_due(sealer, egress.received, &mut egress.pending)?;
        let records = rest.len().div_ceil(MOST_CONTENT).min(CHUNK_RECORDS);
        let content = rest.len().min(records * MOST_CONTENT);
        egress
            .pending
            .reserve_exact(content + records * sealer.overhead());
        for _ in 0..records {
            let taken = sealer.data(&mut egress.pending, rest)?;
            *rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    fn drive(&self, half: Half, egress: &mut Egress) -> Poll<()> {
        let mut context = Context::from_waker(&self.waker);
        loop {
            match std::mem::replace(&mut egress.line, Line::Finished) {
                Line::Finished => return Poll::Ready(()),
                Line::Busy(mut write) => match write.as_mut().poll(&mut context) {
                    Poll::Pending => {
                        egress.line = Line::Busy(write);
                        return Poll::Pending;
                    }
                    Poll::Ready(written) => {
                        egress.written(written);
                        self.wakers.other(half);
                    }
                },
                Line::Idle(writer) => {
                    let ended = egress.closed || egress.failure.is_some();
                    if egress.pending.is_empty() && !ended {
                        egress.line = Line::Idle(writer);
                        return Poll::Ready(());
                    }
                    egress.line = Line::Busy(egress.begin(writer));
                }
            }
        }
    }
}

impl Egress {
    /// Hands `pending` to the line; when there is nothing, the line is finished.
    fn begin(&mut self, mut writer: Box<dyn StreamWriter>) -> BoxFuture<'static, Written> {
        if self.pending.is_empty() {
            return Box::pin(async move {
                let result = writer.finish().await;
                Written {
                    writer: None,
                    result,
                }
            });
        }
        self.update_pending = false;
        let buffer = std::mem::take(&mut self.pending);
        Box::pin(async move {
            let result = writer.write_all(&buffer).await;
            Written {
                writer: Some(writer),
                result,
            }
        })
    }

    fn written(&mut self, written: Written) {
        match (written.result, written.writer) {
            (Ok(()), Some(writer)) => self.line = Line::Idle(writer),
            (Ok(()), None) => {}
            (Err(error), _) => {
                self.sealer = None;
                self.pending.clear();
                self.failure.get_or_insert(error.into());
            }
        }
    }
}

/// Wakes whichever half waits for the line.
#[derive(Default)]
struct Wakers {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl Wakers {
    fn register(&self, half: Half, waker: &Waker) {
        let mut place = self.place(half);
        if !place.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *place = Some(waker.clone());
        }
    }

    /// Wakes the half that is not this one.
    fn other(&self, half: Half) {
        let other = match half {
            Half::Reader => Half::Writer,
            Half::Writer => Half::Reader,
        };
        let waker = self.place(other).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn place(&self, half: Half) -> MutexGuard<'_, Option<Waker>> {
        let place = match half {
            Half::Reader => &self.reader,
            Half::Writer => &self.writer,
        };
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.other(Half::Reader);
        self.other(Half::Writer);
    }
}

/// New keys on demand. They come by themselves, too: this is for those who want them sooner.
#[derive(Clone)]
pub struct Control {
    /// The halves own the stream: whoever drops both closes it.
    shared: Weak<Shared>,
}

impl Control {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
        }
    }

    /// Changes the key of our direction and, if wanted, asks the peer to change its own; says
    /// whether it did: not for the 17th time without data in between, of which a peer has enough.
    /// It goes out with the next read or write.
    ///
    /// # Errors
    /// [`ChannelError::Closed`].
    pub fn key_update(&self, wants_answer: bool) -> Result<bool> {
        self.with(|sealer, out, _| sealer.key_update_on_demand(out, wants_answer))
    }

    /// Begins a fresh exchange, if this end is the initiator, none is under way, and there were
    /// not more than eight and one a minute; says whether it did. It goes out with the next read
    /// or write.
    ///
    /// # Errors
    /// [`ChannelError::Closed`]; [`ChannelError::Primitive`].
    pub fn fresh_exchange(&self) -> Result<bool> {
        self.with(|sealer, out, world| sealer.fresh_offer(world.now(), &mut *world.rng(), out))
    }

    fn with<T>(
        &self,
        act: impl FnOnce(&mut Sealer, &mut Vec<u8>, &dyn World) -> Result<T>,
    ) -> Result<T> {
        let shared = self.shared.upgrade().ok_or(ChannelError::Closed)?;
        let mut egress = shared.lock();
        let egress = &mut *egress;
        let (Some(sealer), false) = (&mut egress.sealer, egress.closed) else {
            return Err(ChannelError::Closed);
        };
        if egress.pending.len() > CHUNK_RECORDS * MOST_CONTENT {
            return Err(ChannelError::TooLong {
                field: "what waits to be sent",
                got: egress.pending.len(),
                limit: CHUNK_RECORDS * MOST_CONTENT,
            });
        }
        let done = act(sealer, &mut egress.pending, &*shared.world)?;
        shared.wakers.clone().wake();
        Ok(done)
    }
}
