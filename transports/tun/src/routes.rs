//! Sets routes by netlink, and takes back those that would stay.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use pqfw_framework::interface::{InterfaceError, InterfaceSettings, IpRange};
use route_manager::{Route, RouteManager};

use crate::left::{Beside, Left};
use crate::plan::through;

/// The routes of an open interface; dropped, those beside it are taken back. Those through it go
/// with the device.
pub(crate) struct Routes {
    beside: Vec<Beside>,
    left: Left,
}

impl Routes {
    /// Takes back what a killed process has left behind, and sets what is wanted.
    pub(crate) fn set(
        settings: &InterfaceSettings,
        index: u32,
        directory: &Path,
    ) -> Result<Self, InterfaceError> {
        let left = Left::of(directory, &settings.name);
        let at = |doing: &str| {
            let (name, doing) = (settings.name.clone(), doing.to_owned());
            move |error| failed(&name, &doing, &error)
        };
        let mut manager = RouteManager::new().map_err(at("asking for routes"))?;
        for old in left.read().map_err(at("reading what was left behind"))? {
            // It may be gone with its interface.
            let _ = manager.delete(&old.route());
        }
        left.remove()
            .map_err(at("forgetting what was left behind"))?;
        let mut routes = Self {
            beside: Vec::new(),
            left,
        };
        if settings.full_tunnel {
            routes.lead_around(&mut manager, settings)?;
        }
        for range in through(settings) {
            let route = Route::new(range.address(), range.length()).with_if_index(index);
            add(&mut manager, &route).map_err(at(&format!("setting the route to {range}")))?;
        }
        Ok(routes)
    }

    /// Routes to the other ends that stay what they are when everything else changes.
    fn lead_around(
        &mut self,
        manager: &mut RouteManager,
        settings: &InterfaceSettings,
    ) -> Result<(), InterfaceError> {
        let name = settings.name.as_str();
        for to in settings.outside.iter().copied() {
            if to.is_loopback() {
                continue;
            }
            let found = manager.find_route(&to);
            let found = found.map_err(|error| failed(name, "asking for a route", &error))?;
            let way = found.and_then(|route| Some((route.gateway(), route.if_index()?)));
            let (gateway, index) = way.ok_or(InterfaceError::NoWayOut(to))?;
            let beside = Beside { to, gateway, index };
            let known = [&self.beside[..], &[beside]].concat();
            let written = self.left.write(&known);
            written.map_err(|error| failed(name, "writing down a route", &error))?;
            // What was there before is not taken back later.
            let ours = add(manager, &beside.route());
            let doing = format!("setting the route to {to}");
            if ours.map_err(|error| failed(name, &doing, &error))? {
                self.beside = known;
            }
        }
        Ok(())
    }
}

impl Drop for Routes {
    fn drop(&mut self) {
        let Ok(mut manager) = RouteManager::new() else {
            return;
        };
        let mut all_gone = true;
        for beside in &self.beside {
            let gone = manager.delete(&beside.route());
            all_gone &= gone.is_ok_and(|()| true);
        }
        if all_gone {
            // If it stays, the next one finds routes that are no more.
            let _ = self.left.remove();
        }
    }
}

impl Beside {
    fn route(&self) -> Route {
        let host = IpRange::host(self.to);
        let route = Route::new(host.address(), host.length()).with_if_index(self.index);
        match self.gateway {
            Some(gateway) => route.with_gateway(gateway),
            None => route,
        }
    }
}

/// Sets a route; `false` when it was there.
fn add(manager: &mut RouteManager, route: &Route) -> io::Result<bool> {
    match manager.add(route) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// What went wrong, and whether a privilege is missing.
pub(crate) fn failed(name: &str, doing: &str, error: &io::Error) -> InterfaceError {
    let reason = error.to_string();
    match error.kind() {
        io::ErrorKind::PermissionDenied => InterfaceError::Privilege {
            doing: format!("interface {name}: {doing}"),
            reason,
        },
        _ => InterfaceError::Open {
            name: name.into(),
            doing: doing.into(),
            reason,
        },
    }
}

/// The IPv4 address of a device, and those of IPv6: a device has at most one of the former.
pub(crate) fn addresses(settings: &InterfaceSettings) -> (Vec<&IpRange>, Vec<&IpRange>) {
    let is_v4 = |range: &&IpRange| matches!(range.address(), IpAddr::V4(_));
    settings.addresses.iter().partition(is_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_privilege_says_what_to_do() {
        let missing = failed("t0", "opening it", &io::ErrorKind::PermissionDenied.into());
        assert!(matches!(missing, InterfaceError::Privilege { .. }));
        assert!(missing.to_string().contains("setcap cap_net_admin+ep"));
        let other = failed("t0", "opening it", &io::ErrorKind::NotFound.into());
        assert!(matches!(other, InterfaceError::Open { .. }), "{other}");
    }
}
