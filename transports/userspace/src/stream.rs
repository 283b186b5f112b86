//! One TCP connection in the tunnel, as a stream.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use crate::OPENING;
use crate::interface::Shared;

/// A connection. Dropped before it was shut down, it is reset.
pub(crate) struct TunnelStream {
    shared: Arc<Shared>,
    handle: SocketHandle,
    is_shut: bool,
}

impl TunnelStream {
    pub(crate) fn new(shared: Arc<Shared>, handle: SocketHandle) -> Self {
        Self {
            shared,
            handle,
            is_shut: false,
        }
    }

    /// Opens a connection to an address in the tunnel, and waits until it is made.
    pub(crate) async fn connect(shared: &Arc<Shared>, to: SocketAddr) -> io::Result<Self> {
        let handle = shared.lock().connect(to);
        let handle = handle.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
        let stream = Self::new(shared.clone(), handle);
        shared.wake();
        stream.made().await?;
        Ok(stream)
    }

    /// Waits until the connection is made.
    pub(crate) async fn made(&self) -> io::Result<()> {
        let made = poll_fn(|context| {
            let mut stack = self.shared.lock();
            let socket = stack.tcp(self.handle);
            match socket.state() {
                State::Established | State::CloseWait => return Poll::Ready(Ok(())),
                State::Closed => return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into())),
                _ => {}
            }
            socket.register_recv_waker(context.waker());
            socket.register_send_waker(context.waker());
            Poll::Pending
        });
        match timeout(OPENING, made).await {
            Ok(made) => made,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut stack = self.shared.lock();
        let socket = stack.tcp(self.handle);
        match socket.recv_slice(buffer.initialize_unfilled()) {
            Ok(0) => {
                socket.register_recv_waker(context.waker());
                return Poll::Pending;
            }
            Ok(length) => buffer.advance(length),
            Err(RecvError::Finished) => return Poll::Ready(Ok(())),
            Err(RecvError::InvalidState) => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        drop(stack);
        // The window is open again: the other end should know.
        self.shared.wake();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut stack = self.shared.lock();
        let socket = stack.tcp(self.handle);
        let written = match socket.send_slice(bytes) {
            Ok(0) if !bytes.is_empty() => {
                socket.register_send_waker(context.waker());
                return Poll::Pending;
            }
            Ok(written) => written,
            Err(_) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        drop(stack);
        self.shared.wake();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Waits until everything is acknowledged: in state LAST-ACK smoltcp 0.12 forgets to send bytes
    /// again that were lost.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stack = self.shared.lock();
        let socket = stack.tcp(self.handle);
        if socket.may_send() && socket.send_queue() > 0 {
            socket.register_send_waker(context.waker());
            return Poll::Pending;
        }
        socket.close();
        drop(stack);
        self.is_shut = true;
        self.shared.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for TunnelStream {
    fn drop(&mut self) {
        let mut stack = self.shared.lock();
        if !self.is_shut {
            stack.tcp(self.handle).abort();
        }
        stack.leave(self.handle);
        drop(stack);
        self.shared.wake();
    }
}
