//! Connections between the tunnel and this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::interface::Shared;
use crate::stream::TunnelStream;
use crate::{MOST_CONNECTIONS, OPENING};

/// Carries every connection of a local socket to an address in the tunnel. Never ends.
pub(crate) async fn forward(shared: Arc<Shared>, listener: TcpListener, to: SocketAddr) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut carried = JoinSet::new();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((mut near, _)) = listener.accept().await else {
            // No file descriptor is left: that does not pass at once.
            sleep(KNOCK_AGAIN).await;
            continue;
        };
        let shared = shared.clone();
        carried.spawn(async move {
            let _place = place;
            let _ = near.set_nodelay(true);
            // How a connection ended, both programs know.
            if let Ok(mut far) = TunnelStream::connect(&shared, to).await {
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        });
        while carried.try_join_next().is_some() {}
    }
}

const KNOCK_AGAIN: Duration = Duration::from_millis(50);

/// Carries a connection of the tunnel to a service of this machine.
pub(crate) async fn expose(mut far: TunnelStream, service: SocketAddr) {
    if far.made().await.is_err() {
        return;
    }
    if let Ok(Ok(mut near)) = timeout(OPENING, TcpStream::connect(service)).await {
        let _ = near.set_nodelay(true);
        let _ = copy_bidirectional(&mut far, &mut near).await;
    }
}
