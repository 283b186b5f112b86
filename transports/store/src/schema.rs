//! What is inside the file, and how old it is.
//!
//! SQLite keeps two numbers for us in the file's header: the *application id*, which says that
//! this is a store of pqfw and not somebody's address book, and the *user version*, which says
//! which pqfw wrote it. A new version of the schema gets a step here that is run inside the same
//! transaction.

use rusqlite::{Connection, TransactionBehavior};

/// A file that is not ours to write to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The operator's fault: a file of another program.
    #[error("it is a database of another program; name another file in store.url")]
    Foreign,
    /// The operator's fault: a newer pqfw has used it.
    #[error(
        "it was written by a newer pqfw (schema {found}, this build knows {VERSION}); use that one"
    )]
    Newer {
        /// The version found.
        found: i64,
    },
    /// The machine's fault.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Makes the tables in an empty database; otherwise checks that they are ours and not newer.
pub(crate) fn prepare(connection: &mut Connection) -> Result<(), SchemaError> {
    // Immediate, so that of two processes that find an empty file only one fills it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables = "SELECT COUNT(*) FROM sqlite_schema";
    let tables: i64 = transaction.query_row(tables, (), |row| row.get(0))?;
    match (application, found) {
        (0, 0) if tables == 0 => {
            transaction.execute_batch(CREATE)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        (APPLICATION, VERSION) => {}
        (APPLICATION, found) if found > VERSION => return Err(SchemaError::Newer { found }),
        _ => return Err(SchemaError::Foreign),
    }
    Ok(transaction.commit()?)
}

/// `pqfw` in ASCII.
const APPLICATION: i64 = 0x7071_6677;

/// The version of [`CREATE`].
const VERSION: i64 = 1;

const CREATE: &str = "\
    CREATE TABLE entries (
        space TEXT NOT NULL,
        key   BLOB NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (space, key)
    ) STRICT, WITHOUT ROWID";
