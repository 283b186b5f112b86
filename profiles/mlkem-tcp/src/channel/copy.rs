//! Bytes from one stream into another, and both ways at once.

use pqfw_framework::transport::{Connection, StreamReader, StreamWriter};
use zeroize::Zeroizing;

use super::activity::Activity;
use super::error::ChatError;
use pqfw_framework::waiting::{First, both, race};

/// Bytes moved at once.
pub(super) const CHUNK: usize = 16 << 10;

/// Moves everything; the end is the caller's to pass on.
pub(super) async fn pour(
    from: &mut dyn StreamReader,
    to: &mut dyn StreamWriter,
    activity: &Activity,
) -> Result<(), ChatError> {
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        activity.note();
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        activity.note();
    }
}

/// Joins two connections until each has ended both directions by itself. After an error neither end
/// is told that the other was done: what is cut off must not look whole.
pub(super) async fn splice(
    left: &mut Connection,
    right: &mut Connection,
    activity: &Activity,
) -> Result<(), ChatError> {
    let there = async {
        pour(&mut *left.reader, &mut *right.writer, activity).await?;
        Ok(right.writer.finish().await?)
    };
    let back = async {
        pour(&mut *right.reader, &mut *left.writer, activity).await?;
        Ok(left.writer.finish().await?)
    };
    match race(both(there, back), activity.over()).await {
        First::Left(done) => done,
        First::Right(idle) => Err(idle),
    }
}
