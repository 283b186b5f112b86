//! An attacker's hands on a wire: changes a bit of what is sent next, or sends it twice.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::transport::{BoxFuture, Connection, StreamWriter, TransportError};

/// What the attacker does to the next bytes that are sent.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Option<Deed>>>);

#[derive(Clone, Copy)]
enum Deed {
    Flip,
    Repeat,
}

impl Wire {
    /// Puts the attacker between the two ends.
    pub(super) fn tap(&self, connection: Connection) -> Connection {
        Connection {
            writer: Box::new(Tapped(self.clone(), connection.writer)),
            ..connection
        }
    }

    pub(super) fn flip_next(&self) {
        self.next(Some(Deed::Flip));
    }

    pub(super) fn repeat_next(&self) {
        self.next(Some(Deed::Repeat));
    }

    fn next(&self, deed: Option<Deed>) -> Option<Deed> {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *next, deed)
    }
}

struct Tapped(Wire, Box<dyn StreamWriter>);

impl StreamWriter for Tapped {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let mut bytes = bytes.to_vec();
            match self.0.next(None) {
                None => {}
                Some(Deed::Flip) => bytes
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|last| *last ^= 1),
                Some(Deed::Repeat) => self.1.write_all(&bytes).await?,
            }
            self.1.write_all(&bytes).await
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.1.finish()
    }
}
