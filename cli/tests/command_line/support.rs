//! Runs the binary, with a home of its own and an empty environment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub(crate) struct Pqfw(pub(crate) Command);

pub(crate) fn pqfw(directory: &Path, args: &[&str]) -> Pqfw {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pqfw"));
    command.args(args).current_dir(directory).env_clear();
    command
        .env("XDG_STATE_HOME", directory.join("state"))
        .env("NO_COLOR", "1");
    Pqfw(command)
}

impl Pqfw {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn run(self) -> Ran {
        self.run_with(b"")
    }

    /// Runs it with this on its standard input.
    pub(crate) fn run_with(mut self, input: &[u8]) -> Ran {
        let piped = self.0.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        let ended = std::thread::scope(|scope| {
            // Whoever does not read its input may end before it is all there.
            scope.spawn(move || drop(to.write_all(input)));
            child.wait_with_output()
        });
        let Output {
            status,
            stdout,
            stderr,
        } = ended.unwrap();
        Ran {
            code: status.code().expect("it ended by itself"),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Starts a server and waits for its ready line.
    pub(crate) fn serve(mut self) -> Server {
        let piped = self.0.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.starts_with("ready "))
            .expect("the server says that it is ready");
        let url = ready.split("url=").nth(1).unwrap().to_owned();
        Server {
            child,
            url,
            ready,
            rest: Box::new(lines.map(Result::unwrap)),
        }
    }
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn fails(self, code: i32, with: &str) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(
            self.stderr.contains(with),
            "`{with}` is not in: {}",
            self.stderr
        );
        assert_eq!(
            self.stderr.matches("error:").count(),
            1,
            "one line: {}",
            self.stderr
        );
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) ready: String,
    rest: Box<dyn Iterator<Item = String>>,
}

impl Server {
    /// Its standard output, to be read while it serves.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// Asks it to end as an init system does, and gives its exit code and what it said since.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> (i32, Vec<String>) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let said = std::mem::replace(&mut self.rest, Box::new(std::iter::empty())).collect();
        (
            self.child
                .wait()
                .unwrap()
                .code()
                .expect("it ended by itself"),
            said,
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed test must leave nothing behind; after `terminate` both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
