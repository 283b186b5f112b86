//! The Unix socket: made for its owner alone, taken over from the dead, and removed at the end.
//!
//! It is bound under another name, given its mode, and renamed before it listens, so that nobody
//! ever connects to one with a wider mode, and so that a path which a killed process has left
//! behind is replaced at once. A path where a process answers, or which is no socket, is refused.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pqfw_framework::transport::{BoxFuture, Listener, TransportError};
use pqfw_runtime::desk::{self, Door};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

use crate::LIMITS;
use crate::answer::Answers;
use crate::connection::drive;

/// Listens at a path, and answers until the listener is shut down or dropped.
pub(crate) async fn open(
    path: &Path,
    answers: Arc<dyn Answers>,
) -> Result<Box<dyn Listener>, TransportError> {
    let url = format!("unix:{}", path.display());
    let no = |reason: String| TransportError::Listen {
        address: url.clone(),
        reason,
    };
    if path.as_os_str().len() > LONGEST_PATH_BYTES {
        let reason = format!(
            "the path of a socket has at most {LONGEST_PATH_BYTES} bytes; set control.socket to a \
             shorter one"
        );
        return Err(no(reason));
    }
    check_free(path).await.map_err(&no)?;
    let (socket, file) = listen(path).map_err(|error| no(error.to_string()))?;
    let drive = move |stream: UnixStream, stop| drive(stream, answers.clone(), stop);
    let inner = desk::open(url.clone(), SocketDoor(socket), LIMITS, drive);
    Ok(Box::new(Bound { inner, file }))
}

/// `sun_path` of unix(7) with its closing zero has 108 bytes, on some systems 104; and a suffix of
/// [`PART`] stands there for a moment.
const LONGEST_PATH_BYTES: usize = 98;
const PART: &str = ".new";

async fn check_free(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            return Err("a file is there that is no socket; move it away".into());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err("a process answers there already; is this node running?".into()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(directory)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    let part = PathBuf::from(part);
    // What a process left behind that was killed between the next lines.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(&part)?;
    fs::set_permissions(&part, Permissions::from_mode(0o600))?;
    fs::rename(&part, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        identity: identity(&fs::symlink_metadata(path)?),
    };
    Ok((socket.listen(BACKLOG)?, file))
}

const BACKLOG: u32 = 16;

/// Which file it is, whatever its name.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The path, which goes when this is dropped, unless another process has taken it.
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path);
        if there.is_ok_and(|there| identity(&there) == self.identity) {
            // What cannot be removed is refused or replaced at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

struct SocketDoor(UnixListener);

impl Door for SocketDoor {
    type Visitor = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        Ok(self.0.accept().await?.0)
    }
}

struct Bound {
    inner: Box<dyn Listener>,
    file: SocketFile,
}

impl Listener for Bound {
    fn url(&self) -> &str {
        self.inner.url()
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self { inner, file } = *self;
        drop(file);
        inner.shutdown()
    }
}
