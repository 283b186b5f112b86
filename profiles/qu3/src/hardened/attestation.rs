//! The attestation: what a server signs about one inference.
//!
//! It is a JSON object whose canonical form is hashed and signed with the server's identity key
//! under a label of its own. Each field is bound to something that the client knows without the
//! server: its own request, the output it was given, the session and the counter of the exchange
//! (from the channel), the identity that the channel proved, and the client's own clock.

use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::python_json::Json;
use pqfw_framework::world::Now;

/// The label under which it is signed.
pub const STATEMENT: &str = "qu3-2/attestation";

/// The label under which the channel exports the session's name.
pub const EXPORTER: &str = "qu3-2 attestation";

/// How far the server's clock may be from the client's.
pub const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// What the server says about one inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The server's fingerprint.
    pub server: String,
    /// The model that ran.
    pub model: String,
    /// Whether it gave an output.
    pub success: bool,
    /// SHA-256 over the request's body, hexadecimal.
    pub request_sha256: String,
    /// SHA-256 over the canonical form of the output, or of `null`, hexadecimal.
    pub output_sha256: String,
    /// 32 bytes exported from the channel, hexadecimal.
    pub session: String,
    /// The counter of the exchange.
    pub counter: u64,
    /// When, microseconds since 1970.
    pub unix_micros: u64,
}

impl Attestation {
    /// The object that is hashed, signed and sent.
    #[must_use]
    pub fn json(&self) -> Json {
        let status = if self.success { "success" } else { "error" };
        let number = |n: u64| Json::from(n.to_string().as_str());
        Json::object([
            ("counter", number(self.counter)),
            ("model", self.model.as_str().into()),
            ("output_sha256", self.output_sha256.as_str().into()),
            ("request_sha256", self.request_sha256.as_str().into()),
            ("server", self.server.as_str().into()),
            ("session", self.session.as_str().into()),
            ("status", status.into()),
            ("unix_micros", number(self.unix_micros)),
        ])
    }

    /// The digest that is signed.
    #[must_use]
    pub fn digest(&self, sha256: &AdmittedHash) -> Vec<u8> {
        sha256.digest(&[self.json().canonical().as_bytes()])
    }

    /// Reads what [`Self::json`] made; `None` for anything else, further fields included.
    #[must_use]
    pub fn read(json: &Json) -> Option<Self> {
        let text = |name| json.get(name).and_then(Json::as_str);
        let number = |name| text(name).and_then(|text| text.parse().ok());
        let read = Self {
            server: text("server")?.into(),
            model: text("model")?.into(),
            success: match text("status")? {
                "success" => true,
                "error" => false,
                _ => return None,
            },
            request_sha256: text("request_sha256")?.into(),
            output_sha256: text("output_sha256")?.into(),
            session: text("session")?.into(),
            counter: number("counter")?,
            unix_micros: number("unix_micros")?,
        };
        (read.json() == *json).then_some(read)
    }

    /// Compares each field with what the client knows, but for the time; gives the first that
    /// differs.
    #[must_use]
    pub fn difference(&self, expected: &Self, now: Now) -> Option<&'static str> {
        let skew = self.unix_micros.abs_diff(now.unix_micros);
        let fields = [
            ("server", self.server == expected.server),
            ("model", self.model == expected.model),
            ("status", self.success == expected.success),
            ("request", self.request_sha256 == expected.request_sha256),
            ("output", self.output_sha256 == expected.output_sha256),
            ("session", self.session == expected.session),
            ("counter", self.counter == expected.counter),
            ("time", u128::from(skew) <= CLOCK_SKEW.as_micros()),
        ];
        fields
            .into_iter()
            .find(|(_, same)| !same)
            .map(|(field, _)| field)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attestation() -> Attestation {
        Attestation {
            server: "sha256:ab".into(),
            model: "m".into(),
            success: true,
            request_sha256: "01".into(),
            output_sha256: "02".into(),
            session: "03".into(),
            counter: u64::MAX,
            unix_micros: 1_000_000_000_000,
        }
    }

    const NOW: Now = Now {
        since_start: Duration::ZERO,
        unix_micros: 1_000_000_000_000,
    };

    #[test]
    fn it_has_one_encoding() {
        let attestation = attestation();
        let json = attestation.json();
        assert_eq!(Attestation::read(&json), Some(attestation.clone()));
        let mut longer = json.as_object().unwrap().clone();
        longer.insert("more", "x");
        assert_eq!(Attestation::read(&longer.into()), None);
        for name in ["server", "status", "counter", "unix_micros"] {
            let mut other = json.as_object().unwrap().clone();
            other.insert(name, Json::Null);
            assert_eq!(Attestation::read(&other.clone().into()), None, "{name}");
            other.remove(name);
            assert_eq!(Attestation::read(&other.into()), None, "{name}");
        }
        let mut padded = json.as_object().unwrap().clone();
        padded.insert("counter", "007");
        assert_eq!(Attestation::read(&padded.into()), None);
    }

    #[test]
    fn every_field_is_compared() {
        let right = attestation();
        assert_eq!(right.difference(&attestation(), NOW), None);
        type Change = fn(&mut Attestation);
        let changes: [(&str, Change); 8] = [
            ("server", |a| a.server.push('c')),
            ("model", |a| a.model.push('c')),
            ("status", |a| a.success = false),
            ("request", |a| a.request_sha256.push('c')),
            ("output", |a| a.output_sha256.push('c')),
            ("session", |a| a.session.push('c')),
            ("counter", |a| a.counter -= 1),
            ("time", |a| a.unix_micros += 300_000_001),
        ];
        for (field, change) in changes {
            let mut wrong = attestation();
            change(&mut wrong);
            assert_eq!(wrong.difference(&right, NOW), Some(field));
        }
        let mut early = attestation();
        early.unix_micros -= 300_000_000;
        assert_eq!(early.difference(&right, NOW), None);
    }
}
