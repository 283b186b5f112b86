//! One port of UDP in the tunnel.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use smoltcp::iface::SocketHandle;
use smoltcp::wire::IpEndpoint;

use crate::interface::Shared;

/// A port.
pub(crate) struct TunnelPort {
    shared: Arc<Shared>,
    handle: SocketHandle,
}

impl TunnelPort {
    /// Opens the port given, or one that is free.
    pub(crate) fn bind(shared: &Arc<Shared>, port: Option<u16>) -> Option<Self> {
        let handle = shared.lock().bind(port)?;
        let shared = shared.clone();
        Some(Self { shared, handle })
    }

    /// Sends a datagram, which may be lost.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr) {
        // One that does not fit into the buffer is lost, as on the way.
        let _ = self
            .shared
            .lock()
            .udp(self.handle)
            .send_slice(bytes, IpEndpoint::from(to));
        self.shared.wake();
    }

    /// Waits for a datagram.
    pub(crate) async fn receive(&self) -> (Vec<u8>, SocketAddr) {
        poll_fn(|context| {
            let mut stack = self.shared.lock();
            let socket = stack.udp(self.handle);
            if let Ok((bytes, about)) = socket.recv() {
                let from = SocketAddr::new(about.endpoint.addr.into(), about.endpoint.port);
                return Poll::Ready((bytes.to_vec(), from));
            }
            socket.register_recv_waker(context.waker());
            Poll::Pending
        })
        .await
    }
}

impl Drop for TunnelPort {
    fn drop(&mut self) {
        self.shared.lock().unbind(self.handle);
    }
}
