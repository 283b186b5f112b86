//! Bytes from one stream into another.

use pqfw_framework::transport::{Connection, StreamReader, StreamWriter};
use pqfw_framework::waiting::{First, both, race};

use super::error::BridgeError;
use super::pipe::Activity;

/// Moved at once.
const CHUNK: usize = 16 << 10;

/// Moves everything, and then the end.
pub(super) async fn back(
    from: &mut dyn StreamReader,
    to: &mut dyn StreamWriter,
    activity: &Activity,
) -> Result<(), BridgeError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(to.finish().await?);
        }
        activity.note();
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        activity.note();
    }
}

/// Joins two pairs until each direction has ended by itself. After an error neither end is told that
/// the other was done: what is cut off must not look whole.
pub(super) async fn splice(
    left: (&mut dyn StreamReader, &mut dyn StreamWriter),
    right: &mut Connection,
    activity: &Activity,
) -> Result<(), BridgeError> {
    let there = back(left.0, &mut *right.writer, activity);
    let here = back(&mut *right.reader, left.1, activity);
    match race(both(there, here), activity.over()).await {
        First::Left(done) => done,
        First::Right(idle) => Err(idle),
    }
}

/// Ends a direction whose peer need not be there any more.
pub(super) async fn quietly(writer: &mut dyn StreamWriter) -> Result<(), BridgeError> {
    let _ = writer.finish().await;
    Ok(())
}
