//! One SQLite file as a store.
//!
//! Every call is one transaction and is on the disk when it returns: `synchronous = FULL` flushes
//! the write-ahead log at each commit. Several processes may open one file; they wait for each
//! other, up to [`BUSY`].

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::store::{Applied, Edit, Entry, Inserted, Store, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use crate::home;
use crate::schema::{self, SchemaError};

/// How long a call waits for another process that writes. Our own writes take milliseconds; what
/// holds a file for longer is a backup or a person with a shell.
const BUSY: Duration = Duration::from_secs(5);

/// Between two attempts to open a file whose journal somebody else is changing.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct SqliteStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the file, and makes it when it is not there.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        home::prepare(&path).map_err(|error| failed(&path, &error))?;
        match connect_patiently(&path) {
            Ok(connection) => Ok(Self {
                path,
                connection: Mutex::new(connection),
            }),
            Err(SchemaError::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) =>
            {
                let reason = "it is no SQLite database; name another file in store.url";
                Err(failed(&path, &reason))
            }
            Err(error) => Err(failed(&path, &error)),
        }
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        failed(&self.path, &error)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic interrupted was rolled back when it was dropped.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn insert_below(
        &self,
        (space, key, value): (&str, &[u8], &[u8]),
        most: u64,
    ) -> rusqlite::Result<Insertion> {
        let mut connection = self.lock();
        // Immediate, so that no other process inserts between the count and the insertion.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let there = transaction
            .prepare_cached("SELECT 1 FROM entries WHERE space = ?1 AND key = ?2")?
            .exists(params![space, key])?;
        if there {
            return Ok(Insertion::AlreadyThere);
        }
        let entries: i64 = transaction
            .prepare_cached("SELECT COUNT(*) FROM entries WHERE space = ?1")?
            .query_row(params![space], |row| row.get(0))?;
        if entries >= i64::try_from(most).unwrap_or(i64::MAX) {
            return Ok(Insertion::Full);
        }
        transaction
            .prepare_cached("INSERT INTO entries (space, key, value) VALUES (?1, ?2, ?3)")?
            .execute(params![space, key, value])?;
        transaction.commit()?;
        Ok(Insertion::Done)
    }

    fn edit(&self, edits: &[Edit]) -> rusqlite::Result<Applied> {
        let mut connection = self.lock();
        // Immediate, so that no other process writes between the expectations and the edits.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut there = transaction
                .prepare_cached("SELECT value FROM entries WHERE space = ?1 AND key = ?2")?;
            for (number, edit) in edits.iter().enumerate() {
                let value = there.query_row(params![edit.space, edit.key], |row| row.get(0));
                let value: Option<Vec<u8>> = value.optional()?;
                if !edit.was.is(value.as_deref()) {
                    return Ok(Applied::Refused { edit: number });
                }
            }
            let mut put = transaction.prepare_cached(UPSERT)?;
            let mut remove =
                transaction.prepare_cached("DELETE FROM entries WHERE space = ?1 AND key = ?2")?;
            for edit in edits {
                match &edit.becomes {
                    Some(value) => put.execute(params![edit.space, edit.key, value])?,
                    None => remove.execute(params![edit.space, edit.key])?,
                };
            }
        }
        transaction.commit()?;
        Ok(Applied::Done)
    }
}

const UPSERT: &str = "INSERT INTO entries (space, key, value) VALUES (?1, ?2, ?3) \
                      ON CONFLICT (space, key) DO UPDATE SET value = excluded.value";

/// What became of an insertion, before it is told in the framework's words.
enum Insertion {
    Done,
    AlreadyThere,
    Full,
}

impl Store for SqliteStore {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let select = "SELECT value FROM entries WHERE space = ?1 AND key = ?2";
        let found = self.lock().prepare_cached(select).and_then(|mut select| {
            let value = select.query_row(params![space, key], |row| row.get(0));
            value.optional()
        });
        found.map_err(|error| self.failed(error))
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let done = self
            .lock()
            .prepare_cached(UPSERT)
            .and_then(|mut upsert| upsert.execute(params![space, key, value]));
        done.map(drop).map_err(|error| self.failed(error))
    }

    fn insert(
        &self,
        space: &str,
        key: &[u8],
        value: &[u8],
        most: u64,
    ) -> Result<Inserted, StoreError> {
        match self.insert_below((space, key, value), most) {
            Ok(Insertion::Done) => Ok(Inserted::New),
            Ok(Insertion::AlreadyThere) => Ok(Inserted::AlreadyThere),
            Ok(Insertion::Full) => Err(StoreError::Full {
                space: space.into(),
                most,
            }),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT key, value FROM entries WHERE space = ?1 ORDER BY key";
        let found = self.lock().prepare_cached(select).and_then(|mut select| {
            let rows = select.query_map(params![space], |row| Ok((row.get(0)?, row.get(1)?)));
            rows?.collect()
        });
        found.map_err(|error| self.failed(error))
    }

    fn page(
        &self,
        space: &str,
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let select = "SELECT key, value FROM entries WHERE space = ?1 AND key >= ?2 \
                      ORDER BY key LIMIT ?3";
        // The empty key is the first there can be, and the first after a key is that and a zero.
        let from = after.map_or_else(Vec::new, |after| [after, &[0]].concat());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = self.lock().prepare_cached(select).and_then(|mut select| {
            let rows = select.query_map(params![space, from, most], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
            rows?.collect()
        });
        found.map_err(|error| self.failed(error))
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        self.edit(edits).map_err(|error| self.failed(error))
    }
}

/// SQLite does not wait for others while the journal's mode is changed, however long it was told
/// to: whoever opens the file at the same moment is refused at once. So this waits instead.
fn connect_patiently(path: &Path) -> Result<Connection, SchemaError> {
    let mut waited = Duration::ZERO;
    loop {
        match connect(path) {
            Err(SchemaError::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < BUSY =>
            {
                std::thread::sleep(PAUSE);
                waited += PAUSE;
            }
            other => return other,
        }
    }
}

fn connect(path: &Path) -> Result<Connection, SchemaError> {
    // The file is there already, and its name is never a URI.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Only what is ours is changed, and that it is ours comes first.
    schema::prepare(&mut connection)?;
    // A file system that cannot share memory keeps the rollback journal, which is as durable.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{}: {reason}", path.display()))
}
