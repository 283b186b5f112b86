//! Every door, over real sockets of this machine.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

use pqfw_control::{Client, OsControl};
use pqfw_framework::control::{Control, Door, LEAST_TOKEN_BYTES};
use pqfw_framework::metrics::{Family, MetricsSource};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{
    Exchange, ExchangeService, Listener, Request, Response, TransportError,
};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Echo;

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        let body = match request.route.as_str() {
            "/long" => vec![b'x'; (4 << 20) + 1],
            _ => [request.method.as_bytes(), b" ", &request.body].concat(),
        };
        Response { status: 200, body }
    }
}

struct Two;

impl MetricsSource for Two {
    fn families(&self, now: Now) -> Vec<Family> {
        vec![
            Family::counter("sent_total", "What was sent.", 2),
            Family::counter("began", "When.", now.unix_micros / 1_000_000),
        ]
    }
}

fn world() -> Arc<SeededWorld> {
    Arc::new(SeededWorld::new(0))
}

async fn socket(directory: &Path, path: &str) -> Result<Box<dyn Listener>, TransportError> {
    let door = Door::Socket { path: path.into() };
    let control = OsControl::new(directory);
    control.open(door, Arc::new(Echo), world()).await
}

fn token(text: &str) -> Arc<SecretBytes> {
    Arc::new(SecretBytes::copy_of(text.as_bytes()))
}

const TOKEN: &str = "0123456789abcdef";

async fn port(listen: &str, shown: &str) -> Result<Box<dyn Listener>, TransportError> {
    let door = Door::Loopback {
        listen: listen.into(),
        token: token(shown),
    };
    let control = OsControl::new("/nowhere");
    control.open(door, Arc::new(Echo), world()).await
}

async fn metrics() -> Box<dyn Listener> {
    let control = OsControl::new("/nowhere");
    let listen = "127.0.0.1:0".to_owned();
    let opened = control.open_metrics(listen, Arc::new(Two), world());
    opened.await.unwrap()
}

/// What a server says to some bytes, to the end of the connection.
async fn said(url: &str, request: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_socket_is_its_owners_alone_and_goes_with_its_listener() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/control.sock");
    let listener = socket(directory.path(), "state/control.sock")
        .await
        .unwrap();
    assert_eq!(listener.url(), format!("unix:{}", path.display()));
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let client = Client::socket(&path);
    let answer = client.exchange(Request::post("/a", b"{}".to_vec())).await;
    assert_eq!(answer.unwrap().body, b"POST {}");
    listener.shutdown().await;
    assert!(!path.exists());
    let gone = client.exchange(Request::get("/a")).await.unwrap_err();
    assert!(matches!(gone, TransportError::Connect { .. }), "{gone}");
}

#[tokio::test]
async fn a_path_where_somebody_answers_is_refused_and_one_of_the_dead_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.sock");
    let first = socket(directory.path(), "c.sock").await.unwrap();
    let busy = socket(directory.path(), "c.sock").await.err().unwrap();
    assert!(busy.to_string().contains("is this node running"), "{busy}");
    drop(first);
    // A listener of std leaves its path behind, as a killed process does.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let second = socket(directory.path(), "c.sock").await.unwrap();
    let answer = Client::socket(&path).exchange(Request::get("/")).await;
    assert_eq!(answer.unwrap().status, 200);
    // Somebody else's socket under that path is not removed.
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    second.shutdown().await;
    assert!(path.exists());
}

#[tokio::test]
async fn what_is_no_socket_and_paths_that_are_too_long_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "precious").unwrap();
    let refused = socket(directory.path(), "file").await.err().unwrap();
    assert!(
        matches!(refused, TransportError::Listen { .. }),
        "{refused}"
    );
    let file = std::fs::read(directory.path().join("file")).unwrap();
    assert_eq!(file, b"precious");
    let long = socket(directory.path(), &"s".repeat(99))
        .await
        .err()
        .unwrap();
    assert!(long.to_string().contains("control.socket"), "{long}");
}

#[tokio::test]
async fn a_port_answers_whoever_shows_the_token_and_tells_nobody_else_anything() {
    let listener = port("127.0.0.1:0", TOKEN).await.unwrap();
    let address = listener.url().strip_prefix("http://").unwrap();
    let client = Client::loopback(address, token(TOKEN));
    let answer = client.exchange(Request::get("/a")).await;
    assert_eq!(answer.unwrap().body, b"GET ");
    for wrong in ["0123456789abcdee", "0123456789abcde", ""] {
        let client = Client::loopback(address, token(wrong));
        let refused = client.exchange(Request::get("/a")).await;
        assert_eq!(refused.unwrap().status, 401, "{wrong}");
    }
    let bare = "GET /a HTTP/1.1\r\nhost: x\r\nauthorization: Basic 0123456789abcdef\r\n\r\n";
    assert!(
        said(listener.url(), bare)
            .await
            .starts_with("HTTP/1.1 401 ")
    );
}

#[tokio::test]
async fn a_port_is_of_this_machine_and_its_token_is_long() {
    for (listen, shown) in [
        ("0.0.0.0:0", TOKEN),
        ("localhost:0", TOKEN),
        ("127.0.0.1:0", TOKEN.get(1..LEAST_TOKEN_BYTES).unwrap()),
    ] {
        let refused = port(listen, shown).await.err().unwrap();
        assert!(
            matches!(refused, TransportError::Address { .. }),
            "{listen}"
        );
    }
}

#[tokio::test]
async fn metrics_are_text_for_prometheus_and_there_is_nothing_else() {
    let listener = metrics().await;
    let ask = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let text = said(listener.url(), &ask("GET /metrics")).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(body.contains("sent_total 2\n# HELP began"), "{body}");
    for (line, status) in [("POST /metrics", "405"), ("GET /", "404")] {
        let refused = said(listener.url(), &ask(line)).await;
        assert!(
            refused.starts_with(&format!("HTTP/1.1 {status} ")),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn bodies_and_heads_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let _listener = socket(directory.path(), "c.sock").await.unwrap();
    let client = Client::socket(directory.path().join("c.sock"));
    let post = |bytes| client.exchange(Request::post("/", vec![b'x'; bytes]));
    assert_eq!(post(64 << 10).await.unwrap().status, 200);
    assert_eq!(post((64 << 10) + 1).await.unwrap().status, 413);
    let long = client.exchange(Request::get("/long")).await.unwrap_err();
    assert!(matches!(long, TransportError::TooLarge { .. }), "{long}");
    let metrics = metrics().await;
    let head = format!(
        "GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n",
        "x".repeat(8 << 10)
    );
    assert!(
        said(metrics.url(), &head)
            .await
            .starts_with("HTTP/1.1 431 ")
    );
}

#[tokio::test]
async fn a_client_says_what_it_cannot_ask() {
    let client = Client::socket("/nowhere/c.sock");
    let mut spaced = Request::get("/a");
    spaced.method = "G E T".into();
    for request in [Request::get("a"), Request::get("/a b"), spaced] {
        let refused = client.exchange(request).await.unwrap_err();
        assert!(
            matches!(refused, TransportError::Address { .. }),
            "{refused}"
        );
    }
    let split = Client::loopback("127.0.0.1:1", token("a\r\nb"));
    let refused = split.exchange(Request::get("/")).await.unwrap_err();
    assert!(refused.to_string().contains("the token"), "{refused}");
}

#[tokio::test]
async fn an_end_in_the_middle_of_an_answer_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.sock");
    let server = tokio::net::UnixListener::bind(&path).unwrap();
    let client = Client::socket(&path);
    let serve = async {
        let (mut stream, _) = server.accept().await.unwrap();
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        stream.write_all(half).await.unwrap();
    };
    let (answer, ()) = tokio::join!(client.exchange(Request::get("/")), serve);
    let broken = answer.unwrap_err();
    assert!(matches!(broken, TransportError::Broken { .. }), "{broken}");
}
