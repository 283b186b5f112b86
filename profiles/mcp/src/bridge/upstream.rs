//! One session with an MCP server over HTTP that is there already: the bytes of one connection, and
//! with `mcp.inspect` a look at every request before it goes.

use pqfw_framework::lines::Lines;
use pqfw_framework::splice::{Activity, pour, splice};
use pqfw_framework::system::{Failure, Host, RunError};
use pqfw_framework::transport::{Connection, StreamWriter, TransportSettings};
use pqfw_framework::waiting::{First, race};

use super::answer::{Code, error};
use super::error::BridgeError;
use super::http::{Head, Piece, Requests, answer};
use super::message::Message;
use super::purpose::escape;
use super::serve::{Guest, Shared};

/// An MCP server over HTTP.
pub struct Upstream {
    address: String,
    path: String,
    inspect: bool,
}

impl Upstream {
    /// Reads `http://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// [`RunError`] for another URL, and for an allow-list that nobody would enforce.
    pub fn new(url: &str, inspect: bool, allow_lists: bool) -> Result<Self, RunError> {
        let usage = |text: String| RunError::new(Failure::Usage, text);
        if allow_lists && !inspect {
            return Err(usage(
                "mcp.tools beside mcp.upstream needs mcp.inspect = true: without a look at the \
                 requests no list can be kept"
                    .into(),
            ));
        }
        let rest = url.strip_prefix("http://").filter(|rest| !rest.is_empty());
        let Some(rest) = rest else {
            return Err(usage(format!(
                "mcp.upstream: `{}` is no http:// address; for a server elsewhere run pqfw beside it",
                escape(url)
            )));
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let port = authority
            .rsplit_once(':')
            .map(|(_, port)| port.parse::<u16>().is_ok());
        let port = if port == Some(true) { "" } else { ":80" };
        Ok(Self {
            address: format!("tcp://{authority}{port}"),
            path: path.into(),
            inspect,
        })
    }

    async fn open(&self, host: &Host) -> Result<Connection, BridgeError> {
        let settings = TransportSettings {
            connect: self.address.clone(),
            tls: None,
            ..host.settings.clone()
        };
        let no_tcp = || BridgeError::NotServed("this build has no transport tcp".into());
        let tcp = host.outside.transports.get("tcp").ok_or_else(no_tcp)?;
        Ok(tcp.connect_stream(&settings).await?)
    }
}

impl Shared {
    /// Connects to the server and carries the connection to its end.
    pub(super) async fn with_upstream(
        &self,
        guest: &Guest,
        upstream: &Upstream,
        lines: Lines,
        mut writer: Box<dyn StreamWriter>,
    ) -> Result<(), BridgeError> {
        let mut outside = match upstream.open(&self.host).await {
            Ok(outside) => outside,
            Err(error) => return self.refuse(guest, &mut *writer, &error.to_string()).await,
        };
        self.welcome(&mut *writer).await?;
        let _open = self.metrics.session();
        self.audit.session(&*self.host.world, guest, "began");
        let (mut reader, early) = lines.into_parts();
        let carried = async {
            if upstream.inspect {
                let requests = Requests::new(reader, early, self.bounds.header_bytes);
                let inspected =
                    self.inspected(guest, upstream, requests, &mut *writer, &mut outside);
                return inspected.await;
            }
            outside.writer.write_all(&early).await?;
            let activity = Activity::new(self.host.world.clone(), self.bounds.idle);
            splice((&mut *reader, &mut *writer), outside.ends(), &activity).await
        };
        let carried = match race(self.closing.wait(), carried).await {
            First::Left(()) => Ok(()),
            First::Right(carried) => carried,
        };
        self.audit.session(&*self.host.world, guest, "ended");
        carried
    }

    async fn inspected(
        &self,
        guest: &Guest,
        upstream: &Upstream,
        mut requests: Requests,
        writer: &mut dyn StreamWriter,
        outside: &mut Connection,
    ) -> Result<(), BridgeError> {
        let activity = Activity::new(self.host.world.clone(), self.bounds.idle);
        let to = &mut *outside.writer;
        let there = async {
            loop {
                match self
                    .look(guest, upstream, &mut requests, to, &activity)
                    .await
                {
                    Ok(Looked::Sent) => {}
                    Ok(Looked::Refused(answer)) => return Ok(answer),
                    Ok(Looked::End) => {
                        to.finish().await?;
                        std::future::pending::<()>().await;
                    }
                    Err(BridgeError::Http(reason)) => {
                        self.audit.bad(&*self.host.world, guest, reason);
                        let body = format!("pqfw: HTTP: {reason}\n");
                        return Ok(answer("400 Bad Request", "text/plain", &body));
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let answers = async {
            pour(&mut *outside.reader, writer, &activity).await?;
            Ok(writer.finish().await?)
        };
        let over = match race(race(answers, there), activity.over()).await {
            First::Left(First::Left(done)) => return done,
            First::Left(First::Right(refused)) => refused?,
            First::Right(idle) => return Err(idle.into()),
        };
        writer.write_all(over.as_bytes()).await?;
        // Whoever was refused need not be there any more.
        let _ = writer.finish().await;
        Ok(())
    }

    /// Reads one whole request, looks at it, and sends it as it came.
    async fn look(
        &self,
        guest: &Guest,
        upstream: &Upstream,
        requests: &mut Requests,
        to: &mut dyn StreamWriter,
        activity: &Activity,
    ) -> Result<Looked, BridgeError> {
        let Some(Piece::Head(head)) = requests.next().await? else {
            return Ok(Looked::End);
        };
        if let Some(refused) = self.misdirected(guest, upstream, &head) {
            return Ok(refused);
        }
        let mut raw = requests.given().to_vec();
        let mut body = Vec::new();
        while !requests.at_end() {
            let data = requests.next().await? == Some(Piece::Data);
            activity.note();
            raw.extend_from_slice(requests.given());
            if data {
                body.extend_from_slice(requests.given());
            }
            if raw.len() > self.bounds.message_bytes + self.bounds.header_bytes {
                self.audit
                    .bad(&*self.host.world, guest, "a request that is too long");
                let text = "pqfw: the request is too long\n";
                return Ok(Looked::Refused(answer(
                    "413 Content Too Large",
                    "text/plain",
                    text,
                )));
            }
        }
        if head.method == "POST"
            && let Err(refused) = self.admit(guest, &body)
        {
            return Ok(Looked::Refused(answer(
                "200 OK",
                "application/json",
                &refused,
            )));
        }
        to.write_all(&raw).await?;
        activity.note();
        Ok(Looked::Sent)
    }

    /// A request that is not for the MCP server, or that nothing can be read from.
    fn misdirected(&self, guest: &Guest, upstream: &Upstream, head: &Head) -> Option<Looked> {
        let path = head.target.split('?').next().unwrap_or_default();
        let (status, reason) = match (path == upstream.path, head.encoded) {
            (false, _) => ("404 Not Found", "not the path of the MCP server"),
            (_, true) => ("415 Unsupported Media Type", "a body in a content coding"),
            _ => return None,
        };
        self.audit.bad(&*self.host.world, guest, reason);
        let text = format!("pqfw: {reason}\n");
        Some(Looked::Refused(answer(status, "text/plain", &text)))
    }

    /// Whether the message in a body may go on; else what is answered.
    fn admit(&self, guest: &Guest, body: &[u8]) -> Result<(), String> {
        let unreadable = |reason: &str| {
            self.audit.bad(&*self.host.world, guest, reason);
            Err(error(None, Code::Parse, reason))
        };
        let Ok(text) = std::str::from_utf8(body) else {
            return unreadable("a body that is not UTF-8");
        };
        let Ok(message) = Message::read(text) else {
            return unreadable("a body that is not exactly one JSON value");
        };
        let checked = self.allowed(guest, text, &message);
        checked.map_err(|answer| answer.unwrap_or_else(|| error(None, Code::Invalid, "refused")))
    }
}

/// What became of a request.
enum Looked {
    Sent,
    Refused(String),
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_http_address() {
        let read = |url: &str| {
            let upstream = Upstream::new(url, true, true).map_err(|error| error.failure);
            upstream.map(|upstream| (upstream.address, upstream.path))
        };
        let found = |address: &str, path: &str| Ok((address.to_owned(), path.to_owned()));
        assert_eq!(
            read("http://127.0.0.1:3000/mcp"),
            found("tcp://127.0.0.1:3000", "/mcp")
        );
        assert_eq!(read("http://[::1]:9"), found("tcp://[::1]:9", "/"));
        assert_eq!(
            read("http://localhost/a"),
            found("tcp://localhost:80", "/a")
        );
        assert_eq!(read("http://[::1]/a"), found("tcp://[::1]:80", "/a"));
        for bad in ["https://a/", "127.0.0.1:3000", "", "http://"] {
            assert_eq!(read(bad), Err(Failure::Usage), "{bad}");
        }
    }

    #[test]
    fn an_allow_list_that_nobody_would_enforce_is_refused() {
        assert!(Upstream::new("http://a/", false, false).is_ok());
        assert!(Upstream::new("http://a/", false, true).is_err());
    }
}
