//! Models: what an inference runs.
//!
//! Two transform text and are there always. A profile adds further ones under `[qu3.models.NAME]`:
//! `exec` runs a command for each inference, `http` asks a model server that is already there.

mod exec;
mod http;
mod table;

pub use table::{ModelTable, UpstreamStyle};

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::system::{Event, Outside, Report};

use crate::error::ClientError;
use crate::wire;

/// A model that answers a JSON object with a JSON object.
pub trait Model: Send + Sync {
    /// What it does, in one sentence.
    fn summary(&self) -> &str;

    /// Runs it.
    ///
    /// # Errors
    /// The text that the client is given.
    fn infer(&self, input: &Object) -> Result<Json, String>;
}

/// The models of a server by name.
#[derive(Clone)]
pub struct Models(BTreeMap<String, Arc<dyn Model>>);

impl Models {
    /// The two models that every deployed server has.
    #[must_use]
    pub fn builtin() -> Self {
        let caps = Text {
            name: "model_caps",
            summary: "gives {\"text\"} in capitals as {\"capitalized_text\"}",
            output: "capitalized_text",
            transform: |text| text.to_uppercase(),
        };
        let reverse = Text {
            name: "model_reverse",
            summary: "gives {\"text\"} reversed by code point as {\"reversed_text\"}",
            output: "reversed_text",
            transform: |text| text.chars().rev().collect(),
        };
        Self(BTreeMap::new())
            .with("model_caps", caps)
            .with("model_reverse", reverse)
    }

    /// Adds the models that a profile names.
    ///
    /// # Errors
    /// [`ClientError::Config`] with the name of the model and what is wrong.
    pub fn with_tables(
        mut self,
        tables: &BTreeMap<String, ModelTable>,
        outside: &Outside,
        report: &Arc<dyn Report>,
    ) -> Result<Self, ClientError> {
        for (name, table) in tables {
            let model = table
                .model(name, outside, report)
                .map_err(|reason| ClientError::Config(format!("qu3.models.{name}: {reason}")))?;
            self.0.insert(name.clone(), model);
        }
        Ok(self)
    }

    /// Adds a model, in place of another of the same name.
    #[must_use]
    pub fn with(mut self, name: &str, model: impl Model + 'static) -> Self {
        self.0.insert(name.into(), Arc::new(model));
        self
    }

    /// The names, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Whether there is a model of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names and models in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &dyn Model)> {
        self.0.iter().map(|(name, model)| (name.as_str(), &**model))
    }

    /// Runs a model on input as it was sent: an object, or a string that holds one.
    ///
    /// # Errors
    /// The text that the client is given, as the deployed server words it.
    pub fn run(&self, model_id: &str, input_data: &Json) -> Result<Json, String> {
        let parsed;
        let input = match input_data {
            Json::Object(object) => object,
            Json::String(text) => {
                parsed = wire::parse(text.as_bytes()).map_err(|error| {
                    format!("Invalid input_data: failed to parse JSON string. ({error})")
                })?;
                parsed
                    .as_object()
                    .ok_or("Invalid input_data: content of JSON string is not an object.")?
            }
            _ => {
                let text = "Invalid input_data type: expected JSON object or JSON string.";
                return Err(text.into());
            }
        };
        let model = self.0.get(model_id);
        model
            .ok_or_else(|| format!("Unknown model ID: '{model_id}'"))?
            .infer(input)
    }
}

/// Tells the operator why a model failed. The client hears only that it did: the reason may name
/// what is behind the server.
struct Complaint {
    name: String,
    report: Arc<dyn Report>,
}

impl Complaint {
    fn about(&self, reason: impl std::fmt::Display) -> String {
        let name = &self.name;
        let warning = format!("model {name}: {reason}");
        self.report.event(&Event::Warning(warning));
        format!("The model '{name}' failed.")
    }
}

struct Text {
    name: &'static str,
    summary: &'static str,
    output: &'static str,
    transform: fn(&str) -> String,
}

impl Model for Text {
    fn summary(&self) -> &str {
        self.summary
    }

    fn infer(&self, input: &Object) -> Result<Json, String> {
        let text = input.get("text").and_then(Json::as_str).ok_or_else(|| {
            format!(
                "Invalid input for {}: 'text' field must be a string and present in input_data.",
                self.name
            )
        })?;
        Ok(Json::object([(
            self.output,
            (self.transform)(text).as_str().into(),
        )]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(model: &str, input: &str) -> Result<String, String> {
        let input = wire::parse(input.as_bytes()).unwrap();
        Models::builtin()
            .run(model, &input)
            .map(|output| output.canonical())
    }

    #[test]
    fn the_built_in_models_transform_text() {
        assert_eq!(
            run("model_caps", r#"{"text": "process this"}"#).unwrap(),
            r#"{"capitalized_text":"PROCESS THIS"}"#
        );
        let reversed = run("model_reverse", r#"{"text": "aß😀"}"#).unwrap();
        assert_eq!(reversed, r#"{"reversed_text":"\ud83d\ude00\u00dfa"}"#);
    }

    #[test]
    fn input_may_be_a_string_that_holds_an_object() {
        assert!(run("model_caps", r#""{\"text\": \"x\"}""#).is_ok());
    }

    #[test]
    fn refusals_are_in_the_deployed_words() {
        let error = |model, input| run(model, input).unwrap_err();
        assert_eq!(
            error("model_caps", r#""nonsense""#),
            "Invalid input_data: failed to parse JSON string. \
             (Expecting value: line 1 column 1 (char 0))"
        );
        assert_eq!(
            error("model_caps", r#""[]""#),
            "Invalid input_data: content of JSON string is not an object."
        );
        assert_eq!(
            error("model_caps", "7"),
            "Invalid input_data type: expected JSON object or JSON string."
        );
        assert_eq!(
            error("model_caps", r#"{"text": 7}"#),
            "Invalid input for model_caps: 'text' field must be a string and present in \
             input_data."
        );
        assert_eq!(error("nosuch", "{}"), "Unknown model ID: 'nosuch'");
    }
}
