//! One TUN device.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use pqfw_framework::interface::{
    HEADROOM, Interface, InterfaceError, InterfaceSettings, PacketBatch,
};
use tun_rs::{DeviceBuilder, GROTable, InterruptEvent, SyncDevice, VIRTIO_NET_HDR_LEN};

use crate::routes::{Routes, addresses, failed};

/// What the kernel hands over at once: a super-packet of 64 KiB and the head that describes it.
const MOST_READ: usize = VIRTIO_NET_HDR_LEN + 65_535;

/// An open TUN device.
pub(crate) struct TunDevice {
    name: String,
    device: SyncDevice,
    closed: InterruptEvent,
    /// What the reader reads into, and where the writer puts packets of one flow together. Each has
    /// one thread that holds it; a second one waits.
    reading: Mutex<Vec<u8>>,
    writing: Mutex<GROTable>,
    /// Taken back before the device is gone.
    _routes: Routes,
}

impl TunDevice {
    pub(crate) fn open(settings: &InterfaceSettings, left: &Path) -> Result<Self, InterfaceError> {
        let name = settings.name.as_str();
        let at = |doing: &'static str| move |error| failed(name, doing, &error);
        let (v4, v6) = addresses(settings);
        let mut builder = DeviceBuilder::new().name(name).mtu(settings.mtu);
        builder = builder.with(|linux| {
            linux.offload(true);
        });
        for range in v4 {
            if let IpAddr::V4(address) = range.address() {
                builder = builder.ipv4(address, range.length(), None);
            }
        }
        for range in v6 {
            if let IpAddr::V6(address) = range.address() {
                builder = builder.ipv6(address, range.length());
            }
        }
        let device = builder.build_sync().map_err(at("opening /dev/net/tun"))?;
        device.set_nonblocking(true).map_err(at("preparing it"))?;
        let index = device.if_index().map_err(at("asking for its number"))?;
        Ok(Self {
            closed: InterruptEvent::new().map_err(at("preparing it"))?,
            _routes: Routes::set(settings, index, left)?,
            name: name.to_owned(),
            device,
            reading: Mutex::new(vec![0; MOST_READ]),
            writing: Mutex::default(),
        })
    }

    fn broken(&self, error: &io::Error) -> InterfaceError {
        InterfaceError::Broken {
            name: self.name.clone(),
            reason: error.to_string(),
        }
    }
}

impl Interface for TunDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn receive(&self, batch: &mut PacketBatch) -> Result<(), InterfaceError> {
        batch.clear();
        // Nothing under the lock panics on what the kernel gives.
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (buffers, lengths) = batch.buffers_mut();
        let filled = loop {
            if self.closed.is_trigger() {
                return Err(InterfaceError::Closed);
            }
            // The device is asked first, and waited for when it has nothing.
            let received = self
                .device
                .recv_multiple(&mut reading, buffers, lengths, HEADROOM);
            let waited = match received {
                Ok(filled) => break filled,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.device.wait_readable_intr(&self.closed)
                }
                Err(error) => Err(error),
            };
            match waited {
                // A signal, or the end: the loop looks.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error().is_some() => return Err(self.broken(&error)),
                // A super-packet that cannot be cut is lost.
                Ok(()) | Err(_) => {}
            }
        };
        batch.set_len(filled);
        Ok(())
    }

    fn send(&self, batch: &mut PacketBatch) -> Result<usize, InterfaceError> {
        let count = batch.len();
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = batch.give(|buffers| self.device.send_multiple(&mut writing, buffers, HEADROOM));
        match sent {
            Ok(_) => Ok(count),
            Err(_) if self.closed.is_trigger() => Err(InterfaceError::Closed),
            // The kernel takes no packet that is malformed, and none while the device is down.
            Err(_) => Ok(0),
        }
    }

    fn close(&self) {
        // A device whose pipe is broken has no readers.
        let _ = self.closed.trigger();
    }
}
