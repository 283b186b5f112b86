//! A small MCP server on stdio, for demonstrations and tests: `pqfw mcp demo-server`.
//!
//! It keeps no state, so that it answers with and without `initialize`, and has the tools `add`, `echo` and
//! `wait`, of which the last never answers.

use pqfw_framework::lines::Lines;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::Connection;
use serde_json::{Value, json};

/// Bytes of one message.
const MOST_BYTES: usize = 64 << 20;

/// What it says it is.
pub const NAME: &str = "pqfw-demo-server";

/// Serves until its input ends.
///
/// # Errors
/// [`RunError`] when its input or output breaks.
pub async fn run(stdio: Connection) -> Result<(), RunError> {
    let mut input = Lines::new(stdio.reader, MOST_BYTES);
    let mut output = stdio.writer;
    while let Some(line) = input.next().await? {
        let line = line.map_err(|error| RunError::new(Failure::Operation, error))?;
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if let Some(answer) = answer(&message) {
            output.write_all(format!("{answer}\n").as_bytes()).await?;
        }
    }
    Ok(())
}

fn answer(message: &Value) -> Option<Value> {
    let id = message.get("id")?;
    let method = message.get("method")?.as_str()?;
    let result = match method {
        "initialize" => json!({
            "protocolVersion": message.pointer("/params/protocolVersion")?,
            "capabilities": { "tools": {} },
            "serverInfo": { "name": NAME, "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools() }),
        "tools/call" => return call(id, message.get("params")?),
        _ => {
            let text = format!("no method {method}");
            return Some(failed(id, -32601, &text));
        }
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn call(id: &Value, params: &Value) -> Option<Value> {
    let argument = |name: &str| params.get("arguments").and_then(|all| all.get(name));
    let number = |name: &str| argument(name).and_then(Value::as_f64);
    let text = match params.get("name").and_then(Value::as_str) {
        Some("add") => number("a")
            .zip(number("b"))
            .map(|(a, b)| (a + b).to_string()),
        Some("echo") => argument("text").and_then(Value::as_str).map(str::to_owned),
        Some("wait") => return None,
        _ => None,
    };
    let Some(text) = text else {
        return Some(failed(id, -32602, "no such tool, or not such arguments"));
    };
    let content = json!([{ "type": "text", "text": text }]);
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": { "content": content } }))
}

fn failed(id: &Value, code: i32, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
}

fn tools() -> Value {
    let number = json!({ "type": "number" });
    let tool = |name: &str, description: &str, properties: Value| {
        let schema = json!({ "type": "object", "properties": properties });
        json!({ "name": name, "description": description, "inputSchema": schema })
    };
    json!([
        tool(
            "add",
            "adds two numbers",
            json!({ "a": number, "b": number })
        ),
        tool(
            "echo",
            "says what it is told",
            json!({ "text": { "type": "string" } })
        ),
        tool("wait", "never answers", json!({})),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<Value> {
        answer(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn calls_are_answered_and_nothing_else_is() {
        let sum = asked(
            r#"{"id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":2,"b":3}}}"#,
        );
        assert_eq!(sum.unwrap()["result"]["content"][0]["text"], "5");
        let none = asked(r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
        assert_eq!(none.unwrap()["error"]["code"], -32602);
        assert_eq!(
            asked(r#"{"id":1,"method":"x"}"#).unwrap()["error"]["code"],
            -32601
        );
        let wait = r#"{"id":1,"method":"tools/call","params":{"name":"wait"}}"#;
        for silent in [
            wait,
            r#"{"method":"notifications/initialized"}"#,
            r#"{"id":1,"result":{}}"#,
        ] {
            assert_eq!(asked(silent), None, "{silent}");
        }
    }
}
