//! Requests cut anywhere, requests that nothing can be told from, and who is at home here.

use pqfw_framework::transport::{BoxFuture, TransportError};

use super::*;

struct Pieces(Vec<Vec<u8>>);

impl StreamReader for Pieces {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, std::result::Result<usize, TransportError>> {
        let piece = if self.0.is_empty() {
            Vec::new()
        } else {
            self.0.remove(0)
        };
        buffer[..piece.len()].copy_from_slice(&piece);
        Box::pin(async move { Ok(piece.len()) })
    }
}

/// The methods and bodies of a connection cut at every `size` bytes, with all its bytes.
async fn read(text: &str, size: usize) -> Result<Vec<(String, String)>> {
    let pieces = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
    let mut requests = Requests::new(Box::new(Pieces(pieces)), Vec::new(), 200);
    let (mut found, mut all) = (Vec::<(String, String)>::new(), Vec::new());
    while let Some(piece) = requests.next().await? {
        all.extend_from_slice(requests.given());
        match piece {
            Piece::Head(head) => found.push((head.method, String::new())),
            Piece::Data => {
                let (_, body) = found.last_mut().unwrap();
                body.push_str(std::str::from_utf8(requests.given()).unwrap());
            }
            Piece::Framing => {}
        }
    }
    assert_eq!(all, text.as_bytes(), "the bytes go on as they came");
    Ok(found)
}

#[tokio::test]
async fn requests_end_where_they_end_however_they_are_cut() {
    let text = "POST /mcp HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhello\
                GET /mcp?x=1 HTTP/1.1\r\nHost:a\r\n\r\n\
                POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n\
                3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nA: b\r\n\r\n\
                DELETE /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let expected = [
        ("POST", "hello"),
        ("GET", ""),
        ("POST", "abc0123456789"),
        ("DELETE", ""),
    ];
    let expected = expected.map(|(method, body)| (method.to_owned(), body.to_owned()));
    for size in 1..text.len() {
        assert_eq!(read(text, size).await.unwrap(), expected, "{size}");
    }
}

#[tokio::test]
async fn the_longest_line_of_a_chunked_body_is_as_long_however_it_is_cut() {
    for (more, fits) in [(0, true), (1, false)] {
        let trailer = "t".repeat(MOST_CHUNK_LINE + more);
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let text = format!("{head}0\r\n{trailer}\r\n\r\n");
        for size in 1..=text.len() {
            assert_eq!(read(&text, size).await.is_ok(), fits, "{more}, {size}");
        }
    }
}

#[tokio::test]
async fn what_two_parsers_could_part_differently_is_refused() {
    let post =
        |headers: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n{body}");
    let chunked = |body: &str| post("Transfer-Encoding: chunked\r\n", body);
    for bad in [
        post(
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        post("Content-Length: 1\r\nContent-Length: 1\r\n", "x"),
        post("Content-Length: +1\r\n", "x"),
        post("Content-Length: 1, 1\r\n", "x"),
        post("Content-Length: 99999999999999999999\r\n", "x"),
        post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        post(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
        ),
        post("Upgrade: h2c\r\n", ""),
        post("X: a\nContent-Length: 5\r\n", "hello"),
        post("X: a\rb\r\n", ""),
        post(" folded: x\r\n", ""),
        post("Host: b\r\n", ""),
        post(&format!("X: {}\r\n", "x".repeat(200)), ""),
        "POST / HTTP/1.0\r\nHost: a\r\n\r\n".into(),
        "POST / HTTP/1.1\r\n\r\n".into(),
        "POST http://b/ HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        chunked("x\r\n"),
        chunked("\r\n"),
        chunked("-1\r\n"),
        chunked("0x1\r\na\r\n0\r\n\r\n"),
        chunked("1\r\nab\r\n0\r\n\r\n"),
        chunked("1\na\n0\n\n"),
        chunked("11111111111111111\r\na"),
        chunked(&format!("1;{}\r\n", "x".repeat(MOST_CHUNK_LINE))),
        post("Content-Length: 5\r\n", "hell"),
        "POST / HT".into(),
    ] {
        for size in [1, 7, bad.len()] {
            let refused = read(&bad, size).await;
            assert!(
                matches!(refused, Err(BridgeError::Http(_))),
                "{bad:?} {refused:?}"
            );
        }
    }
}

#[test]
fn loopback_is_a_name_that_nobody_else_can_point_here() {
    for good in [
        "localhost",
        "LOCALHOST:80",
        "127.0.0.1",
        "127.9.8.7:3000",
        "[::1]",
        "[::1]:80",
    ] {
        assert!(is_loopback(good), "{good}");
    }
    for bad in [
        "",
        "example.com",
        "localhost.example.com",
        "localhost.",
        "127.0.0.1.nip.io",
        "10.0.0.1:80",
        "0.0.0.0",
        "[::]",
        "127.1",
        "localhost:x",
        "a@localhost",
    ] {
        assert!(!is_loopback(bad), "{bad}");
    }
}

#[test]
fn an_answer_is_whole() {
    let text = answer("403 Forbidden", "text/plain", "no\n");
    assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    assert!(text.contains("Content-Length: 3\r\n") && text.ends_with("close\r\n\r\nno\n"));
}
