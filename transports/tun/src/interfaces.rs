//! Opens TUN devices.

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::interface::{Interface, InterfaceError, InterfaceSettings, Interfaces};

/// The TUN devices of this machine.
pub struct TunInterfaces {
    /// Where routes are written down that a killed process would leave behind.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are none"))]
    left: PathBuf,
}

impl TunInterfaces {
    /// Interfaces whose routes are written down in a directory, which is made when it is needed.
    #[must_use]
    pub fn new(left: impl Into<PathBuf>) -> Self {
        Self { left: left.into() }
    }
}

impl Interfaces for TunInterfaces {
    #[cfg(target_os = "linux")]
    fn open(&self, settings: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError> {
        let device = crate::device::TunDevice::open(settings, &self.left)?;
        Ok(Arc::new(device))
    }

    #[cfg(not(target_os = "linux"))]
    fn open(&self, _: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError> {
        Err(InterfaceError::None("this build opens them on Linux alone"))
    }

    fn give_up_privileges(&self) -> Result<(), InterfaceError> {
        crate::privilege::keep_net_admin()
    }
}
