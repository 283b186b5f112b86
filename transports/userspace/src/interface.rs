//! The interface, and the task that moves everything.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::interface::{
    Interface, InterfaceError, OpenUserspace, PacketBatch, Protocol, UserspaceSettings,
};
use pqfw_framework::world::World;
use smoltcp::config::IFACE_MAX_ADDR_COUNT;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::datagrams::TunnelPort;
use crate::stack::Stack;
use crate::stream::TunnelStream;
use crate::{tcp, udp};

/// The name of every such interface, for messages.
const NAME: &str = "userspace";

/// The stack, and how its users hear of each other.
pub(crate) struct Shared {
    stack: Mutex<Stack>,
    /// There is something to do.
    work: Notify,
    /// There are packets to go, or the interface is closed.
    packets: Condvar,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to do.
    pub(crate) fn wake(&self) {
        self.work.notify_one();
    }
}

/// Opens an interface with its sockets on this machine.
pub(crate) async fn open(
    settings: &UserspaceSettings,
    world: Arc<dyn World>,
) -> Result<OpenUserspace, InterfaceError> {
    let failed = |doing: String, reason: String| InterfaceError::Open {
        name: NAME.into(),
        doing,
        reason,
    };
    if settings.addresses.len() > IFACE_MAX_ADDR_COUNT {
        let reason = format!("at most {IFACE_MAX_ADDR_COUNT} of them");
        return Err(failed("its addresses".into(), reason));
    }
    let seed = world.rng().next_u64();
    let shared = Arc::new(Shared {
        stack: Mutex::new(Stack::new(settings, seed, world.now().since_start)),
        work: Notify::new(),
        packets: Condvar::new(),
    });
    let mut tasks = JoinSet::new();
    let mut listening = Vec::new();
    for forward in &settings.forwards {
        let (listen, to) = (forward.listen, forward.to);
        let doing = || format!("a forward at {listen}");
        let no = |error: io::Error| failed(doing(), error.to_string());
        match forward.protocol {
            Protocol::Tcp => {
                let listener = TcpListener::bind(listen).await.map_err(no)?;
                listening.push(listener.local_addr().map_err(no)?);
                tasks.spawn(tcp::forward(shared.clone(), listener, to));
            }
            Protocol::Udp => {
                let socket = UdpSocket::bind(listen).await.map_err(no)?;
                listening.push(socket.local_addr().map_err(no)?);
                tasks.spawn(udp::forward(shared.clone(), socket, to));
            }
        }
    }
    for expose in &settings.exposes {
        if expose.protocol == Protocol::Udp {
            let port = TunnelPort::bind(&shared, Some(expose.port));
            let taken = || failed(format!("port {}", expose.port), "it is not free".into());
            tasks.spawn(udp::expose(port.ok_or_else(taken)?, expose.to));
        }
    }
    let driver = tokio::spawn(drive(shared.clone(), world, tasks));
    let interface = Arc::new(InProcess {
        shared,
        driver: driver.abort_handle(),
    });
    Ok(OpenUserspace {
        interface,
        listening,
    })
}

/// Moves packets and bytes until the interface is closed. Its tasks end with it.
async fn drive(shared: Arc<Shared>, world: Arc<dyn World>, mut tasks: JoinSet<()>) {
    loop {
        let waits = turn(&shared, world.now().since_start, &mut tasks);
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            () = shared.work.notified() => {}
            () = sleep(waits.unwrap_or(NOTHING_TO_DO)) => {}
        }
    }
}

/// Does everything that there is to do, and says when there is more.
fn turn(shared: &Arc<Shared>, now: Duration, tasks: &mut JoinSet<()>) -> Option<Duration> {
    let mut stack = shared.lock();
    let waits = stack.turn(now);
    while let Some((handle, service)) = stack.unserved() {
        let far = TunnelStream::new(shared.clone(), handle);
        tasks.spawn(tcp::expose(far, service));
    }
    if !stack.queues.go.is_empty() {
        shared.packets.notify_all();
    }
    waits
}

const NOTHING_TO_DO: Duration = Duration::from_secs(3600);

/// An interface of this process.
struct InProcess {
    shared: Arc<Shared>,
    driver: AbortHandle,
}

impl Interface for InProcess {
    fn name(&self) -> &str {
        NAME
    }

    fn receive(&self, batch: &mut PacketBatch) -> Result<(), InterfaceError> {
        batch.clear();
        let mut stack = self.shared.lock();
        while stack.queues.go.is_empty() && !stack.is_closed {
            let waited = self.shared.packets.wait(stack);
            stack = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if stack.is_closed {
            return Err(InterfaceError::Closed);
        }
        let was_full = stack.queues.is_full();
        while let Some(packet) = stack.queues.go.front() {
            if !batch.push(packet) && !batch.is_empty() {
                break;
            }
            // One that no batch has room for would be in the way for ever.
            stack.queues.go.pop_front();
        }
        drop(stack);
        if was_full {
            self.shared.wake();
        }
        Ok(())
    }

    fn send(&self, batch: &mut PacketBatch) -> Result<usize, InterfaceError> {
        let mut stack = self.shared.lock();
        if stack.is_closed {
            return Err(InterfaceError::Closed);
        }
        let taken = batch.packets().filter(|packet| stack.take(packet)).count();
        drop(stack);
        batch.clear();
        self.shared.wake();
        Ok(taken)
    }

    fn close(&self) {
        self.driver.abort();
        self.shared.lock().is_closed = true;
        self.shared.packets.notify_all();
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.close();
    }
}
