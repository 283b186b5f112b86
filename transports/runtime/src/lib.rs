//! What a process gets from its machine: the clock, the generator, key files and signals; and what
//! its servers share.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `address` | [`Target`], [`listen_address`]: addresses, as profiles write them |
//! | `world` | [`OsWorld`]: the only reader of the clock and the only caller of the OS generator |
//! | `keys` | [`DirectoryKeys`]: key files in one directory, written atomically |
//! | `journal` | [`DirectoryJournals`]: files that only grow, for audit logs |
//! | `sealed` | [`SealedKeys`]: private keys under a passphrase, whatever a system reads and writes |
//! | `temporary` | [`OsTemporaryKeys`]: key files that are gone with the process |
//! | `secrecy` | which key files are secret, and who may read those |
//! | `resolve` | [`resolve`]: names of hosts |
//! | `standard` | [`OsStandard`]: standard input and output as a stream |
//! | [`desk`] | what the servers of all transports share: places, rates, time, workers |
//! | `stop` | [`stop_signal`]: when the operator wants the process to end |
//!
//! Nothing here knows an algorithm or a protocol. Seeded worlds for tests are in `pqfw-memory`.

mod address;
pub mod desk;
mod journal;
mod keys;
mod resolve;
mod sealed;
mod secrecy;
mod standard;
mod stop;
mod temporary;
mod world;

pub use address::{Target, listen_address};
pub use journal::DirectoryJournals;
pub use keys::{DirectoryKeys, LARGEST_KEY_FILE_BYTES, LONGEST_NAME_BYTES};
pub use resolve::resolve;
pub use sealed::SealedKeys;
pub use standard::OsStandard;
pub use stop::stop_signal;
pub use temporary::OsTemporaryKeys;
pub use world::OsWorld;
