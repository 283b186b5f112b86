//! The same socket for threads of its own: it is asked first, and waited for with poll(2) when it has
//! nothing.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pqfw_framework::transport::{DatagramBatch, DatagramPath, RUNS, Run, TransportError};
use quinn_udp::{RecvMeta, Transmit};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use crate::socket::{Socket, is_about_a_peer};

/// A socket's path for threads.
pub(crate) struct UdpPath {
    socket: Arc<Socket>,
    /// Ends a wait, and says so to whoever does not wait.
    closed: OwnedFd,
    is_closed: AtomicBool,
}

impl UdpPath {
    pub(crate) fn new(socket: Arc<Socket>) -> io::Result<Self> {
        let closed = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            socket,
            closed,
            is_closed: AtomicBool::new(false),
        })
    }

    /// Waits until the socket can do that, or until the path is closed.
    fn wait(&self, what: PollFlags) -> io::Result<()> {
        let mut both = [
            PollFd::new(&self.socket.socket, what),
            PollFd::new(&self.closed, PollFlags::IN),
        ];
        match poll(&mut both, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn transmit(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Socket { socket, state, .. } = &*self.socket;
        while !self.is_closed.load(Ordering::Relaxed) {
            match state.try_send(socket.into(), transmit) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT)?;
                }
                sent => return sent,
            }
        }
        Ok(())
    }
}

impl DatagramPath for UdpPath {
    fn most_in_run(&self) -> usize {
        self.socket.state.max_gso_segments().max(1)
    }

    fn send(&self, to: SocketAddr, run: &[u8], size: usize) {
        let transmit = |contents, segment_size| Transmit {
            destination: to,
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        if run.len() > size && self.transmit(&transmit(run, Some(size))).is_ok() {
            return;
        }
        // One alone; or a network card that cannot cut runs up: quinn-udp remembers that.
        for datagram in run.chunks(size.max(1)) {
            let _ = self.transmit(&transmit(datagram, None));
        }
    }

    fn receive(&self, batch: &mut DatagramBatch) -> Result<bool, TransportError> {
        let Socket { socket, state, .. } = &*self.socket;
        let mut metas = [RecvMeta::default(); RUNS];
        while !self.is_closed.load(Ordering::Relaxed) {
            let (buffers, runs) = batch.fill();
            let mut slices: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let received = state.recv(socket.into(), &mut slices, &mut metas);
            let waited = match received {
                Ok(filled) => {
                    runs.extend(metas.iter().take(filled).map(|meta| Run {
                        from: meta.addr,
                        length: meta.len,
                        size: meta.stride,
                    }));
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::IN),
                Err(error) if is_about_a_peer(&error) => continue,
                Err(error) => Err(error),
            };
            waited.map_err(|error| TransportError::Broken {
                address: self.socket.url.clone(),
                reason: error.to_string(),
            })?;
        }
        Ok(false)
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        // An eventfd takes a one whatever happens.
        let _ = rustix::io::write(&self.closed, &1_u64.to_ne_bytes());
    }
}
