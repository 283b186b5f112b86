//! Time and randomness are arguments: the clock, the generator, files and sockets are each touched
//! in the places listed here and nowhere else.

use crate::tokens::paths;
use crate::workspace::Source;

/// A path, and the beginnings of the file names where it may stand.
const DOORS: [(&str, &[&str]); 21] = [
    ("SystemTime::now", CLOCK),
    ("Instant::now", CLOCK),
    ("UtcDateTime::now", CLOCK),
    ("OffsetDateTime::now_utc", CLOCK),
    ("getrandom", GENERATOR),
    ("OsRng", GENERATOR),
    ("SysRng", GENERATOR),
    ("std::fs", FILES),
    ("tokio::fs", FILES),
    ("File::open", FILES),
    ("File::create", FILES),
    ("std::net", SOCKETS),
    ("tokio::net", SOCKETS),
    ("TcpStream", SOCKETS),
    ("TcpListener", SOCKETS),
    ("UdpSocket", SOCKETS),
    ("std::os::unix::net", SOCKETS),
    ("process::Command", SURROUNDINGS),
    ("env::var", SURROUNDINGS),
    ("env::vars", SURROUNDINGS),
    ("thread::sleep", WAITING),
];

const CLOCK: &[&str] = &["transports/runtime/src/world.rs"];
const GENERATOR: &[&str] = &["transports/runtime/src/world.rs"];
const FILES: &[&str] = &[
    "transports/control/",
    "transports/runtime/",
    "transports/store/",
    "transports/tun/src/left.rs",
    "transports/tun/src/namespaces/",
    "cli/",
];
const SOCKETS: &[&str] = &[
    "transports/control/",
    "transports/http/",
    "transports/quic/",
    "transports/runtime/src/resolve.rs",
    "transports/tcp/",
    "transports/tun/src/namespaces/",
    "transports/udp/",
    "transports/userspace/",
];
const SURROUNDINGS: &[&str] = &[
    "transports/process/",
    "transports/runtime/",
    "transports/tun/src/namespaces/",
    "cli/",
];
/// SQLite does not wait for a journal whose mode is changing, so the store does.
const WAITING: &[&str] = &["transports/store/src/sqlite.rs"];

/// Address types name a place and reach nothing; our own trait names a command.
const HARMLESS: [&str; 6] = [
    "pqfw_framework::process",
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::net::ToSocketAddrs",
];

/// The doors to the outside that `source` opens and may not.
fn opened(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths(source.live()) {
        if HARMLESS.iter().any(|harmless| path.contains(harmless)) {
            continue;
        }
        let closed = |(door, places): &&(&str, &[&str])| {
            path.contains(door) && !places.iter().any(|place| source.path.starts_with(place))
        };
        found.extend(
            DOORS
                .iter()
                .find(closed)
                .map(|_| format!("{}: {}", source.at(path.line), path.text())),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::sources;

    #[test]
    fn the_outside_world_is_touched_in_its_own_files_alone() {
        let rooms = [
            "framework/",
            "algorithms/",
            "profiles/",
            "transports/",
            "cli/",
        ];
        let sources = sources();
        let sources = sources
            .iter()
            .filter(|s| rooms.iter().any(|room| s.path.starts_with(room)));
        let found: Vec<_> = sources.flat_map(opened).collect();
        assert_none("time, randomness, files and sockets are arguments", &found);
    }

    fn planted(path: &str, code: &str) -> usize {
        opened(&Source::of(path, code)).len()
    }

    #[test]
    fn the_rule_fires_on_each_door() {
        let bad = [
            "fn f() { std::time::SystemTime::now(); }",
            "use std::time::Instant; fn f() { debug!(Instant::now()) }",
            "fn f(b: &mut [u8]) { getrandom::fill(b); }",
            "use std::{fs, io};",
            "fn f() { std::fs::read(p); }",
            "use std::net::TcpStream;",
            "use tokio::net::{TcpListener, TcpStream as T};",
        ];
        for code in bad {
            assert!(planted("profiles/x/src/lib.rs", code) > 0, "{code}");
            assert!(planted("transports/memory/src/lib.rs", code) > 0, "{code}");
        }
        assert_eq!(planted("transports/runtime/src/driver.rs", bad[0]), 1);
        assert_eq!(planted("transports/runtime/src/world.rs", bad[0]), 0);
        assert_eq!(planted("transports/http/src/server.rs", bad[6]), 0);
        assert_eq!(planted("transports/http/src/server.rs", bad[4]), 1);
    }

    #[test]
    fn addresses_documentation_and_tests_are_free() {
        let code = "//! Instant::now\nuse std::net::{IpAddr, SocketAddr};\n\
                    #[cfg(test)]\nmod tests { fn f() { std::fs::read(p); } }";
        assert_eq!(planted("framework/src/lib.rs", code), 0);
    }
}
