//! Who may open a channel: devices that are enrolled, and, while there is a token, strangers, who
//! then can do nothing but enrol.
//!
//! Devices are found by their fingerprints. The index follows the audit, so that a device that
//! another process enrols or rotates is found, too; whether it is revoked is read from the store at
//! each request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event as Told, Report};
use pqfw_framework::world::Now;
use pqfw_session::{PeerCheck, PeerRefused};

use crate::error::{NO_DEVICE, REVOKED, Refusal};
use crate::service::{Service, locked};
use crate::state::{Device, DeviceId, Event, PublicKey};

/// The devices of a server, by their fingerprints.
pub struct Devices {
    service: Arc<Service>,
    suites: Vec<Suite>,
    report: Arc<dyn Report>,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    /// How many entries of the audit it has seen.
    entries: u64,
    found: BTreeMap<Fingerprint, DeviceId>,
}

/// How many entries of the audit are read at once.
const PAGE: usize = 256;

impl Devices {
    /// Makes the index of the devices there are.
    #[must_use]
    pub fn new(service: Arc<Service>, suites: Vec<Suite>, report: Arc<dyn Report>) -> Self {
        Self {
            service,
            suites,
            report,
            index: Mutex::default(),
        }
    }

    /// The suite whose signature algorithm has that id.
    pub(crate) fn suite_of(&self, signature: &str) -> Option<&Suite> {
        let mut suites = self.suites.iter();
        suites.find(|suite| suite.signature.info().id == signature)
    }

    /// The suite whose KEM has that id.
    pub(crate) fn suite_with_kem(&self, kem: &str) -> Option<&Suite> {
        self.suites.iter().find(|suite| suite.kem.info().id == kem)
    }

    /// The name of a key in the channel; `None` for one of no suite.
    pub(crate) fn fingerprint(&self, key: &PublicKey) -> Option<Fingerprint> {
        let suite = self.suite_of(&key.algorithm)?;
        Fingerprint::of(&suite.digest, suite.signature.info(), &key.key).ok()
    }

    /// The device that has this key, as it is now; `None` for a stranger.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for a revoked one; [`Refusal::Unavailable`].
    pub fn find(&self, peer: &Fingerprint) -> Result<Option<(DeviceId, Device)>, Refusal> {
        let id = {
            let mut index = locked(&self.index);
            self.follow(&mut index)?;
            index.found.get(peer).cloned()
        };
        let Some(id) = id else { return Ok(None) };
        let device = self.service.state().device(&id)?;
        // An earlier key of the device is a stranger's.
        let device = device.filter(|d| self.fingerprint(&d.signature).as_ref() == Some(peer));
        match device {
            Some(device) if device.revoked.is_some() => Err(Refusal::Forbidden(REVOKED)),
            other => Ok(other.map(|device| (id, device))),
        }
    }

    fn follow(&self, index: &mut Index) -> Result<(), Refusal> {
        let state = self.service.state();
        let entries = state.head()?.entries;
        if index.entries == 0 {
            for (id, device) in state.devices()? {
                self.insert(index, id, &device);
            }
            index.entries = entries;
        }
        while index.entries < entries {
            let page = state.audit_from(index.entries, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            let next = last + 1;
            for (_, entry) in page {
                if let Event::DeviceEnrolled { device, .. } | Event::KeysRotated { device, .. } =
                    entry.event
                    && let Some(now) = state.device(&device)?
                {
                    // An earlier key of it is nobody's.
                    index.found.retain(|_, id| *id != device);
                    self.insert(index, device, &now);
                }
            }
            index.entries = next;
        }
        Ok(())
    }

    fn insert(&self, index: &mut Index, id: DeviceId, device: &Device) {
        if let Some(fingerprint) = self.fingerprint(&device.signature) {
            index.found.insert(fingerprint, id);
        }
    }

    fn may_enter(&self, peer: &Fingerprint) -> Result<(), Refusal> {
        if self.find(peer)?.is_some() || self.service.state().head()?.tokens > 0 {
            return Ok(());
        }
        Err(Refusal::Forbidden(NO_DEVICE))
    }
}

impl PeerCheck for Devices {
    fn check(&self, _: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        self.may_enter(peer).map_err(|refusal| {
            if let Refusal::Unavailable(_) | Refusal::Internal(_) = refusal {
                self.report.event(&Told::Warning(refusal.for_the_log()));
            }
            PeerRefused {
                peer: peer.clone(),
                reason: refusal.to_string(),
            }
        })
    }
}
