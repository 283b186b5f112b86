//! The bodies of `qu3-1`: JSON in, JSON out, and FastAPI's words for what is missing.
//!
//! Every reader is strict where the deployed server is lenient: base64 must be canonical, lengths
//! are checked, and what was not understood is never acted upon.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::python_json::{self, Json, Limits, Object, ParseError};
use pqfw_framework::transport::Response;

use crate::error::Refusal;

/// The routes of the dialect.
pub mod route {
    /// Says that a server is there.
    pub const ROOT: &str = "/";
    /// The server's public keys.
    pub const KEYS: &str = "/keys";
    /// Makes a session.
    pub const HANDSHAKE: &str = "/kem-handshake/initiate";
    /// Runs a model.
    pub const INFERENCE: &str = "/inference";
    /// Sets an access policy.
    pub const POLICY: &str = "/policy-update";
}

/// The depth of JSON that is read; deployed peers nest a handful of levels.
pub const MAX_DEPTH: usize = 64;

/// Commas and brackets of a request body, each of which can cost a hundred bytes of memory once it
/// is read. The deployed bodies have four.
const MAX_ENVELOPE_MARKS: usize = 1024;
/// The same of a plaintext, which only somebody with a session can send.
const MAX_PLAINTEXT_MARKS: usize = 1 << 18;

/// The largest body that a 422 repeats, so that a refusal never costs more than the request.
const MAX_ECHO_BYTES: usize = 1024;

/// Reads JSON with this dialect's limits.
///
/// # Errors
/// [`ParseError`], in CPython's words where CPython refuses too.
pub fn parse(text: &[u8]) -> Result<Json, ParseError> {
    python_json::parse(
        text,
        Limits {
            bytes: text.len(),
            depth: MAX_DEPTH,
        },
    )
}

/// The string fields of a request body, in the order of `names`.
///
/// # Errors
/// [`Refusal::Unprocessable`] that lists every field that is missing or no string.
pub fn string_fields<const N: usize>(
    body: &[u8],
    names: [&str; N],
) -> Result<[String; N], Refusal> {
    if marks(body) > MAX_ENVELOPE_MARKS {
        let what = "The body holds more values than any request has.";
        return Err(Refusal::BadRequest(what.into()));
    }
    let json = match parse(body) {
        Ok(json) => json,
        Err(_) if body.is_empty() => return Err(unprocessable([missing(None, Json::Null)])),
        Err(error) => return Err(unprocessable([invalid_json(&error)])),
    };
    let small = body.len() <= MAX_ECHO_BYTES;
    let echo = |value: &Json| {
        if small {
            value.clone()
        } else {
            Object::new().into()
        }
    };
    let Json::Object(object) = &json else {
        let text = "Input should be a valid dictionary or object to extract fields from";
        let kind = "model_attributes_type";
        return Err(unprocessable([detail(kind, None, text, echo(&json))]));
    };
    let mut details = Vec::new();
    let fields = names.map(|name| match object.get(name) {
        Some(Json::String(text)) => text.clone(),
        Some(other) => {
            let text = "Input should be a valid string";
            details.push(detail("string_type", Some(name), text, echo(other)));
            String::new()
        }
        None => {
            details.push(missing(Some(name), echo(&json)));
            String::new()
        }
    });
    if details.is_empty() {
        Ok(fields)
    } else {
        Err(unprocessable(details))
    }
}

fn marks(text: &[u8]) -> usize {
    text.iter().filter(|byte| b",[{".contains(byte)).count()
}

fn unprocessable(details: impl Into<Vec<Json>>) -> Refusal {
    Refusal::Unprocessable(details.into().into())
}

fn missing(field: Option<&str>, input: Json) -> Json {
    detail("missing", field, "Field required", input)
}

fn detail(kind: &str, field: Option<&str>, message: &str, input: Json) -> Json {
    let location = std::iter::once("body")
        .chain(field)
        .map(Json::from)
        .collect::<Vec<_>>();
    Json::object([
        ("type", kind.into()),
        ("loc", location.into()),
        ("msg", message.into()),
        ("input", input),
    ])
}

fn invalid_json(error: &ParseError) -> Json {
    let at = u64::try_from(error.position.offset).unwrap_or(u64::MAX);
    Json::object([
        ("type", "json_invalid".into()),
        ("loc", vec![Json::from("body"), at.into()].into()),
        ("msg", "JSON decode error".into()),
        ("input", Object::new().into()),
        (
            "ctx",
            Json::object([("error", error.problem.to_string().as_str().into())]),
        ),
    ])
}

/// Standard base64 with padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 with padding, canonical alone: no spaces, no stray bits.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A response whose body is `json` in the separators that the deployed server uses.
#[must_use]
pub fn response(status: u16, json: &Json) -> Response {
    Response {
        status,
        body: compact(json).into_bytes(),
    }
}

/// Insertion order with the narrow separators of the deployed server's responses.
fn compact(json: &Json) -> String {
    match json {
        Json::Object(object) => {
            let entries = object
                .iter()
                .map(|(key, value)| format!("{}:{}", Json::from(key).canonical(), compact(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Json::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(compact).collect::<Vec<_>>().join(",")
            )
        }
        scalar => scalar.canonical(),
    }
}

/// What a client signs and seals for an inference.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceRequest {
    /// A JSON object, or a string that holds one; signed as it was sent.
    pub input_data: Json,
    /// The model.
    pub model_id: String,
    /// Where the client believes it is talking to.
    pub target_server_url: String,
}

impl InferenceRequest {
    /// `CANON({input_data, model_id, target_server_url})`: the signed bytes.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        Json::from(self.fields()).canonical().into_bytes()
    }

    /// `CANON` of the same with the signature: the sealed plaintext.
    #[must_use]
    pub fn plaintext(&self, signature: &[u8]) -> Vec<u8> {
        let mut fields = self.fields();
        fields.insert("pqc_signature_b64", encode(signature).as_str());
        Json::from(fields).canonical().into_bytes()
    }

    fn fields(&self) -> Object {
        let mut fields = Object::new();
        fields.insert("input_data", self.input_data.clone());
        fields.insert("model_id", self.model_id.as_str());
        fields.insert("target_server_url", self.target_server_url.as_str());
        fields
    }

    /// Reads a plaintext; the signature comes apart and has not been verified.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] in the deployed server's words.
    pub fn read(plaintext: &[u8]) -> Result<(Self, Vec<u8>), Refusal> {
        let invalid = |reason: &str| {
            Refusal::BadRequest(format!("Invalid encrypted request format: {reason}"))
        };
        if marks(plaintext) > MAX_PLAINTEXT_MARKS {
            return Err(invalid("more values than this server reads"));
        }
        let json = parse(plaintext).map_err(|error| invalid(&error.to_string()))?;
        let object = json
            .as_object()
            .ok_or_else(|| invalid("not a JSON object"))?;
        let text = |name: &str| {
            let value = object.get(name).and_then(Json::as_str);
            value
                .map(str::to_owned)
                .ok_or_else(|| invalid(&format!("`{name}` must be a string")))
        };
        let signature = match object.get("pqc_signature_b64") {
            None => {
                let what = "Missing 'pqc_signature_b64' in decrypted payload.";
                return Err(Refusal::BadRequest(format!(
                    "Invalid signature data format: {what}"
                )));
            }
            Some(value) => value.as_str().and_then(decode).ok_or_else(|| {
                let what = "'pqc_signature_b64' is not base64.";
                Refusal::BadRequest(format!("Invalid signature data format: {what}"))
            })?,
        };
        let request = Self {
            input_data: object
                .get("input_data")
                .cloned()
                .ok_or_else(|| invalid("`input_data` is missing"))?,
            model_id: text("model_id")?,
            target_server_url: text("target_server_url")?,
        };
        Ok((request, signature))
    }
}

/// What the server says it did, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The server's version.
    pub server_version: String,
    /// The model.
    pub model_id: String,
    /// Whether the model gave an output.
    pub success: bool,
    /// Base64 of the input's sorted JSON text: a copy rather than a hash, as deployed.
    pub input_hash: String,
    /// Base64 of the output's sorted JSON text.
    pub output_hash: String,
    /// When, in ISO 8601.
    pub timestamp: String,
}

impl Attestation {
    /// The field that stands for a value: base64 of `json.dumps(value, sort_keys=True)`.
    #[must_use]
    pub fn hash_of(value: &Json) -> String {
        encode(value.default_sorted_text().as_bytes())
    }

    fn status(&self) -> &'static str {
        if self.success { "success" } else { "error" }
    }

    fn json(&self) -> Json {
        Json::object([
            ("serverVersion", self.server_version.as_str().into()),
            ("modelId", self.model_id.as_str().into()),
            ("status", self.status().into()),
            ("inputHash", self.input_hash.as_str().into()),
            ("outputHash", self.output_hash.as_str().into()),
            ("timestamp", self.timestamp.as_str().into()),
        ])
    }

    /// `CANON(attestation_data)`: the signed bytes.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        self.json().canonical().into_bytes()
    }
}

/// What the server seals in answer to an inference.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceResponse {
    /// The model's output, or why there is none.
    pub outcome: Result<Json, String>,
    /// What was signed.
    pub attestation: Attestation,
    /// The server's signature over [`Attestation::signed_bytes`].
    pub signature: Vec<u8>,
}

impl InferenceResponse {
    /// The sealed plaintext, in the deployed server's order and separators.
    #[must_use]
    pub fn plaintext(&self) -> Vec<u8> {
        let (output, message) = match &self.outcome {
            Ok(output) => (output.clone(), Json::Null),
            Err(message) => (Json::Null, message.as_str().into()),
        };
        Json::object([
            ("status", self.attestation.status().into()),
            ("output_data", output),
            ("error_message", message),
            ("attestation_data", self.attestation.json()),
            (
                "attestation_signature_b64",
                encode(&self.signature).as_str().into(),
            ),
            ("audit_hash", Json::Null),
        ])
        .default_text()
        .into_bytes()
    }

    /// Reads a plaintext. Nothing is verified; `signed` are the bytes that the signature covers,
    /// made from the attestation *as received*, unknown fields included.
    #[must_use]
    pub fn read(plaintext: &[u8]) -> Option<(Self, Vec<u8>)> {
        let json = parse(plaintext).ok()?;
        let attested = json.get("attestation_data")?;
        let text = |name| attested.get(name)?.as_str().map(str::to_owned);
        let success = match json.get("status")?.as_str()? {
            "success" => true,
            "error" => false,
            _ => return None,
        };
        let outcome = if success {
            Ok(json.get("output_data")?.clone())
        } else {
            Err(json.get("error_message")?.as_str()?.to_owned())
        };
        let attestation = Attestation {
            server_version: text("serverVersion")?,
            model_id: text("modelId")?,
            success: text("status")? == "success",
            input_hash: text("inputHash")?,
            output_hash: text("outputHash")?,
            timestamp: text("timestamp")?,
        };
        let signature = decode(json.get("attestation_signature_b64")?.as_str()?)?;
        let signed = attested.canonical().into_bytes();
        Some((
            Self {
                outcome,
                attestation,
                signature,
            },
            signed,
        ))
    }
}

/// The plaintext of the answer to a policy update, signed and sealed as it is.
pub const POLICY_ACCEPTED: &str =
    r#"{"status": "Policy update received and verified successfully."}"#;
