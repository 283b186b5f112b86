//! A transfer by TCP from one namespace to an address of the other, of which every byte is looked at.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use pqfw_framework::world::World;

use super::{End, NamespaceError, Namespaces, socket};

const BLOCK: usize = 1 << 16;
/// Nothing comes for so long: the tunnel is down.
const PATIENCE: Duration = Duration::from_secs(20);

impl Namespaces {
    /// Sends that many bytes from one end to an address of the other; says how long it took until
    /// the last was there, and right.
    ///
    /// # Errors
    /// [`NamespaceError::Socket`], [`NamespaceError::Changed`].
    pub fn transfer(
        &self,
        from: End,
        to: SocketAddr,
        bytes: u64,
        world: &dyn World,
    ) -> Result<Duration, NamespaceError> {
        let (ready, listens) = mpsc::channel();
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                self.within(from.other(), || {
                    let listener = TcpListener::bind(to).map_err(socket("listening"))?;
                    let _ = ready.send(());
                    let (stream, _) = listener.accept().map_err(socket("accepting"))?;
                    let patient = stream.set_read_timeout(Some(PATIENCE));
                    patient.map_err(socket("receiving"))?;
                    receive(stream, bytes)
                })
            });
            // When the receiver cannot listen, connecting fails, and it says why.
            let _ = listens.recv_timeout(PATIENCE);
            let began = world.now().since_start;
            let sent = self.within(from, || send(to, bytes).map_err(socket("sending")));
            if sent.is_err() && !receiver.is_finished() {
                // It waits for somebody: for whom it takes this.
                let _ = self.within(from.other(), || {
                    TcpStream::connect(to).map_err(socket("ending"))
                });
            }
            let received = receiver
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            sent.and(received).map(|()| world.now().since_start - began)
        })
    }
}

/// What stands in a block that begins at that byte: numbers, so that nothing stands for another.
fn fill(block: &mut [u8], at: u64) {
    for (place, word) in (at..).step_by(8).zip(block.chunks_mut(8)) {
        let number = place.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        word.iter_mut()
            .zip(number)
            .for_each(|(to, from)| *to = from);
    }
}

fn send(to: SocketAddr, bytes: u64) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut block = vec![0; BLOCK];
    let mut at = 0;
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(BLOCK).min(BLOCK);
        let part = block.get_mut(..length).unwrap_or_default();
        fill(part, at);
        stream.write_all(part)?;
        at += length as u64;
    }
    Ok(())
}

fn receive(mut stream: impl Read, bytes: u64) -> Result<(), NamespaceError> {
    let (mut block, mut expected) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut at = 0;
    while at < bytes {
        let length = usize::try_from(bytes - at).unwrap_or(BLOCK).min(BLOCK);
        let (part, right) = (
            block.get_mut(..length).unwrap_or_default(),
            expected.get_mut(..length).unwrap_or_default(),
        );
        stream.read_exact(part).map_err(socket("receiving"))?;
        fill(right, at);
        if let Some(place) = part
            .iter()
            .zip(&*right)
            .position(|(came, sent)| came != sent)
        {
            return Err(NamespaceError::Changed(at + place as u64));
        }
        at += length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_changed_or_missing_are_found() {
        let mut sent = vec![0; BLOCK + 100];
        let (first, rest) = sent.split_at_mut(BLOCK);
        fill(first, 0);
        fill(rest, BLOCK as u64);
        let bytes = sent.len() as u64;
        assert!(receive(&sent[..], bytes).is_ok());
        for place in [0, 7, BLOCK, BLOCK + 99] {
            let mut changed = sent.clone();
            changed[place] ^= 1;
            let error = receive(&changed[..], bytes).unwrap_err();
            let at = place as u64;
            assert!(
                matches!(error, NamespaceError::Changed(found) if found == at),
                "{error}"
            );
        }
        let error = receive(&sent[1..], bytes).unwrap_err();
        // The first word is all zeros; a byte of it is missing.
        assert!(matches!(error, NamespaceError::Changed(7)), "{error}");
        let error = receive(&sent[..BLOCK], bytes).unwrap_err();
        assert!(matches!(error, NamespaceError::Socket { .. }), "{error}");
    }
}
