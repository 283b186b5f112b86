//! A model server that stands behind this one.

use std::sync::Arc;

use futures_executor::block_on;
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::transport::{Exchange, Request};

use super::{Complaint, Model, UpstreamStyle};
use crate::wire;

pub(super) struct Upstream {
    pub(super) summary: String,
    pub(super) exchange: Arc<dyn Exchange>,
    pub(super) route: String,
    pub(super) style: UpstreamStyle,
    pub(super) model: Option<String>,
    pub(super) complaint: Complaint,
}

impl Model for Upstream {
    fn summary(&self) -> &str {
        &self.summary
    }

    fn infer(&self, input: &Object) -> Result<Json, String> {
        let body = match self.style {
            UpstreamStyle::Json => Json::Object(input.clone()),
            UpstreamStyle::OpenAi => self.completion(input)?,
        };
        let request = Request::post(&self.route, body.canonical().into_bytes());
        // Services may block: `ExchangeService`.
        let response = block_on(self.exchange.exchange(request));
        let response = response.map_err(|error| self.complaint.about(error))?;
        if response.status != 200 {
            let status = response.status;
            return Err(self
                .complaint
                .about(format!("its server answered {status}")));
        }
        let output = wire::parse(&response.body).map_err(|error| {
            let reason = format!("its server did not answer JSON: {error}");
            self.complaint.about(reason)
        })?;
        match self.style {
            UpstreamStyle::Json => Ok(output),
            UpstreamStyle::OpenAi => message(&output).ok_or_else(|| {
                let reason = "its server gave no choices[0].message.content";
                self.complaint.about(reason)
            }),
        }
    }
}

impl Upstream {
    fn completion(&self, input: &Object) -> Result<Json, String> {
        let messages = match (
            input.get("messages"),
            input.get("text").and_then(Json::as_str),
        ) {
            (Some(messages @ Json::Array(_)), _) => messages.clone(),
            (None, Some(text)) => {
                let message = Json::object([("role", "user".into()), ("content", text.into())]);
                Json::Array(vec![message])
            }
            _ => return Err("the input needs `text`, a string, or `messages`, a list".into()),
        };
        let model = self.model.as_deref().unwrap_or_default();
        Ok(Json::object([
            ("model", model.into()),
            ("messages", messages),
        ]))
    }
}

fn message(output: &Json) -> Option<Json> {
    let first = output.get("choices")?.as_array()?.first()?;
    let content = first.get("message")?.get("content")?.as_str()?;
    Some(Json::object([("text", content.into())]))
}
