//! The operator's doors of a node: control socket, loopback port, metrics; and reloads.

use std::sync::Arc;

use pqfw_framework::control::{self, Door};
use pqfw_framework::system::{Event, Failure, Host, RunError};
use pqfw_framework::transport::{ExchangeService, Listener};

use crate::config::Settings;
use crate::known::KnownPeers;
use crate::operator::{Desk, Numbers};

/// Open doors; dropped, they are closed.
pub(super) type Doors = Vec<Box<dyn Listener>>;

/// Opens what the profile wants, and says where.
pub(super) async fn open(
    settings: &Settings,
    host: &Host,
    desk: Desk,
    numbers: Numbers,
) -> Result<Doors, RunError> {
    let mut doors = Doors::new();
    let desk: Arc<dyn ExchangeService> = Arc::new(desk);
    let (control, world) = (&host.outside.control, &host.world);
    if !settings.control.socket.is_empty() {
        let path = settings.control.socket.clone();
        let door = control.open(Door::Socket { path }, desk.clone(), world.clone());
        doors.push(told("control", door.await?, host));
    }
    if let Some(listen) = settings.control.listen {
        let file = &settings.control.token_file;
        let token = control::token(&*host.keys, file, &mut *world.rng());
        let token = token.map_err(|error| RunError::new(Failure::Operation, error))?;
        let door = Door::Loopback {
            listen: listen.to_string(),
            token: Arc::new(token),
        };
        let door = control.open(door, desk, world.clone());
        doors.push(told("rest", door.await?, host));
    }
    if let Some(listen) = settings.metrics {
        if !listen.ip().is_loopback() {
            let text = format!("metrics at {listen} are shown to whoever reaches that address");
            host.report.event(&Event::Warning(text));
        }
        let listen = listen.to_string();
        let door = control.open_metrics(listen, Arc::new(numbers), world.clone());
        doors.push(told("metrics", door.await?, host));
    }
    Ok(doors)
}

fn told(door: &str, listener: Box<dyn Listener>, host: &Host) -> Box<dyn Listener> {
    host.report.event(&Event::Opened {
        door: door.to_owned(),
        url: listener.url().to_owned(),
    });
    listener
}

/// Follows the profile when the operator has it read again. Never ends.
pub(super) async fn reload(settings: Settings, host: Host, known: Arc<KnownPeers>) {
    loop {
        let read = host.outside.reloads.next().await;
        let read = read.and_then(|profile| {
            let read = Settings::read(&profile);
            read.map_err(|error| error.to_string())
        });
        let outcome = read.and_then(|new| {
            let known = known.reload(new.trust_terms());
            known
                .map(|known| (new, known))
                .map_err(|error| error.to_string())
        });
        host.report.event(&match outcome {
            Ok((new, known)) => {
                for (key, _) in changed(&settings, &new) {
                    let text = format!("{key} has changed, and takes a restart");
                    host.report.event(&Event::Warning(text));
                }
                Event::Info(format!(
                    "reloaded: whom it trusts, {known} peers known, and the log level"
                ))
            }
            Err(why) => Event::Warning(format!("not reloaded, everything is as before: {why}")),
        });
    }
}

/// What is other than it was and cannot change while a node runs.
fn changed(old: &Settings, new: &Settings) -> Vec<(&'static str, String)> {
    let pairs = fixed(old).into_iter().zip(fixed(new));
    let others = pairs.filter(|(old, new)| old != new);
    others.map(|(_, new)| new).collect()
}

fn fixed(settings: &Settings) -> Vec<(&'static str, String)> {
    let s = settings;
    vec![
        ("transport.listen", s.listen.clone()),
        ("peer.nickname", s.nickname.clone()),
        ("keys", format!("{:?}", s.keys)),
        ("bootstrap.peers", format!("{:?}", s.bootstrap)),
        ("interface", format!("{:?} {:?}", s.mode, s.interface)),
        ("peer_routes", format!("{:?}", s.ranges)),
        ("forward", format!("{:?}", s.forwards)),
        ("expose", format!("{:?}", s.exposes)),
        (
            "security.handshake_per_minute_per_ip",
            s.handshakes_per_minute.to_string(),
        ),
        ("network.max_concurrent_datagrams", s.most_jobs.to_string()),
        (
            "network.udp_recv_buffer_size",
            format!("{:?}", s.receive_buffer_bytes),
        ),
        ("rekey", format!("{:?} {:?}", s.rekey_after, s.rekey_grace)),
        ("traffic_obfuscation", format!("{:?}", s.buckets)),
        ("control", format!("{:?}", s.control)),
        ("metrics", format!("{:?}", s.metrics)),
    ]
}
