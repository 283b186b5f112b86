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
