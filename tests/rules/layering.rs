//! Arrows point to the framework: what each room may depend on.

use crate::workspace::Member;

/// Ours, that rooms other than the framework may depend on.
const SHARED: [&str; 2] = ["pqfw-framework", "pqfw-session"];

/// What transports share among themselves: desks and limits, and the one TLS.
const SHARED_BY_TRANSPORTS: [&str; 4] =
    ["pqfw-framework", "pqfw-session", "pqfw-runtime", "pqfw-tls"];

/// Crates with sockets, files, clocks or the operating system's generator in them.
const OUTSIDE_WORLD: [&str; 32] = [
    "async-std",
    "chrono",
    "dirs",
    "fastrand",
    "futures-timer",
    "getrandom",
    "home",
    "http-body-util",
    "hyper",
    "hyper-util",
    "libc",
    "memmap2",
    "mio",
    "nix",
    "notify",
    "quinn",
    "rand",
    "reqwest",
    "route_manager",
    "rusqlite",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tracing-subscriber",
    "tun-rs",
    "ureq",
    "web-time",
    "windows-sys",
];

/// Crates that bind cryptography written in C, by name or beginning of a name.
const C_CRYPTOGRAPHY: [&str; 10] = [
    "aws-lc",
    "blst",
    "boring",
    "botan",
    "libcrux-sys",
    "libsodium",
    "openssl",
    "oqs",
    "pqcrypto",
    "ring",
];

/// The rooms that may bind it.
const C_ROOMS: [&str; 4] = [
    "algorithms/aws-lc",
    "algorithms/openssl",
    "algorithms/oqs",
    "algorithms/pqclean",
];

/// The one crate that an example may need besides: the code that its algorithm is around.
const WRAPPED_BY_EXAMPLES: [(&str, &str); 1] = [("tests/example-plugin/sntrup761", "sntrup761")];

/// What a member depends on and may not. `ours` tells our crates from others'.
fn breaches(member: &Member, ours: &[&str]) -> Vec<String> {
    let room = member.path.split('/').next().unwrap_or_default();
    let example = member.path.starts_with("tests/example-plugin");
    if room == "cli" || (room == "tests" && !example) {
        return Vec::new();
    }
    let allowed_of_ours: &[&str] = match (room, member.path.as_str()) {
        ("framework", "framework") => &[],
        ("framework", _) => &SHARED[..1],
        _ if example => &SHARED[..1],
        ("transports", "transports/runtime") => &SHARED,
        ("transports", "transports/tls") => &SHARED_BY_TRANSPORTS[..3],
        ("transports", _) => &SHARED_BY_TRANSPORTS,
        _ => &SHARED,
    };
    let pure = room != "transports";
    let may_bind_c = C_ROOMS.contains(&member.path.as_str());
    let mut found = Vec::new();
    for dependency in member.dependencies() {
        let name = dependency.as_str();
        let mut breach = |why: &str| found.push(format!("{}: {name}: {why}", member.path));
        if ours.contains(&name) && !allowed_of_ours.contains(&name) {
            breach("arrows point to the framework; siblings never import each other");
        }
        let wrapped = WRAPPED_BY_EXAMPLES.contains(&(member.path.as_str(), name));
        if example && !ours.contains(&name) && !wrapped {
            breach("the example shows that the framework alone is enough");
        }
        if pure && OUTSIDE_WORLD.contains(&name) {
            breach("only transports and cli touch the outside world");
        }
        let binds_c = C_CRYPTOGRAPHY.iter().any(|c| {
            name == *c
                || name
                    .strip_prefix(c)
                    .is_some_and(|rest| rest.starts_with('-'))
        });
        if binds_c && !may_bind_c {
            breach("cryptography in C has rooms of its own");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::members;

    #[test]
    fn arrows_point_to_the_framework() {
        let members = members();
        let ours: Vec<_> = members.iter().map(Member::name).collect();
        let found: Vec<_> = members
            .iter()
            .flat_map(|member| breaches(member, &ours))
            .collect();
        assert_none("layering", &found);
    }

    fn planted(path: &str, dependency: &str) -> usize {
        let manifest = format!("[package]\nname = 'm'\n[dependencies]\n{dependency} = '1'");
        let ours = [
            "pqfw-framework",
            "pqfw-session",
            "pqfw-hash",
            "pqfw-qu3",
            "pqfw-runtime",
            "pqfw-tls",
            "pqfw",
        ];
        breaches(&Member::of(path, &manifest), &ours).len()
    }

    #[test]
    fn the_rule_fires_on_siblings_and_on_the_cli() {
        for path in [
            "algorithms/ml-kem",
            "transports/http",
            "profiles/qu3",
            "framework",
        ] {
            assert_eq!(planted(path, "pqfw-hash"), 1, "{path}");
            assert_eq!(planted(path, "pqfw"), 1, "{path}");
        }
        assert_eq!(planted("framework", "pqfw-framework"), 1);
        assert_eq!(planted("framework/session", "pqfw-session"), 1);
        assert_eq!(planted("profiles/qu3", "pqfw-session"), 0);
        assert_eq!(planted("profiles/qu3", "pqfw-runtime"), 1);
        assert_eq!(planted("transports/http", "pqfw-runtime"), 0);
        assert_eq!(planted("transports/http", "pqfw-tls"), 0);
        assert_eq!(planted("transports/runtime", "pqfw-tls"), 1);
        assert_eq!(planted("cli", "pqfw-hash"), 0);
    }

    #[test]
    fn the_rule_fires_on_the_outside_world() {
        for path in ["framework", "profiles/qu3", "algorithms/ml-kem"] {
            for dependency in ["tokio", "hyper", "rusqlite", "getrandom"] {
                assert_eq!(planted(path, dependency), 1, "{path}: {dependency}");
            }
        }
        assert_eq!(planted("transports/http", "tokio"), 0);
    }

    #[test]
    fn the_rule_fires_on_c_outside_its_rooms() {
        for dependency in ["aws-lc-rs", "pqcrypto-sphincsplus", "openssl", "oqs-sys"] {
            assert_eq!(planted("algorithms/ml-kem", dependency), 1, "{dependency}");
            assert_eq!(planted("algorithms/aws-lc", dependency), 0, "{dependency}");
        }
        assert_eq!(planted("algorithms/ml-kem", "ringbuffer"), 0);
    }

    #[test]
    fn the_rule_fires_on_any_other_dependency_of_the_example() {
        assert_eq!(planted("tests/example-plugin", "sha2"), 1);
        assert_eq!(planted("tests/example-plugin", "pqfw-framework"), 0);
        assert_eq!(planted("tests/example-plugin", "sntrup761"), 1);
        assert_eq!(planted("tests/example-plugin/sntrup761", "sntrup761"), 0);
        assert_eq!(planted("tests/example-plugin/pigeon", "pqfw-session"), 1);
    }
}
