//! The process's standard input and output.

use std::io::{self, IsTerminal};

use pqfw_framework::system::Standard;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Stdin, Stdout};

/// The operating system's three standard streams, of which these are two.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsStandard;

impl Standard for OsStandard {
    fn open(&self) -> Connection {
        Connection {
            reader: Box::new(Input(tokio::io::stdin())),
            writer: Box::new(Output(Some(tokio::io::stdout()))),
            peer: "standard input".into(),
        }
    }

    fn is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }
}

struct Input(Stdin);

impl StreamReader for Input {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = self.0.read(buffer).await;
            read.map_err(|error| broken("standard input", &error))
        })
    }
}

/// `None` once it is finished: a process cannot close its standard output, only stop writing.
struct Output(Option<Stdout>);

impl StreamWriter for Output {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let Some(stdout) = &mut self.0 else {
                let ended = io::Error::from(io::ErrorKind::BrokenPipe);
                return Err(broken("standard output", &ended));
            };
            let written = async {
                stdout.write_all(bytes).await?;
                stdout.flush().await
            };
            let written = written.await;
            written.map_err(|error| broken("standard output", &error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.0 = None;
        Box::pin(async { Ok(()) })
    }
}

fn broken(address: &str, error: &io::Error) -> TransportError {
    TransportError::Broken {
        address: address.into(),
        reason: error.to_string(),
    }
}
