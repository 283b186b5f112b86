//! Two nodes in two network namespaces, with real TUN devices and a real transfer by TCP, by the
//! script `tests/netns/tunnel.sh`. Where the privilege is missing it says that it was skipped, and
//! fails when `PQFW_REQUIRE_NETNS` is `1`.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

/// What the script ends with when it was skipped.
const SKIPPED: i32 = 77;

#[test]
fn two_nodes_carry_tcp_between_network_namespaces_and_lose_nothing_to_new_keys() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/netns/tunnel.sh");
    let ended = Command::new("bash")
        .arg(script)
        .args(["--pqfw", env!("CARGO_BIN_EXE_pqfw")])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    let err = String::from_utf8_lossy(&ended.stderr);
    println!("{out}{err}");
    assert!(
        matches!(ended.status.code(), Some(0 | SKIPPED)),
        "{out}{err}"
    );
}

#[test]
fn the_demo_in_network_namespaces_plays_to_its_end() {
    let ended = Command::new(env!("CARGO_BIN_EXE_pqfw"))
        .args(["--json", "vpn", "demo", "--netns", "--mib", "64"])
        .args(["--set", "suite.kem=X25519+ML-KEM-768"])
        .args(["--set", "suite.signature=Ed25519+ML-DSA-65"])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    let err = String::from_utf8_lossy(&ended.stderr);
    println!("{out}{err}");
    if err.contains("it needs root") && std::env::var("PQFW_REQUIRE_NETNS").as_deref() != Ok("1") {
        assert_eq!(ended.status.code(), Some(1));
        println!("skipped: no privilege for network namespaces");
        return;
    }
    assert!(ended.status.success(), "{out}{err}");
    let passed = out
        .lines()
        .filter(|line| line.contains(r#""event":"passed""#));
    assert_eq!(passed.count(), 5, "{out}");
}
