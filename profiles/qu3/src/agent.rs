//! Agent workflows: `a->b->c`, one signed request a step, each output the next input.

use pqfw_framework::python_json::Json;

use crate::error::ClientError;
use crate::models::Models;

/// Reads a workflow: model names parted by `->`.
///
/// # Errors
/// [`ClientError::Workflow`] when it has no step, or an empty one.
pub fn steps(workflow: &str) -> Result<Vec<String>, ClientError> {
    let steps: Vec<_> = workflow
        .split("->")
        .map(|step| step.trim().to_owned())
        .collect();
    if steps.iter().any(String::is_empty) {
        return Err(ClientError::Workflow(workflow.into()));
    }
    Ok(steps)
}

/// Makes a step's output the input of `next_model`.
///
/// A value that is no object becomes `{"text": value}`. For the built-in text models, so does the
/// value of an object with one key whose value is a string.
#[must_use]
pub fn next_input(output: &Json, next_model: &str) -> Json {
    let text = |value: &Json| Json::object([("text", value.clone())]);
    let Some(object) = output.as_object() else {
        return text(output);
    };
    let takes_text = Models::builtin().has(next_model);
    match (takes_text, object.iter().next()) {
        (true, Some((_, value @ Json::String(_)))) if object.len() == 1 => text(value),
        _ => output.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_split_and_trimmed() {
        assert_eq!(steps(" a -> b->c ").unwrap(), ["a", "b", "c"]);
        for bad in ["", "a->", "->a", "a->->b"] {
            assert!(matches!(steps(bad), Err(ClientError::Workflow(_))), "{bad}");
        }
    }

    #[test]
    fn an_output_becomes_the_next_input() {
        let text = Json::object([("text", "X".into())]);
        let caps = Json::object([("capitalized_text", "X".into())]);
        assert_eq!(next_input(&caps, "model_reverse"), text);
        assert_eq!(next_input(&caps, "someone_elses"), caps);
        assert_eq!(next_input(&"X".into(), "someone_elses"), text);
        let two = Json::object([("a", "X".into()), ("b", "Y".into())]);
        assert_eq!(next_input(&two, "model_caps"), two);
    }
}
