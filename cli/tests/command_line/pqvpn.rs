//! `pqfw run --profile pqvpn`: the scenario over real transports, and what a profile may not say.

use crate::support::pqfw;

/// The suite for speed.
const FAST: [&str; 2] = [
    "--set=suite.kem=X25519+ML-KEM-768",
    "--set=suite.signature=Ed25519+ML-DSA-65",
];

const STEPS: [&str; 4] = [
    "everything came as it was sent",
    "not one packet lost",
    "refused: another peer answered",
    "the second has heard it",
];

fn plays(args: &[&str], expected: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let run = ["run", "--profile", "pqvpn.toml"];
    let ran = pqfw(directory.path(), &[&run[..], args].concat())
        .run()
        .ok();
    for part in expected {
        let stdout = &ran.stdout;
        assert!(stdout.contains(part), "`{part}` is not in: {stdout}");
    }
}

#[test]
fn the_scenario_of_the_shipped_profile_refuses_every_attack() {
    plays(&[], &STEPS);
    let refused = [
        "refused: the frame does not open",
        "refused: the payload of S1 does not open",
        "refused: the peer is not trusted: it is not known",
    ];
    plays(&FAST, &refused);
}

#[test]
fn one_line_takes_another_transport() {
    for kind in ["quic", "tcp", "memory"] {
        let transport = format!("--set=transport.kind={kind}");
        plays(&[&FAST[..], &[&transport]].concat(), &STEPS);
    }
}

#[test]
fn the_profile_changes_the_scenario() {
    let tofu = [&FAST[..], &["--set=security.tofu=true"]].concat();
    plays(&tofu, &["accepted on first use"]);
    let padded = "--set=traffic_obfuscation.enabled=true";
    let small = "--set=network.max_concurrent_datagrams=1";
    let named = "--set=peer.nickname=hub-1";
    let more = [&FAST[..], &[padded, small, named]].concat();
    plays(&more, &["hub-1 calls its peer"]);
}

#[test]
fn what_is_less_than_hybrid_or_does_not_exist_yet_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], code: i32, says: &str| {
        let run = ["run", "--profile=pqvpn"];
        pqfw(directory.path(), &[&run[..], args].concat())
            .run()
            .fails(code, says);
    };
    refused(&["--set=suite.kem=ML-KEM-1024"], 4, "no classical part");
    refused(&["--set=suite.signature=ML-DSA-87"], 4, "no classical part");
    refused(&["--set=policy=modern"], 2, "require_hybrid_handshake");
    refused(&["--set=relay.enabled=true"], 2, "no circuits");
    refused(
        &["--role=server"],
        2,
        "no role `server`; there are: demo, node",
    );
    refused(
        &["--set=security.handshake_per_minute_per_ip=1"],
        2,
        "demo makes",
    );
}
