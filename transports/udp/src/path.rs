//! A second socket at the same address, for threads of its own: it is asked first, and waited for with
//! poll(2) when it has nothing. The kernel puts marked datagrams into its queue, and all others into
//! that of the first (SO_ATTACH_REUSEPORT_CBPF, socket(7)).

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc::{self, sock_filter, sock_fprog};
use nix::sys::socket::{setsockopt, sockopt};
use pqfw_framework::transport::{DatagramBatch, DatagramPath, Mark, RUNS, Run, TransportError};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::net::sockopt::set_socket_reuseport;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use crate::socket::{KERNEL_BUFFER_BYTES, is_about_a_peer};

/// A socket for threads.
pub(crate) struct UdpPath {
    address: SocketAddr,
    socket: UdpSocket,
    state: UdpSocketState,
    /// Ends a wait, and says so to whoever does not wait.
    closed: OwnedFd,
    is_closed: AtomicBool,
}

impl UdpPath {
    /// A socket beside the first, which was bound alone: nobody else can have its address.
    pub(crate) fn beside(first: &impl AsFd, address: SocketAddr, mark: Mark) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let second = socket_with(family, SocketType::DGRAM, flags, None)?;
        set_socket_reuseport(first, true)?;
        set_socket_reuseport(&second, true)?;
        bind(&second, &address)?;
        steer(first, mark)?;
        let socket = UdpSocket::from(second);
        let state = UdpSocketState::new((&socket).into())?;
        let path = Self {
            address,
            socket,
            state,
            closed: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            is_closed: AtomicBool::new(false),
        };
        let _ = path.ask_receive_buffer(KERNEL_BUFFER_BYTES);
        // Smaller buffers lose more and break nothing.
        let _ = path
            .state
            .set_send_buffer_size((&path.socket).into(), KERNEL_BUFFER_BYTES);
        Ok(path)
    }

    /// As the first socket's.
    pub(crate) fn ask_receive_buffer(&self, bytes: usize) -> Option<usize> {
        let (socket, state) = ((&self.socket).into(), &self.state);
        let _ = state.set_recv_buffer_size(socket, bytes);
        state.recv_buffer_size((&self.socket).into()).ok()
    }

    /// Waits until the socket can do that, or until the path is closed.
    fn wait(&self, what: PollFlags) -> io::Result<()> {
        let mut both = [
            PollFd::new(&self.socket, what),
            PollFd::new(&self.closed, PollFlags::IN),
        ];
        match poll(&mut both, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn transmit(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        while !self.is_closed.load(Ordering::Relaxed) {
            match self.state.try_send((&self.socket).into(), transmit) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT)?;
                }
                sent => return sent,
            }
        }
        Ok(())
    }
}

/// Gives the kernel a program for the sockets at an address: 1, the second, for marked datagrams and 0,
/// the first, for all others. A datagram that is too short for the mark ends the program with 0.
fn steer(socket: &impl AsFd, mark: Mark) -> nix::Result<()> {
    let step = |code: u32, jf, k| sock_filter {
        // BPF's codes have eight bits.
        code: (code & 0xff) as u16,
        jt: 0,
        jf,
        k,
    };
    let mut program = [
        step(
            libc::BPF_LD | libc::BPF_B | libc::BPF_ABS,
            0,
            mark.offset.into(),
        ),
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            1,
            mark.value.into(),
        ),
        step(libc::BPF_RET | libc::BPF_K, 0, 1),
        step(libc::BPF_RET | libc::BPF_K, 0, 0),
    ];
    let program = sock_fprog {
        len: 4,
        filter: program.as_mut_ptr(),
    };
    setsockopt(socket, sockopt::AttachReusePortCbpf, &program)
}

impl DatagramPath for UdpPath {
    fn most_in_run(&self) -> usize {
        self.state.max_gso_segments().max(1)
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
        let mut metas = [RecvMeta::default(); RUNS];
        while !self.is_closed.load(Ordering::Relaxed) {
            let (buffers, runs) = batch.fill();
            let mut slices: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let received = (self.state).recv((&self.socket).into(), &mut slices, &mut metas);
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
                address: format!("udp://{}", self.address),
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
