//! Streams over TLS: halves that end by themselves, and ends that are no ends.

use pqfw_framework::transport::{Connection, TransportError};
use pqfw_tls::{TlsClient, TlsServer, connection};
use tokio::io::{AsyncWriteExt, duplex};

use crate::support::carrier;

fn ends() -> (TlsClient, TlsServer) {
    let settings = carrier(&["X25519MLKEM768"], "ML-DSA-65");
    (
        TlsClient::new(&settings, &[]).unwrap(),
        TlsServer::new(&settings, &[]).unwrap(),
    )
}

async fn connected(buffer_bytes: usize) -> (Connection, Connection) {
    let ((client, server), (near, far)) = (ends(), duplex(buffer_bytes));
    let (near, far) = tokio::join!(client.connect(near, "localhost"), server.accept(far));
    (
        connection(near.unwrap(), "server"),
        connection(far.unwrap(), "client"),
    )
}

async fn read_to_end(connection: &mut Connection) -> Result<Vec<u8>, TransportError> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match connection.reader.read(&mut buffer).await? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

#[tokio::test]
async fn bytes_arrive_and_each_direction_ends_by_itself() {
    let (mut near, mut far) = connected(4096).await;
    let long: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let sending = async {
        near.writer.write_all(&long).await.unwrap();
        near.writer.finish().await.unwrap();
    };
    let ((), heard) = tokio::join!(sending, read_to_end(&mut far));
    assert_eq!(heard.unwrap(), long);
    assert_eq!(far.reader.read(&mut [0; 9]).await, Ok(0), "and again");
    far.writer.write_all(b"still here").await.unwrap();
    far.writer.finish().await.unwrap();
    assert_eq!(read_to_end(&mut near).await.unwrap(), b"still here");
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_broken_and_never_at_its_end() {
    let (mut near, mut far) = connected(100_000).await;
    near.writer.write_all(b"half of it").await.unwrap();
    drop(near);
    let refused = read_to_end(&mut far).await.unwrap_err();
    let expected = TransportError::Broken {
        address: "client".into(),
        reason: "cut off before the peer ended it".into(),
    };
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn what_is_no_tls_is_refused() {
    let ((client, server), (near, far)) = (ends(), duplex(4096));
    let talk = async {
        let mut near = near;
        near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        near
    };
    let (refused, _near) = tokio::join!(server.accept(far), talk);
    assert!(refused.is_err());
    let (near, mut far) = duplex(4096);
    let answer = async {
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
    };
    let (refused, ()) = tokio::join!(client.connect(near, "localhost"), answer);
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_host_must_be_a_name_or_an_address() {
    let client = ends().0;
    for host in ["localhost", "192.0.2.1", "::1", "[::1]"] {
        let (near, far) = duplex(10);
        drop(far);
        let refused = client.connect(near, host).await.err().unwrap();
        assert_ne!(refused.kind(), std::io::ErrorKind::InvalidInput, "{host}");
    }
    for host in ["", "no name", "http://here"] {
        let refused = client.connect(duplex(10).0, host).await.err().unwrap();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput, "{host}");
    }
}
