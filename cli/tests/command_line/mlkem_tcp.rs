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

#[test]
fn the_scenario_notices_over_tcp_whoever_is_cut_off_or_goes_away() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(directory.path(), &["run", "--profile=mlkem-tcp"])
        .run()
        .ok();
    let noticed = ran.stdout.matches("noticed: ").count();
    assert_eq!(noticed, 2, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("without close_notify").count(), 2);
}

#[cfg(unix)]
#[test]
fn what_is_piped_in_comes_out_byte_for_byte() {
    use std::io::Read;

    let near = tempfile::tempdir().unwrap();
    let far = tempfile::tempdir().unwrap();
    let serve = [
        "chat",
        "serve",
        "--set=transport.listen=127.0.0.1:0",
        "--set=mlkem-tcp.accept_pipe=true",
    ];
    let mut server = pqfw(far.path(), &serve).serve();
    let mut output = server.output();
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        output.read_to_end(&mut all).unwrap();
        all
    });
    // Every byte, every pair of bytes, and what terminals and texts would change.
    let pairs = (0..=u16::MAX).flat_map(u16::to_be_bytes);
    let odd = *b"\r\n\0\x04\x1a\x1b[2J\xff\xfe\xc3(chat\nexit";
    let data: Vec<u8> = pairs.chain(odd).collect();
    for piece in [&data[..], b"", b"\n", b"no end of line"] {
        pqfw(near.path(), &["chat", "send", "--to", &server.url])
            .run_with(piece)
            .ok();
    }
    assert_eq!(server.terminate().0, 0);
    let came = reader.join().unwrap();
    let sent = [&data[..], b"\n", b"no end of line"].concat();
    assert!(came == sent, "{} bytes of {}", came.len(), sent.len());
}

#[cfg(unix)]
#[test]
fn a_conversation_a_pipe_and_a_forwarded_port() {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};

    let near = tempfile::tempdir().unwrap();
    let far = tempfile::tempdir().unwrap();
    let behind = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("tcp://{}", behind.local_addr().unwrap());
    let echo = std::thread::spawn(move || {
        let (mut stream, _) = behind.accept().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
    });

    let allow = format!("--set=mlkem-tcp.forward.allow=[\"{target}\"]");
    let serve = [
        "chat",
        "serve",
        "--set=transport.listen=127.0.0.1:0",
        &allow,
    ];
    let server = pqfw(far.path(), &serve).serve();
    let to = server.url.clone();
    pqfw(near.path(), &["chat", "connect", "--to", &to])
        .run()
        .ok();
    pqfw(near.path(), &["chat", "send", "--to", &to])
        .run()
        .fails(1, "accept_pipe");

    let local = "127.0.0.1:0";
    let forward = [
        "chat", "forward", "--local", local, "--remote", &target, "--to", &to,
    ];
    let door = pqfw(near.path(), &forward).serve();
    let address = door.url.strip_prefix("tcp://").unwrap().to_owned();
    let data: Vec<u8> = (0..300_000_u32)
        .map(|n| n.to_le_bytes()[n as usize % 3])
        .collect();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&data).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert!(back == data, "{} bytes came back", back.len());
    echo.join().unwrap();
    assert_eq!(door.terminate().0, 0);
    assert_eq!(server.terminate().0, 0);

    let stranger = tempfile::tempdir().unwrap();
    let pinned = [&serve[..], &["--set=peers.mode=pinned"]].concat();
    let server = pqfw(far.path(), &pinned).serve();
    let url = server.url.clone();
    pqfw(stranger.path(), &["chat", "connect", "--to", &url])
        .run()
        .fails(3, "unknown_peer");
    assert_eq!(server.terminate().0, 0);
    let compatible = ["chat", "send", DEMO_1, "--to", &url];
    pqfw(near.path(), &compatible).run().fails(2, "only chats");
}
