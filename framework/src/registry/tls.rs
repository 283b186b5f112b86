//! Groups of TLS 1.3 in the registry: from a name to the KEMs that a handshake runs.
//!
//! ```text
//!  X25519MLKEM768        IANA's hybrid: the bare secrets of its parts, one after the other
//!  X25519, P-256         IANA's curve: the bare Diffie-Hellman value, not DHKEM's
//!  MLKEM768, FrodoKEM-…  a KEM, under IANA's number or one for private use
//!  X25519+FrodoKEM-…     a hybrid of this framework, whole, under one for private use
//! ```

use super::resolver::wrong_kind;
use super::{ResolveError, Resolver};
use crate::catalogue::{Kind, private_tls_group, tls_curve, tls_hybrid};
use crate::kem::AdmittedKem;
use crate::transport::TlsGroup;

impl Resolver<'_> {
    /// Resolves a group of TLS 1.3: one of IANA's names, or that of any KEM or hybrid.
    ///
    /// # Errors
    /// [`ResolveError`], and of it [`ResolveError::NoBareDiffieHellman`] only here.
    pub fn tls_group(&mut self, name: &str) -> Result<TlsGroup, ResolveError> {
        if let Some((name, code_point, parts)) = tls_hybrid(name) {
            return self.tls_concatenation(name, code_point, &parts);
        }
        let kem = self.kem(name)?;
        let id = kem.info().id.clone();
        let (code_point, part) = match tls_curve(&id) {
            Some(code_point) => (code_point, bare(&kem)?),
            None => {
                let registered = kem.info().tls_code_point;
                (registered.unwrap_or_else(|| private_tls_group(&id)), kem)
            }
        };
        Ok(TlsGroup {
            name: id,
            code_point,
            parts: vec![part],
        })
    }

    /// The policies see the parts together, as they see those of a hybrid.
    fn tls_concatenation(
        &mut self,
        name: &str,
        code_point: u16,
        parts: &[&str],
    ) -> Result<TlsGroup, ResolveError> {
        let mut rows = Vec::new();
        for part in parts {
            let row = self.registry.find(part)?;
            if row.kind() != Kind::Kem {
                return Err(wrong_kind(row, Kind::Kem));
            }
            rows.push(row.clone());
        }
        self.check_policy(name, &rows)?;
        let mut kems = Vec::new();
        for row in &rows {
            let entry = self.admitted(row, None)?;
            let kem = self.admitted_kem(entry)?;
            kems.push(match tls_curve(&row.id) {
                Some(_) => bare(&kem)?,
                None => kem,
            });
        }
        Ok(TlsGroup {
            name: name.into(),
            code_point,
            parts: kems,
        })
    }
}

fn bare(kem: &AdmittedKem) -> Result<AdmittedKem, ResolveError> {
    let missing = || ResolveError::NoBareDiffieHellman {
        id: kem.info().id.clone(),
        provider: kem.provider().name.clone(),
    };
    kem.bare_diffie_hellman().ok_or_else(missing)
}
