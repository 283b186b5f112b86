//! What a client of any dialect can do.

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::BoxFuture;

use crate::agent;
use crate::error::ClientError;
use crate::models::Models;
use crate::policy::{self, Reading};

/// An inference that the server attested.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// The model.
    pub model: String,
    /// Its output, or why there is none, in the server's words.
    pub outcome: Result<Json, String>,
    /// When the server says it was.
    pub timestamp: String,
    /// Which server: its version in `qu3-1`, its fingerprint in `qu3-2`.
    pub server: String,
}

/// A connected client.
pub trait InferenceClient: Send {
    /// Runs a model; what the server says was verified.
    ///
    /// # Errors
    /// [`ClientError`]. A model that gives no output is no error here.
    fn infer<'a>(
        &'a mut self,
        model: &'a str,
        input: &'a Json,
    ) -> BoxFuture<'a, Result<Inference, ClientError>>;

    /// Sends a policy; see [`readable_policy`].
    ///
    /// # Errors
    /// [`ClientError`].
    fn set_policy<'a>(
        &'a mut self,
        text: &'a str,
        as_note: bool,
    ) -> BoxFuture<'a, Result<(), ClientError>>;

    /// The models of the server, and what each does.
    ///
    /// # Errors
    /// [`ClientError`].
    fn models(&mut self) -> BoxFuture<'_, Result<Vec<(String, String)>, ClientError>>;

    /// Wipes the session here, and ends it there where the dialect can.
    fn end(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Runs a workflow; `each` sees every step as it ends. The first step without output is the last
/// one run.
///
/// # Errors
/// [`ClientError`].
pub async fn run_agent(
    client: &mut dyn InferenceClient,
    workflow: &str,
    input: &Json,
    mut each: impl FnMut(usize, &Inference),
) -> Result<Vec<Inference>, ClientError> {
    let (mut input, mut done) = (input.clone(), Vec::new());
    for (index, model) in agent::steps(workflow)?.iter().enumerate() {
        if index > 0 {
            input = agent::next_input(&input, model);
        }
        let inference = client.infer(model, &input).await?;
        each(index + 1, &inference);
        let output = inference.outcome.clone();
        done.push(inference);
        match output {
            Ok(output) => input = output,
            Err(_) => break,
        }
    }
    Ok(done)
}

/// Checks that a server can enforce a policy, before it is sent.
///
/// # Errors
/// [`ClientError::Policy`] for a text without rules or with a line that is none; `as_note` lets
/// such a text pass all the same.
pub fn readable_policy(text: &str, as_note: bool) -> Result<(), ClientError> {
    match policy::read(text, &Models::builtin().names()) {
        _ if as_note => Ok(()),
        Ok(Reading::Rules(_)) => Ok(()),
        Ok(Reading::Note) => {
            let hint = "no line is a rule, so nothing would be enforced; write `allow MODEL` or \
                        `deny MODEL`, or send it with --as-note";
            Err(ClientError::Policy(hint.into()))
        }
        Err(error) => Err(ClientError::Policy(error.to_string())),
    }
}
