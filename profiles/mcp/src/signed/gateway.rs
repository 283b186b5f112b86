//! The gateway: the tools of an unmodified MCP server on stdio, for clients of this dialect.
//!
//! ```text
//! clients ══ signed messages ══▶ PqcMcpServer ── Gateway ──lines──▶ child (initialize, tools/list, tools/call)
//! ```
//!
//! One child serves all clients, so it must keep nothing of one that another may not see. Calls go on
//! side by side, each with a number of its own. The child's own requests are answered: `ping` with a
//! pong, others with an error, since this dialect has no way to pass them on.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use pqfw_framework::lines::Lines;
use pqfw_framework::process::{ChildLimits, Command, Running};
use pqfw_framework::profile::Profile;
use pqfw_framework::python_json::{Json, Number};
use pqfw_framework::system::{Event, Failure, Host, Report, RunError};
use pqfw_framework::transport::{BoxFuture, StreamWriter};
use pqfw_framework::waiting::{First, both, race, within};

use super::message::{parse, printable};
use super::tools::{CallFault, ToolInfo, Tools};
use crate::config::McpConfig;

/// The version of MCP that the gateway speaks with its child.
const MCP_VERSION: &str = "2025-06-18";
/// Bytes of one line of the child's.
const LINE_BYTES: usize = 16 << 20;
/// Lines that wait for the child to read them.
const MOST_WAITING: usize = 1024;
/// Pages of a list of tools.
const MOST_PAGES: usize = 100;
/// How long each step of the child's end waits for the next.
const GRACE: Duration = Duration::from_secs(5);

/// Serves the tools of `config.command` until `stop` is done or the child has ended.
///
/// # Errors
/// [`RunError`].
pub async fn serve(
    config: &McpConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let (world, report) = (host.world.clone(), host.report.clone());
    let mut words = config.command.iter().cloned();
    let command = Command {
        program: words.next().unwrap_or_default(),
        arguments: words.collect(),
    };
    let limits = ChildLimits {
        at_once: 1,
        grace: GRACE,
    };
    let child = host
        .outside
        .processes
        .spawn(&command, limits, report.clone())
        .map_err(|error| RunError::new(Failure::Usage, error))?;
    let mut running = child.running;
    let wait = Duration::from_secs(host.settings.limits.request_secs);
    let gateway = Arc::new(Gateway {
        wait,
        report,
        state: Mutex::default(),
    });
    let lines = Lines::new(child.connection.reader, LINE_BYTES);
    let pump = both(
        gateway.clone().read(lines),
        gateway.clone().write(child.connection.writer),
    );
    let serving = async {
        let greeted = within(&*world, wait, gateway.clone().greet()).await;
        let greeted = greeted.unwrap_or_else(|| Err("it does not answer".into()));
        greeted.map_err(|words| {
            let text = format!("`{}` is no MCP server on stdio: {words}", command.program);
            RunError::new(Failure::Operation, text)
        })?;
        super::serve(gateway.clone(), config, profile, host, stop).await
    };
    let outcome = race(serving, pump).await;
    match outcome {
        First::Left(outcome) => {
            running.stop().await;
            outcome
        }
        First::Right(_) => {
            let how = how_it_ended(&*world, &mut running).await;
            let text = format!("the MCP server `{}` is gone: {how}", command.program);
            running.stop().await;
            Err(RunError::new(Failure::Operation, text))
        }
    }
}

async fn how_it_ended(
    world: &dyn pqfw_framework::world::World,
    running: &mut Box<dyn Running>,
) -> String {
    let ended = within(world, GRACE, running.ended()).await;
    ended.unwrap_or_else(|| "it closed its output".into())
}

/// The child's tools.
struct Gateway {
    wait: Duration,
    report: Arc<dyn Report>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Lines for the child.
    outbox: VecDeque<String>,
    writer: Option<Waker>,
    /// Who waits for which answer.
    calls: BTreeMap<u64, Call>,
    next: u64,
}

/// Where an answer goes.
enum Call {
    Thread(Sender<Json>),
    Task(Option<Json>, Option<Waker>),
}

impl Gateway {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes of the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a line into the outbox.
    fn send(&self, json: &Json) -> Result<(), String> {
        let mut state = self.state();
        if state.outbox.len() >= MOST_WAITING {
            return Err("the MCP server reads nothing any more".into());
        }
        state.outbox.push_back(json.default_text() + "\n");
        if let Some(waker) = state.writer.take() {
            waker.wake();
        }
        Ok(())
    }

    fn request(&self, method: &str, params: Json, call: Call) -> Result<u64, String> {
        let number = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.calls.insert(number, call);
            number
        };
        let request = Json::object([
            ("jsonrpc", "2.0".into()),
            ("id", number.into()),
            ("method", method.into()),
            ("params", params),
        ]);
        self.send(&request).inspect_err(|_| self.forget(number))?;
        Ok(number)
    }

    fn forget(&self, number: u64) {
        self.state().calls.remove(&number);
    }

    /// Makes the child's acquaintance.
    async fn greet(self: Arc<Self>) -> Result<(), String> {
        let version = env!("CARGO_PKG_VERSION");
        let client = Json::object([("name", "pqfw".into()), ("version", version.into())]);
        let params = Json::object([
            ("protocolVersion", MCP_VERSION.into()),
            ("capabilities", Json::object([])),
            ("clientInfo", client),
        ]);
        let number = self.request("initialize", params, Call::Task(None, None))?;
        let answer = poll_fn(|context| {
            let mut state = self.state();
            match state.calls.get_mut(&number) {
                Some(Call::Task(answer @ Some(_), _)) => Poll::Ready(answer.take()),
                Some(Call::Task(None, waker)) => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
                _ => Poll::Ready(None),
            }
        });
        let answer = answer.await.unwrap_or(Json::Null);
        self.forget(number);
        result(&answer)?;
        let text = "notifications/initialized";
        self.send(&Json::object([
            ("jsonrpc", "2.0".into()),
            ("method", text.into()),
        ]))
    }

    /// Asks, from a thread that may block.
    fn ask(&self, method: &str, params: Json) -> Result<Json, String> {
        let (sender, receiver): (_, Receiver<Json>) = channel();
        let number = self.request(method, params, Call::Thread(sender))?;
        let answer = receiver.recv_timeout(self.wait);
        self.forget(number);
        match answer {
            Ok(answer) => result(&answer).cloned(),
            Err(RecvTimeoutError::Timeout) => Err("the MCP server takes too long".into()),
            Err(RecvTimeoutError::Disconnected) => Err("the MCP server is gone".into()),
        }
    }

    /// Reads what the child writes, until it ends.
    async fn read(self: Arc<Self>, mut lines: Lines) -> Result<(), ()> {
        loop {
            let line = match lines.next().await {
                Err(_) | Ok(None) => {
                    // Those who wait hear of it at once.
                    self.state().calls.clear();
                    return Err(());
                }
                Ok(Some(line)) => line.map_err(|error| error.to_string()),
            };
            let message = line
                .and_then(|line| parse(line.as_bytes()).map_err(|error| error.to_string()))
                .and_then(|message| self.came(message));
            if let Err(words) = message {
                let text = format!("the MCP server wrote what is passed over: {words}");
                self.report.event(&Event::Warning(text));
            }
        }
    }

    /// Takes one message of the child's.
    fn came(&self, message: Json) -> Result<(), String> {
        let id = message.get("id");
        if message.get("method").is_none() {
            let number = id.and_then(Json::as_number).and_then(Number::as_u64);
            let mut state = self.state();
            match number.and_then(|number| state.calls.get_mut(&number)) {
                Some(Call::Thread(sender)) => {
                    // Whoever asked may have given up.
                    let _ = sender.send(message);
                }
                Some(Call::Task(answer, waker)) => {
                    *answer = Some(message);
                    if let Some(waker) = waker.take() {
                        waker.wake();
                    }
                }
                None => return Err("an answer that nobody waits for".into()),
            }
            return Ok(());
        }
        let Some(id) = id else {
            // A notification.
            return Ok(());
        };
        let (member, value) = match message.get("method").and_then(Json::as_str) {
            Some("ping") => ("result", Json::object([])),
            _ => {
                let text = "this client takes no requests";
                let error = Json::object([("code", (-32601i64).into()), ("message", text.into())]);
                ("error", error)
            }
        };
        let id = id.clone();
        self.send(&Json::object([
            ("jsonrpc", "2.0".into()),
            ("id", id),
            (member, value),
        ]))
    }

    /// Writes what is for the child.
    async fn write(self: Arc<Self>, mut writer: Box<dyn StreamWriter>) -> Result<(), ()> {
        loop {
            let line = poll_fn(|context| {
                let mut state = self.state();
                if let Some(line) = state.outbox.pop_front() {
                    return Poll::Ready(line);
                }
                state.writer = Some(context.waker().clone());
                Poll::Pending
            });
            let line = line.await;
            writer.write_all(line.as_bytes()).await.map_err(drop)?;
        }
    }
}

/// The result in an answer, or the server's words.
fn result(answer: &Json) -> Result<&Json, String> {
    if let Some(error) = answer.get("error") {
        let words = error.get("message").and_then(Json::as_str);
        return Err(printable(words.unwrap_or("no reason is given")));
    }
    answer
        .get("result")
        .ok_or_else(|| "an answer with neither result nor error".to_owned())
}

impl Tools for Gateway {
    fn list(&self) -> Result<Vec<ToolInfo>, String> {
        let mut found = Vec::new();
        let mut params = Json::object([]);
        for _ in 0..MOST_PAGES {
            let result = self.ask("tools/list", params)?;
            let tools = result.get("tools").and_then(Json::as_array);
            let text = |tool: &Json, name| tool.get(name).and_then(Json::as_str).map(str::to_owned);
            let tools = tools.unwrap_or_default().iter().filter_map(|tool| {
                Some(ToolInfo {
                    name: text(tool, "name")?,
                    description: text(tool, "description").unwrap_or_default(),
                })
            });
            found.extend(tools);
            match result.get("nextCursor") {
                None | Some(Json::Null) => return Ok(found),
                Some(cursor) => params = Json::object([("cursor", cursor.clone())]),
            }
        }
        Err(format!("its list has more than {MOST_PAGES} pages"))
    }

    fn call(&self, name: &str, arguments: &Json) -> Result<Json, CallFault> {
        let params = Json::object([("name", name.into()), ("arguments", arguments.clone())]);
        let result = self.ask("tools/call", params).map_err(CallFault::Failed)?;
        let content = result.get("content").cloned().unwrap_or(Json::Null);
        if result.get("isError") != Some(&Json::from(true)) {
            return Ok(content);
        }
        let text = |item: &Json| item.get("text").and_then(Json::as_str).map(printable);
        let words = content.as_array().unwrap_or_default().iter();
        let words: Vec<_> = words.filter_map(text).collect();
        Err(CallFault::Failed(words.join(" ")))
    }
}
