//! What QUIC refuses, who answers after the end, and datagrams.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../tls/tests/carrier/mod.rs"]
mod carrier;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carrier::carrier;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    BoxFuture, Connection, Datagrams, ExchangeService, Listener, Packet, Request, Response,
    StreamService, TlsSettings, Transport, TransportError, TransportLimits, TransportSettings,
};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;
use pqfw_quic::QuicTransport;

fn settings(address: &str, tls: Option<Arc<TlsSettings>>) -> TransportSettings {
    TransportSettings {
        listen: address.into(),
        connect: address.into(),
        limits: TransportLimits {
            body_bytes: 100_000,
            header_bytes: 100,
            connections: 10,
            idle_secs: 60,
            request_secs: 30,
            per_ip_per_minute: 0,
        },
        tls,
    }
}

fn carried(address: &str) -> TransportSettings {
    settings(address, Some(carrier("X25519MLKEM768")))
}

struct Echo;

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

impl StreamService for Echo {
    fn serve(&self, _: Connection) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

async fn serve(settings: &TransportSettings) -> Box<dyn Listener> {
    let world = Arc::new(SeededWorld::new(0));
    let served = QuicTransport.serve_exchange(settings, Arc::new(Echo), world);
    served.await.unwrap()
}

#[tokio::test]
async fn tls_is_not_to_be_left_out() {
    let bare = settings("127.0.0.1:0", None);
    let world = Arc::new(SeededWorld::new(0));
    let served = QuicTransport.serve_exchange(&bare, Arc::new(Echo), world.clone());
    assert!(matches!(served.await, Err(TransportError::Tls(_))));
    let served = QuicTransport.serve_stream(&bare, Arc::new(Echo), world);
    assert!(matches!(served.await, Err(TransportError::Tls(_))));
    let bound = QuicTransport.bind_datagrams(&bare).await;
    assert!(matches!(bound, Err(TransportError::Tls(_))));
    let bare = settings("quic://127.0.0.1:1", None);
    let client = QuicTransport.connect_exchange(&bare);
    assert!(matches!(client, Err(TransportError::Tls(_))));
    let opened = QuicTransport.connect_stream(&bare).await;
    assert!(matches!(opened, Err(TransportError::Tls(_))));
}

/// It takes the second that it may take: a UDP socket does not say that nobody is behind it.
#[tokio::test]
async fn nobody_answers_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("quic://{}", silent.local_addr().unwrap());
    let mut settings = carried(&url);
    settings.limits.request_secs = 1;
    let client = QuicTransport.connect_exchange(&settings).unwrap();
    let expected = TransportError::TimedOut {
        address: url,
        secs: 1,
    };
    assert_eq!(client.exchange(Request::get("/")).await, Err(expected));
}

#[tokio::test]
async fn a_stream_is_no_exchange() {
    let listener = serve(&carried("127.0.0.1:0")).await;
    let opened = QuicTransport.connect_stream(&carried(listener.url())).await;
    assert!(matches!(opened, Err(TransportError::Broken { .. })));
}

#[tokio::test]
async fn ends_without_a_common_group_part() {
    let listener = serve(&settings("127.0.0.1:0", Some(carrier("MLKEM1024")))).await;
    let client = QuicTransport.connect_exchange(&carried(listener.url()));
    let outcome = client.unwrap().exchange(Request::get("/")).await;
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_head_above_the_limit_is_refused() {
    let listener = serve(&carried("127.0.0.1:0")).await;
    let client = QuicTransport
        .connect_exchange(&carried(listener.url()))
        .unwrap();
    // Three lengths of two bytes, and GET.
    for (length, status) in [(91, 200), (92, 431)] {
        let route = format!("/{}", "a".repeat(length - 1));
        let response = client.exchange(Request::get(&route)).await.unwrap();
        assert_eq!(response.status, status, "{length}");
    }
}

#[tokio::test]
async fn a_client_finds_its_server_again() {
    let listener = serve(&carried("127.0.0.1:0")).await;
    let url = listener.url().to_owned();
    let client = QuicTransport.connect_exchange(&carried(&url)).unwrap();
    let request = || Request::post("/", b"who is there".to_vec());
    assert_eq!(client.exchange(request()).await.unwrap().status, 200);
    listener.shutdown().await;
    let here = carried(url.strip_prefix("quic://").unwrap());
    let again = loop {
        let world = Arc::new(SeededWorld::new(0));
        // The socket goes with a task that ends soon.
        match QuicTransport
            .serve_exchange(&here, Arc::new(Echo), world)
            .await
        {
            Err(TransportError::Listen { .. }) => tokio::task::yield_now().await,
            served => break served.unwrap(),
        }
    };
    assert_eq!(again.url(), url);
    assert_eq!(client.exchange(request()).await.unwrap().status, 200);
}

/// Answers, and knows that its client will hear the answer and say nothing any more.
struct LastWord(Arc<AtomicBool>);

impl ExchangeService for LastWord {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        self.0.store(true, Ordering::SeqCst);
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

/// A path to the server on which nothing of the client's arrives once it is dead.
async fn path_to(server: &str, dead: Arc<AtomicBool>) -> String {
    let path = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("quic://{}", path.local_addr().unwrap());
    let server: SocketAddr = server.strip_prefix("quic://").unwrap().parse().unwrap();
    tokio::spawn(async move {
        let mut client = None;
        let mut packet = vec![0; 1 << 16];
        loop {
            let (length, from) = path.recv_from(&mut packet).await.unwrap();
            let to = match from == server {
                true => client,
                false => {
                    client = Some(from);
                    (!dead.load(Ordering::SeqCst)).then_some(server)
                }
            };
            if let Some(to) = to {
                path.send_to(&packet[..length], to).await.unwrap();
            }
        }
    });
    url
}

#[tokio::test]
async fn a_client_that_died_without_a_word_does_not_hold_up_the_end() {
    let patient = |address: &str| {
        let mut settings = carried(address);
        settings.limits.request_secs = 3600;
        settings.limits.idle_secs = 3600;
        settings
    };
    let dead = Arc::new(AtomicBool::new(false));
    let (world, service) = (Arc::new(SeededWorld::new(0)), LastWord(dead.clone()));
    let here = patient("127.0.0.1:0");
    let served = QuicTransport.serve_exchange(&here, Arc::new(service), world);
    let listener = served.await.unwrap();
    let url = path_to(listener.url(), dead).await;
    let client = QuicTransport.connect_exchange(&patient(&url)).unwrap();
    let request = Request::post("/", b"the last".to_vec());
    assert_eq!(client.exchange(request).await.unwrap().body, b"the last");
    // The bound is far below the limits, and far above what it takes.
    let ended = tokio::time::timeout(Duration::from_secs(300), listener.shutdown()).await;
    assert_eq!(
        ended,
        Ok(()),
        "it waits for an acknowledgement that never comes"
    );
}

async fn bind() -> Arc<dyn Datagrams> {
    let settings = carried("127.0.0.1:0");
    QuicTransport.bind_datagrams(&settings).await.unwrap()
}

fn address(datagrams: &Arc<dyn Datagrams>) -> SocketAddr {
    let address = datagrams.url().strip_prefix("quic://").unwrap();
    address.parse().unwrap()
}

#[tokio::test]
async fn datagrams_arrive_both_ways_whole() {
    let (one, other) = (bind().await, bind().await);
    let packet = |peer, bytes: Vec<u8>| Packet { peer, bytes };
    let longest = vec![7; one.max_bytes()];
    one.send(&[
        packet(address(&other), b"hello".to_vec()),
        packet(address(&other), longest.clone()),
    ])
    .await
    .unwrap();
    let mut heard = Vec::new();
    while heard.len() < 2 {
        heard.extend(other.receive(10).await.unwrap());
    }
    heard.sort_by_key(|packet| packet.bytes.len());
    assert_eq!(heard[0], packet(address(&one), b"hello".to_vec()));
    assert_eq!(heard[1], packet(address(&one), longest));
    other
        .send(&[packet(address(&one), Vec::new())])
        .await
        .unwrap();
    let answer = one.receive(1).await.unwrap();
    assert_eq!(answer, [packet(address(&other), Vec::new())]);
}

#[tokio::test]
async fn a_datagram_above_the_limit_is_refused_before_anything_is_sent() {
    let one = bind().await;
    let peer = address(&one);
    let bytes = vec![0; one.max_bytes() + 1];
    let refused = one.send(&[Packet { peer, bytes }]).await;
    assert!(matches!(refused, Err(TransportError::TooLarge { .. })));
}
