//! `pqfw run --profile mlkem-tcp`: the scenario, and both ends over TCP.

use crate::support::pqfw;

const DEMO_1: &str = "--set=dialect=demo-1";

#[test]
fn the_scenario_refuses_a_pickle_by_its_opcode() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(
        directory.path(),
        &["run", "--profile", "mlkem-tcp.toml", DEMO_1],
    )
    .run()
    .ok();
    for part in [
        "warning: MLT-2",
        "refused: the pickle holds the opcode GLOBAL",
        "the server lives on",
        "none of `mlkem-tcp.pins`",
    ] {
        assert!(
            ran.stdout.contains(part),
            "`{part}` is not in: {}",
            ran.stdout
        );
    }
}

#[cfg(unix)]
#[test]
fn a_pinned_server_serves_a_client_and_ends_cleanly() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let run = [
        "run",
        "--profile=mlkem-tcp",
        DEMO_1,
        "--set=mlkem-tcp.signed=true",
    ];
    let listen = [
        "--role=server",
        "--set=transport.listen=127.0.0.1:0",
        "--ready-file=ready.json",
    ];
    let server = pqfw(here, &[&run[..], &listen].concat()).serve();
    assert!(server.url.starts_with("tcp://127.0.0.1:"));
    let ready = std::fs::read_to_string(here.join("ready.json")).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let fingerprint = ready["fingerprint"].as_str().unwrap();

    let connect = format!("--set=transport.connect={}", server.url);
    let client = |pin: &str| {
        let pins = format!("--set=mlkem-tcp.pins=[\"{pin}\"]");
        pqfw(
            here,
            &[&run[..], &["--role=client", &connect, &pins]].concat(),
        )
        .run()
    };
    let ran = client(fingerprint).ok();
    let begin = "Received server public key. Type messages to send. Type 'exit' to quit.";
    assert_eq!(ran.stdout, format!("{begin}\n> Client exiting.\n"));
    client(&format!("sha256:{}", "0a".repeat(32))).fails(3, "none of `mlkem-tcp.pins`");
    let (code, said) = server.terminate();
    assert_eq!(code, 0, "{said:?}");
}
