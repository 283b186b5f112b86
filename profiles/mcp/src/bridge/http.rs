//! HTTP/1.1 requests (RFC 9112) as they pass by: where each head and each body ends, and nothing more.
//! The bytes go on as they came; whatever two parsers could part differently is refused.

use pqfw_framework::transport::StreamReader;

use super::error::BridgeError;

/// The requests of one connection.
pub struct Requests {
    reader: Box<dyn StreamReader>,
    buffer: Vec<u8>,
    /// What was given of the buffer.
    given: usize,
    body: Body,
    header_bytes: usize,
}

/// A piece of a connection. Its bytes are [`Requests::given`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The head of a request.
    Head(Head),
    /// Bytes of its body.
    Data,
    /// What lies between the bytes of a chunked body.
    Framing,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// `POST`.
    pub method: String,
    /// The path, with a query if there is one.
    pub target: String,
    /// `Host`.
    pub host: String,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Content-Encoding`.
    pub encoded: bool,
}

/// Where in a body the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// In none: a head follows.
    Over,
    /// So many bytes are left.
    Length(u64),
    /// A chunk's size line follows.
    Size,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// The end of a chunk's last line follows.
    ChunkEnd,
    /// Trailers follow, to the empty line.
    Trailers,
}

/// Headers of one request.
const MOST_HEADERS: usize = 100;

/// Bytes of the line with a chunk's size, or of a trailer. No client of MCP sends extensions.
const MOST_CHUNK_LINE: usize = 256;

/// Read at once.
const CHUNK: usize = 16 << 10;

type Result<T> = std::result::Result<T, BridgeError>;

impl Requests {
    /// Begins a connection.
    #[must_use]
    pub fn new(reader: Box<dyn StreamReader>, early: Vec<u8>, header_bytes: usize) -> Self {
        Self {
            reader,
            buffer: early,
            given: 0,
            body: Body::Over,
            header_bytes,
        }
    }

    /// The next piece; `None` at the end of the connection between two requests. Safe to drop.
    ///
    /// # Errors
    /// [`BridgeError::Http`] for what cannot be parted with certainty; [`BridgeError::Transport`].
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        self.buffer.drain(..self.given);
        self.given = 0;
        loop {
            if let Some(piece) = self.part()? {
                return Ok(Some(piece));
            }
            if !self.more().await? {
                let between = self.body == Body::Over && self.buffer.is_empty();
                let cut = Err(BridgeError::Http("the connection ended within a request"));
                return if between { Ok(None) } else { cut };
            }
        }
    }

    /// The bytes of the last piece.
    #[must_use]
    pub fn given(&self) -> &[u8] {
        self.buffer.get(..self.given).unwrap_or_default()
    }

    /// Whether the last piece was the last of its request.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.body == Body::Over
    }

    async fn more(&mut self) -> Result<bool> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let room = self.buffer.get_mut(filled..).unwrap_or_default();
        let read = self.reader.read(room).await;
        self.buffer
            .truncate(filled + read.as_ref().copied().unwrap_or(0));
        Ok(read? > 0)
    }

    /// Parts what is there; `None` when that is not enough.
    fn part(&mut self) -> Result<Option<Piece>> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        match self.body {
            Body::Over => self.head(),
            Body::Length(left) => {
                let left = self.data(left);
                self.body = if left == 0 {
                    Body::Over
                } else {
                    Body::Length(left)
                };
                Ok(Some(Piece::Data))
            }
            Body::Chunk(left) => {
                let left = self.data(left);
                self.body = if left == 0 {
                    Body::ChunkEnd
                } else {
                    Body::Chunk(left)
                };
                Ok(Some(Piece::Data))
            }
            Body::Size | Body::ChunkEnd | Body::Trailers => {
                let Some(line) = self.line()? else {
                    return Ok(None);
                };
                let next = self.body.after(&line)?;
                (self.body, self.given) = (next, line.len() + 2);
                Ok(Some(Piece::Framing))
            }
        }
    }

    /// Gives what is there of a body, and how much of it is left then.
    fn data(&mut self, left: u64) -> u64 {
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        self.given = self.buffer.len().min(most);
        left.saturating_sub(self.given as u64)
    }

    fn line(&self) -> Result<Option<Vec<u8>>> {
        let end = self.buffer.windows(2).position(|pair| pair == b"\r\n");
        // Without an end the last byte may be the first of it.
        let length = end.unwrap_or(self.buffer.len().saturating_sub(1));
        if length > MOST_CHUNK_LINE {
            return Err(BridgeError::Http("a line of a chunked body is too long"));
        }
        let line = end.and_then(|end| self.buffer.get(..end));
        if line.is_some_and(|line| line.contains(&b'\n') || line.contains(&b'\r')) {
            return Err(BridgeError::Http(
                "a line of a chunked body has a bare line end in it",
            ));
        }
        Ok(line.map(<[u8]>::to_vec))
    }

    fn head(&mut self) -> Result<Option<Piece>> {
        let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end
            .map(|end| end + 4)
            .filter(|end| *end <= self.header_bytes)
        else {
            if end.is_some() || self.buffer.len() > self.header_bytes {
                return Err(BridgeError::Http("the head of a request is too long"));
            }
            return Ok(None);
        };
        let head = self.buffer.get(..end).unwrap_or_default();
        if bare(head) {
            return Err(BridgeError::Http("a head has a bare line end in it"));
        }
        let (head, body) = read_head(head)?;
        (self.body, self.given) = (body, end);
        Ok(Some(Piece::Head(head)))
    }
}

/// Whether a carriage return or a line feed stands alone.
fn bare(head: &[u8]) -> bool {
    let mut before = 0;
    for byte in head {
        if (*byte == b'\n') != (before == b'\r') {
            return true;
        }
        before = *byte;
    }
    false
}

fn read_head(bytes: &[u8]) -> Result<(Head, Body)> {
    let unreadable = || BridgeError::Http("the head of a request cannot be read");
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        _ => return Err(unreadable()),
    }
    let (method, target) = request.method.zip(request.path).ok_or_else(unreadable)?;
    if request.version != Some(1) || !target.starts_with('/') {
        return Err(BridgeError::Http("not a request of HTTP/1.1 to a path"));
    }
    let one = |name: &str| -> Result<Option<&str>> {
        let mut found = request
            .headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(BridgeError::Http("a header is there twice")),
            (None, _) => Ok(None),
            (Some(header), None) => match std::str::from_utf8(header.value) {
                Ok(value) => Ok(Some(value.trim_matches([' ', '\t']))),
                Err(_) => Err(unreadable()),
            },
        }
    };
    if one("upgrade")?.is_some() {
        return Err(BridgeError::Http("a request for another protocol"));
    }
    let body = match (one("transfer-encoding")?, one("content-length")?) {
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Body::Size,
        (None, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            match length.parse().map_err(|_| unreadable())? {
                0 => Body::Over,
                length => Body::Length(length),
            }
        }
        (None, None) => Body::Over,
        _ => {
            return Err(BridgeError::Http(
                "where the body of a request ends cannot be told",
            ));
        }
    };
    let host = one("host")?.ok_or(BridgeError::Http("a request without Host"))?;
    let head = Head {
        method: method.into(),
        target: target.into(),
        host: host.into(),
        origin: one("origin")?.map(str::to_owned),
        encoded: one("content-encoding")?.is_some(),
    };
    Ok((head, body))
}

impl Body {
    /// What follows a line of a chunked body.
    fn after(self, line: &[u8]) -> Result<Self> {
        match self {
            Self::Size => {
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let text = std::str::from_utf8(digits).unwrap_or_default();
                let hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let size = u64::from_str_radix(text, 16).ok().filter(|_| hex);
                match size.ok_or(BridgeError::Http("a chunk without a size"))? {
                    0 => Ok(Self::Trailers),
                    size => Ok(Self::Chunk(size)),
                }
            }
            Self::ChunkEnd if line.is_empty() => Ok(Self::Size),
            Self::Trailers if line.is_empty() => Ok(Self::Over),
            Self::Trailers => Ok(Self::Trailers),
            _ => Err(BridgeError::Http("a chunk is longer than its size")),
        }
    }
}

/// Whether a `Host` names this machine by loopback, and nothing else does: a name that others can
/// point here is not one of them.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = address.unwrap_or(name).parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
}

/// A whole answer of the bridge's own, after which the connection ends.
#[must_use]
pub fn answer(status: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests;
