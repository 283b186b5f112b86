//! What deployed peers accept and we do not, unless the operator asks for it.

use std::sync::Arc;

use pqfw_framework::system::{Event, Report};

use super::error::PqcTransportError;

/// Strict, or lenient with a warning each time.
#[derive(Clone)]
pub struct Lenience(Option<Arc<dyn Report>>);

impl Lenience {
    /// Refuses.
    #[must_use]
    pub fn strict() -> Self {
        Self(None)
    }

    /// Lets pass what deployed peers let pass, and warns.
    #[must_use]
    pub fn lenient(report: Arc<dyn Report>) -> Self {
        Self(Some(report))
    }

    /// Whether it lets pass.
    #[must_use]
    pub fn is_lenient(&self) -> bool {
        self.0.is_some()
    }

    /// Decides on what is wrong.
    ///
    /// # Errors
    /// The error itself, in strict mode.
    pub fn forgive(&self, error: PqcTransportError) -> Result<(), PqcTransportError> {
        let Some(report) = &self.0 else {
            return Err(error);
        };
        let text = format!("accepted because mcp.lenient = true: {error}");
        report.event(&Event::Warning(text));
        Ok(())
    }
}
