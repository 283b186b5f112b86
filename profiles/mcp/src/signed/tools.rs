//! Tools: what a server does for its clients.

use std::collections::BTreeMap;

use pqfw_framework::python_json::Json;

/// A tool as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolInfo {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
}

/// A call that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// There is no tool of that name.
    Unknown,
    /// The tool's fault, or its arguments'; in words for the client.
    Failed(String),
}

/// Where calls go. Called from many threads at once, where blocking is allowed.
pub trait Tools: Send + Sync {
    /// The tools there are.
    ///
    /// # Errors
    /// In words for the client.
    fn list(&self) -> Result<Vec<ToolInfo>, String>;

    /// Calls one.
    ///
    /// # Errors
    /// [`CallFault`].
    fn call(&self, name: &str, arguments: &Json) -> Result<Json, CallFault>;
}

type Function = Box<dyn Fn(&Json) -> Result<Json, String> + Send + Sync>;

/// Tools that are functions of this process.
#[derive(Default)]
pub struct Toolbox(BTreeMap<String, (String, Function)>);

impl Toolbox {
    /// Adds a tool, in the place of one of the same name.
    #[must_use]
    pub fn tool(
        mut self,
        name: &str,
        description: &str,
        function: impl Fn(&Json) -> Result<Json, String> + Send + Sync + 'static,
    ) -> Self {
        let tool: (String, Function) = (description.to_owned(), Box::new(function));
        self.0.insert(name.to_owned(), tool);
        self
    }

    /// The tools of `mcp.demo_tools`.
    #[must_use]
    pub fn demo() -> Self {
        Self::default()
            .tool("greet", "Greets by name", |arguments| {
                let name = arguments.get("name").and_then(Json::as_str);
                let name = name.ok_or("`name` must be a text")?;
                Ok(format!("Hello, {name}!").into())
            })
            .tool("echo", "Gives its value back", |arguments| {
                Ok(arguments.get("value").cloned().unwrap_or(Json::Null))
            })
            .tool("fail", "Fails", |_| Err("boom".into()))
    }
}

impl Tools for Toolbox {
    fn list(&self) -> Result<Vec<ToolInfo>, String> {
        let info = |(name, (description, _)): (&String, &(String, Function))| ToolInfo {
            name: name.clone(),
            description: description.clone(),
        };
        Ok(self.0.iter().map(info).collect())
    }

    fn call(&self, name: &str, arguments: &Json) -> Result<Json, CallFault> {
        let (_, function) = self.0.get(name).ok_or(CallFault::Unknown)?;
        function(arguments).map_err(CallFault::Failed)
    }
}
