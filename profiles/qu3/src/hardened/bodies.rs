//! The bodies inside the channel.

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::Response;

use super::attestation::Attestation;
use crate::wire;

/// What a client asks of `/inference`.
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) input: Json,
}

impl Ask {
    pub(super) fn body(&self) -> Vec<u8> {
        let json = Json::object([
            ("model", self.model.as_str().into()),
            ("input", self.input.clone()),
        ]);
        json.canonical().into_bytes()
    }

    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let json = wire::parse(body).map_err(|error| format!("not JSON: {error}"))?;
        let model = json.get("model").and_then(Json::as_str);
        let input = json.get("input");
        match (model, input) {
            (Some(model), Some(input)) => Ok(Self {
                model: model.into(),
                input: input.clone(),
            }),
            _ => Err("`model`, a string, and `input` are needed".into()),
        }
    }
}

/// What a server answers.
pub(super) struct Answer {
    pub(super) outcome: Result<Json, String>,
    pub(super) attestation: Attestation,
    pub(super) signature: Vec<u8>,
}

impl Answer {
    pub(super) fn response(&self) -> Response {
        let (output, error) = match &self.outcome {
            Ok(output) => (output.clone(), Json::Null),
            Err(text) => (Json::Null, text.as_str().into()),
        };
        let json = Json::object([
            ("output", output),
            ("error", error),
            ("attestation", self.attestation.json()),
            (
                "signature_b64",
                wire::encode(&self.signature).as_str().into(),
            ),
        ]);
        wire::response(200, &json)
    }

    /// `None` for anything that a server of this dialect does not write.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let json = wire::parse(body).ok()?;
        let outcome = match (json.get("output")?, json.get("error")?) {
            (output, Json::Null) => Ok(output.clone()),
            (Json::Null, Json::String(text)) => Err(text.clone()),
            _ => return None,
        };
        Some(Self {
            outcome,
            attestation: Attestation::read(json.get("attestation")?)?,
            signature: json.get("signature_b64")?.as_str().and_then(wire::decode)?,
        })
    }
}
