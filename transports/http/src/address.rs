//! Addresses, as profiles write them.

use hyper::Uri;
use pqfw_framework::transport::TransportError;

/// The beginning of every URL of one server, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// Reads `transport.connect`: `http://HOST[:PORT][/PATH]`, or `https://` under TLS.
    pub(crate) fn parse(connect: &str, tls: bool) -> Result<Self, TransportError> {
        let no = |reason| Err(refused(connect, reason));
        let scheme = connect.split("://").next().unwrap_or_default();
        match (scheme, tls) {
            ("http", false) | ("https", true) if connect.contains("://") => {}
            ("http", true) => return no("with `transport.tls` write https://"),
            ("https", false) => return no("https:// takes a table `transport.tls`"),
            (_, true) => return no("write https://HOST:PORT, such as https://127.0.0.1:8443"),
            (_, false) => return no("write http://HOST:PORT, such as http://127.0.0.1:8000"),
        }
        if connect.contains(['?', '#', '@']) {
            return no("it takes no user, no query and no fragment");
        }
        let Ok(uri) = connect.parse::<Uri>() else {
            return no("it is not a URL");
        };
        let Some(authority) = uri.authority() else {
            return no("it names no host");
        };
        // A port is there when something follows the host; it may still not be a number.
        let has_port = authority.as_str().len() > authority.host().len();
        if authority.host().is_empty() || (has_port && authority.port_u16().is_none_or(is_zero)) {
            return no("a host is needed, and a port is a number from 1 to 65535");
        }
        Ok(Self(connect.trim_end_matches('/').to_owned()))
    }

    /// The URL of a route below this one.
    pub(crate) fn join(&self, route: &str) -> Result<Uri, TransportError> {
        let url = format!("{}{route}", self.0);
        if !route.starts_with('/') || route.contains(['?', '#']) {
            return Err(refused(&url, "a route begins with / and has no query"));
        }
        let uri = url.parse();
        uri.map_err(|_| refused(&url, "the route holds characters that a URL cannot"))
    }

    /// As errors name it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_zero(port: u16) -> bool {
    port == 0
}

fn refused(address: &str, reason: &str) -> TransportError {
    TransportError::Address {
        address: address.escape_debug().to_string(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(refused: Result<impl std::fmt::Debug, TransportError>) -> String {
        match refused {
            Err(TransportError::Address { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_base_path_is_kept_and_a_slash_at_its_end_is_not() {
        for (connect, url) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a/b"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/a/b"),
            ("http://[::1]:8000", "http://[::1]:8000/a/b"),
            ("http://host.example", "http://host.example/a/b"),
            ("http://host.example/x/y/", "http://host.example/x/y/a/b"),
        ] {
            let base = BaseUrl::parse(connect, false).unwrap();
            assert_eq!(base.join("/a/b").unwrap().to_string(), url);
        }
    }

    #[test]
    fn the_scheme_says_tls_exactly_when_the_profile_does() {
        for (connect, tls) in [
            ("https://host.example", false),
            ("http://host.example", true),
        ] {
            assert!(reason(BaseUrl::parse(connect, tls)).contains("`transport.tls`"));
        }
        let base = BaseUrl::parse("https://host.example:8443/x", true).unwrap();
        assert_eq!(base.as_str(), "https://host.example:8443/x");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for bad in [
            "",
            "127.0.0.1:8000",
            "host.example",
            "ftp://host.example",
            "http://",
            "http:///x",
            "http://:80",
            "http://host:",
            "http://host:0",
            "http://host:65536",
            "http://host:x",
            "http://user@host",
            "http://host/?q",
            "http://host/#f",
            "http://a b",
            "http://h/\n",
        ] {
            reason(BaseUrl::parse(bad, false));
        }
    }

    #[test]
    fn a_route_cannot_change_the_host_or_split_the_request() {
        let base = BaseUrl::parse("http://host.example", false).unwrap();
        for bad in [
            "",
            "x",
            ".evil.example/",
            "@evil.example/",
            ":1/",
            "/a?b",
            "/a#b",
            "/a b",
            "/\r\n",
        ] {
            reason(base.join(bad));
        }
        let kept = base.join("/a%2Fb//../%7e").unwrap();
        assert_eq!(kept.path(), "/a%2Fb//../%7e");
    }
}
