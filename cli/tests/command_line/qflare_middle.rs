//! `qflare-2`: a proxy between a device and its server records the enrolment, to the last byte, and
//! can do nothing with it.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::{Ran, pqfw};

/// The bytes of each direction of each connection.
type Recorded = Arc<Mutex<Vec<Vec<u8>>>>;

/// A proxy: where it listens, what devices said, and what the server said.
struct Proxy {
    url: String,
    asked: Recorded,
    answered: Recorded,
}

impl Proxy {
    fn before(server: &str) -> Self {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, answered) = (Recorded::default(), Recorded::default());
        let (asks, answers) = (asked.clone(), answered.clone());
        thread::spawn(move || {
            for device in listener.incoming() {
                let device = device.unwrap();
                let server = TcpStream::connect(&server).unwrap();
                let both = (device.try_clone().unwrap(), server.try_clone().unwrap());
                let (asks, answers) = (asks.clone(), answers.clone());
                thread::spawn(move || carry(both.0, both.1, &asks));
                thread::spawn(move || carry(server, device, &answers));
            }
        });
        Self {
            url,
            asked,
            answered,
        }
    }

    fn all(&self) -> Vec<u8> {
        let (asked, answered) = (self.asked.lock().unwrap(), self.answered.lock().unwrap());
        asked.iter().chain(&*answered).flatten().copied().collect()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, record: &Recorded) {
    let number = {
        let mut record = record.lock().unwrap();
        record.push(Vec::new());
        record.len() - 1
    };
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        // What is recorded before it is delivered is there when the device has ended.
        record.lock().unwrap()[number].extend(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The DER of a key file: behind a head of 22 bytes or more, the key.
fn key(place: &Path) -> Vec<u8> {
    let text = fs::read_to_string(place).unwrap();
    let body: String = text
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    STANDARD.decode(body).unwrap()
}

#[test]
fn who_records_an_enrolment_on_the_wire_has_nothing_of_use() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let of_server = [
        "--set=qflare.initial={ w = [2] }",
        "--set=keys.dir=server-keys",
    ];
    let operator = |args: &[&str]| -> Ran {
        pqfw(here, &[&["qflare"], args, &of_server].concat())
            .run()
            .ok()
    };
    let server = [
        "run",
        "--profile=qflare",
        "--role=server",
        "--set=transport.listen=127.0.0.1:0",
    ];
    let server = pqfw(here, &[&server[..], &of_server].concat()).serve();
    let proxy = Proxy::before(&server.url);
    let token = operator(&["token", "create", "camera-7"]).stdout;
    fs::write(here.join("token"), &token).unwrap();
    let device = |args: &[&str], url: &str, keys: &str| {
        let target = ["--server", url, keys];
        pqfw(here, &[&["qflare", "device"], args, &target].concat()).run()
    };
    let (enrol, own) = (
        ["enroll", "--token-file=token"],
        "--set=keys.dir=device-keys",
    );
    device(&enrol, &proxy.url, own).ok();
    let recorded = proxy.all();
    assert!(has(&recorded, b"POST /pqfw/1/hello"), "it is on the way");

    let secret = token.trim().rsplit('.').next().unwrap();
    let raw = URL_SAFE_NO_PAD.decode(secret).unwrap();
    assert_eq!(raw.len(), 32);
    assert!(!has(&recorded, secret.as_bytes()) && !has(&recorded, &raw));
    for file in ["device.pem", "device_kem.pem"] {
        let key = key(&here.join("device-keys").join(file));
        assert!(key.len() >= 54, "{file}");
        for piece in key.windows(24) {
            assert!(!has(&recorded, piece), "{file}");
        }
    }

    // Sent again, byte for byte, it enrols nobody and changes nothing.
    let before = operator(&["audit", "verify"]).stdout;
    let asked = proxy.asked.lock().unwrap().clone();
    for bytes in asked.iter().filter(|bytes| !bytes.is_empty()) {
        let mut socket = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
        // The server may close its end at the first request that it refuses.
        let _ = socket
            .write_all(bytes)
            .and_then(|()| socket.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        // An answer to a connection that was reset does not arrive.
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "));
    }
    assert_eq!(operator(&["audit", "verify"]).stdout, before);
    // Nor does the token, used once, to whoever finds it later.
    operator(&["token", "create", "camera-8"]);
    device(&enrol, &proxy.url, "--set=keys.dir=other-keys").fails(3, "401");
    let devices = operator(&["devices", "list", "--json"]).json();
    assert_eq!(devices.as_array().unwrap().len(), 1);
    assert_eq!(server.terminate().0, 0);
}
