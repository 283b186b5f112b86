//! The registry's algorithms as a `CryptoProvider` of rustls.

use std::sync::Arc;

use pqfw_framework::transport::{TlsSettings, TransportError};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};

use crate::world::chance;
use crate::{group, scheme};

/// The groups, signatures and randomness of `settings`; AWS-LC for all that is symmetric. Any
/// program on rustls 0.23 can be given it.
///
/// # Errors
/// [`TransportError::Tls`] when there is no group or no signature, when two share a number, and
/// for a signature that no certificate can name.
pub fn crypto_provider(settings: &TlsSettings) -> Result<Arc<CryptoProvider>, TransportError> {
    let no = |what: &str| Err(TransportError::Tls(format!("no {what}: name at least one")));
    if settings.groups.is_empty() {
        return no("groups");
    }
    if settings.signatures.is_empty() {
        return no("signatures");
    }
    let mut kx_groups: Vec<&'static dyn SupportedKxGroup> = Vec::new();
    for group in &settings.groups {
        let supported = group::supported(group, &settings.world);
        if kx_groups
            .iter()
            .any(|other| other.name() == supported.name())
        {
            return Err(TransportError::Tls(format!(
                "group {} has the number {:#06x} of another group of this profile; take one of \
                 them out",
                group.name, group.code_point
            )));
        }
        kx_groups.push(supported);
    }
    Ok(Arc::new(CryptoProvider {
        kx_groups,
        signature_verification_algorithms: scheme::algorithms(&settings.signatures)?,
        secure_random: chance(&settings.world),
        ..aws_lc_rs::default_provider()
    }))
}
