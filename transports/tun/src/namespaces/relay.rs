//! Somebody in the middle, who changes datagrams on their way.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{End, NamespaceError, Namespaces, socket};

/// How often it looks whether it is to end.
const LOOKS: Duration = Duration::from_millis(50);

/// A relay of datagrams, ended when this is dropped.
pub struct Relay {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Namespaces {
    /// Carries datagrams from whoever sends to `at`, which is an address of that end, on to `to`, and
    /// the answers back. Each on its way there is given to `change` first.
    ///
    /// # Errors
    /// [`NamespaceError`].
    pub fn relay(
        &self,
        end: End,
        at: SocketAddr,
        to: SocketAddr,
        mut change: impl FnMut(&mut [u8]) + Send + 'static,
    ) -> Result<Relay, NamespaceError> {
        let own = self.within(end, || {
            let own = UdpSocket::bind(at).map_err(socket("relaying"))?;
            own.set_read_timeout(Some(LOOKS))
                .map_err(socket("relaying"))?;
            Ok(own)
        })?;
        let ends = Arc::new(AtomicBool::new(false));
        let told = ends.clone();
        // A socket is of its namespace, whatever thread has it.
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            let mut caller = None;
            while !told.load(Ordering::Relaxed) {
                let Ok((length, from)) = own.recv_from(&mut buffer) else {
                    continue;
                };
                let datagram = buffer.get_mut(..length).unwrap_or_default();
                // What is not delivered is lost, as on the way.
                if from != to {
                    caller = Some(from);
                    change(datagram);
                    let _ = own.send_to(datagram, to);
                } else if let Some(caller) = caller {
                    let _ = own.send_to(datagram, caller);
                }
            }
        });
        let thread = Some(thread);
        Ok(Relay { ends, thread })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
