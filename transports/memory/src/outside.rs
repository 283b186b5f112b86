//! An outside in which there is nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::audit::MemoryJournals;
use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::control::{Control, Door};
use pqfw_framework::interface::{
    Interface, InterfaceError, InterfaceSettings, Interfaces, OpenUserspace, Userspace,
    UserspaceSettings,
};
use pqfw_framework::metrics::MetricsSource;
use pqfw_framework::process::{Command, ProcessError, ProcessLimits, Processes};
use pqfw_framework::profile::Profile;
use pqfw_framework::system::{KeyFileError, KeyFiles, Outside, Reloads, Standard, TemporaryKeys};
use pqfw_framework::transport::{
    BoxFuture, Connection, ExchangeService, Listener, StreamReader, StreamWriter, TransportError,
};
use pqfw_framework::world::World;

/// No transports, no commands, no interfaces, no doors, an input that is at its end and an output that
/// keeps nothing.
#[must_use]
pub fn empty_outside() -> Outside {
    Outside {
        transports: BTreeMap::new(),
        processes: Arc::new(Nothing),
        journals: Arc::new(MemoryJournals::default()),
        interfaces: Arc::new(Nothing),
        userspace: Arc::new(Nothing),
        standard: Arc::new(Nothing),
        control: Arc::new(Nothing),
        blobs: Arc::new(MemoryBlobs::default()),
        temporary: Arc::new(Nothing),
        reloads: Arc::new(Nothing),
    }
}

struct Nothing;

impl Processes for Nothing {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        _: &'a [u8],
        _: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>> {
        Box::pin(async {
            Err(ProcessError::Start {
                program: command.program.clone(),
                reason: "there are no commands in this world".into(),
            })
        })
    }
}

impl Interfaces for Nothing {
    fn open(&self, _: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError> {
        Err(InterfaceError::None("this world has none"))
    }

    fn give_up_privileges(&self) -> Result<(), InterfaceError> {
        Ok(())
    }
}

impl Standard for Nothing {
    fn open(&self) -> Connection {
        Connection {
            reader: Box::new(Nothing),
            writer: Box::new(Nothing),
            peer: "nobody".into(),
        }
    }

    fn is_terminal(&self) -> bool {
        false
    }
}

impl StreamReader for Nothing {
    fn read<'a>(&'a mut self, _: &'a mut [u8]) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async { Ok(0) })
    }
}

impl StreamWriter for Nothing {
    fn write_all<'a>(&'a mut self, _: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Control for Nothing {
    fn open(
        &self,
        _: Door,
        _: Arc<dyn ExchangeService>,
        _: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async { Err(no_doors()) })
    }

    fn open_metrics(
        &self,
        _: String,
        _: Arc<dyn MetricsSource>,
        _: Arc<dyn World>,
    ) -> BoxFuture<'_, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async { Err(no_doors()) })
    }
}

fn no_doors() -> TransportError {
    TransportError::Listen {
        address: "a door".into(),
        reason: "there are no doors in this world".into(),
    }
}

impl TemporaryKeys for Nothing {
    fn make(&self, prefix: &str) -> Result<(Box<dyn KeyFiles>, usize), KeyFileError> {
        Err(KeyFileError {
            path: prefix.into(),
            reason: "there are no directories in this world".into(),
        })
    }
}

impl Reloads for Nothing {
    fn next(&self) -> BoxFuture<'_, Result<Arc<Profile>, String>> {
        Box::pin(std::future::pending())
    }
}

impl Userspace for Nothing {
    fn open<'a>(
        &'a self,
        _: &'a UserspaceSettings,
        _: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<OpenUserspace, InterfaceError>> {
        Box::pin(async { Err(InterfaceError::None("this world has none")) })
    }
}
