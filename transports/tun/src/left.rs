//! The routes that a killed process leaves behind: written down before they are set, removed by
//! whoever opens the interface of that name next.
//!
//! One line a route: `ADDRESS GATEWAY INDEX`, with `-` for no gateway.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A route beside the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    pub(crate) to: IpAddr,
    pub(crate) gateway: Option<IpAddr>,
    pub(crate) index: u32,
}

/// The file of one interface.
pub(crate) struct Left(PathBuf);

impl Left {
    pub(crate) fn of(directory: &Path, interface: &str) -> Self {
        Self(directory.join(interface))
    }

    /// What is written there; nothing where there is no file.
    pub(crate) fn read(&self) -> io::Result<Vec<Beside>> {
        let text = match std::fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        text.lines().map(parse).collect()
    }

    /// Writes down what is about to be set.
    pub(crate) fn write(&self, routes: &[Beside]) -> io::Result<()> {
        if let Some(directory) = self.0.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut text = String::new();
        for Beside { to, gateway, index } in routes {
            let gateway = gateway.map_or("-".into(), |gateway| gateway.to_string());
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{to} {gateway} {index}");
        }
        std::fs::write(&self.0, text)
    }

    /// Nothing is left behind any more.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

fn parse(line: &str) -> io::Result<Beside> {
    let parts: Vec<_> = line.split(' ').collect();
    let read = match parts.as_slice() {
        [to, gateway, index] => (|| {
            let gateway = match *gateway {
                "-" => None,
                gateway => Some(gateway.parse().ok()?),
            };
            let (to, index) = (to.parse().ok()?, index.parse().ok()?);
            Some(Beside { to, gateway, index })
        })(),
        _ => None,
    };
    read.ok_or_else(|| io::Error::other(format!("`{}` is no route", line.escape_debug())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(to: &str, gateway: Option<&str>, index: u32) -> Beside {
        Beside {
            to: to.parse().unwrap(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            index,
        }
    }

    #[test]
    fn what_was_written_down_is_read_by_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let left = Left::of(&directory.path().join("routes"), "t0");
        assert_eq!(left.read().unwrap(), []);
        let routes = [
            beside("192.0.2.1", Some("10.0.0.1"), 2),
            beside("2001:db8::1", None, 3),
        ];
        left.write(&routes).unwrap();
        let again = Left::of(&directory.path().join("routes"), "t0");
        assert_eq!(again.read().unwrap(), routes);
        again.remove().unwrap();
        again.remove().unwrap();
        assert_eq!(left.read().unwrap(), []);
    }

    #[test]
    fn what_is_no_route_is_said() {
        for bad in [
            "",
            "192.0.2.1",
            "192.0.2.1 - x",
            "hub - 1",
            "192.0.2.1 hub 1",
            "1.2.3.4 - 1 2",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
