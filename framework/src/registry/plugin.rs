//! What a plugin brings: rows, providers, derived algorithms, transports, systems.

use std::sync::Arc;

use crate::aead::Aead;
use crate::catalogue::{AlgorithmInfo, Kind};
use crate::hash::Hash;
use crate::kdf::Kdf;
use crate::kem::Kem;
use crate::provider::ProviderInfo;
use crate::signature::Signature;
use crate::system::System;
use crate::transport::Transport;

/// The code behind an offer.
#[derive(Clone)]
#[non_exhaustive]
pub enum Code {
    /// Key encapsulation.
    Kem(Arc<dyn Kem>),
    /// Digital signature.
    Signature(Arc<dyn Signature>),
    /// Authenticated encryption.
    Aead(Arc<dyn Aead>),
    /// Key derivation.
    Kdf(Arc<dyn Kdf>),
    /// Hash function.
    Hash(Arc<dyn Hash>),
}

impl Code {
    /// What the code is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Kem(_) => Kind::Kem,
            Self::Signature(_) => Kind::Signature,
            Self::Aead(_) => Kind::Aead,
            Self::Kdf(_) => Kind::Kdf,
            Self::Hash(_) => Kind::Hash,
        }
    }
}

/// Code attached to a row of the catalogue.
pub struct Offer {
    /// The canonical id of the row.
    pub algorithm: String,
    /// Whose code it is.
    pub provider: ProviderInfo,
    /// The code.
    pub code: Code,
}

/// Makes the code of a derived algorithm from one provider of its base.
pub type Derive = fn(base: &Code, provider: &ProviderInfo) -> Option<(ProviderInfo, Code)>;

/// An algorithm that is a wrapper over another: it exists once per provider of its base that does
/// not offer the algorithm itself.
pub struct Derivation {
    /// The canonical id of the new row.
    pub algorithm: String,
    /// The canonical id of the row that it wraps.
    pub base: String,
    /// Makes the wrapper; `None` when this provider's code cannot be wrapped.
    pub derive: Derive,
}

/// Everything one crate brings to the registry.
#[derive(Default)]
pub struct Plugin {
    /// The name that a profile's `require` and a collision's error use.
    pub name: String,
    /// Rows added to the catalogue.
    pub rows: Vec<AlgorithmInfo>,
    /// Code for rows.
    pub offers: Vec<Offer>,
    /// Wrappers over rows.
    pub derivations: Vec<Derivation>,
    /// Transports.
    pub transports: Vec<Arc<dyn Transport>>,
    /// Systems.
    pub systems: Vec<Arc<dyn System>>,
}

impl Plugin {
    /// Begins a plugin that brings nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Whether both declare the same under one name: one plugin that came through two doors.
    pub(super) fn declares_as(&self, other: &Self) -> bool {
        let offers = |plugin: &Self| {
            let offers = plugin.offers.iter();
            let named = offers.map(|offer| (offer.algorithm.clone(), offer.provider.clone()));
            named.collect::<Vec<_>>()
        };
        let derived = |plugin: &Self| {
            let derived = plugin.derivations.iter();
            let named = derived.map(|one| (one.algorithm.clone(), one.base.clone()));
            named.collect::<Vec<_>>()
        };
        let parts = |plugin: &Self| {
            let transports = plugin.transports.iter().map(|one| one.info().name);
            let systems = plugin.systems.iter().map(|one| one.info().name);
            (transports.collect::<Vec<_>>(), systems.collect::<Vec<_>>())
        };
        self.name == other.name
            && self.rows == other.rows
            && offers(self) == offers(other)
            && derived(self) == derived(other)
            && parts(self) == parts(other)
    }

    /// Adds a row to the catalogue.
    #[must_use]
    pub fn row(mut self, row: AlgorithmInfo) -> Self {
        self.rows.push(row);
        self
    }

    /// Attaches code to a row.
    #[must_use]
    pub fn offer(mut self, algorithm: &str, provider: ProviderInfo, code: Code) -> Self {
        self.offers.push(Offer {
            algorithm: algorithm.into(),
            provider,
            code,
        });
        self
    }

    /// Attaches a KEM.
    #[must_use]
    pub fn kem(self, algorithm: &str, provider: ProviderInfo, code: impl Kem + 'static) -> Self {
        self.offer(algorithm, provider, Code::Kem(Arc::new(code)))
    }

    /// Attaches a signature algorithm.
    #[must_use]
    pub fn signature(
        self,
        algorithm: &str,
        provider: ProviderInfo,
        code: impl Signature + 'static,
    ) -> Self {
        self.offer(algorithm, provider, Code::Signature(Arc::new(code)))
    }

    /// Attaches an AEAD.
    #[must_use]
    pub fn aead(self, algorithm: &str, provider: ProviderInfo, code: impl Aead + 'static) -> Self {
        self.offer(algorithm, provider, Code::Aead(Arc::new(code)))
    }

    /// Attaches a KDF.
    #[must_use]
    pub fn kdf(self, algorithm: &str, provider: ProviderInfo, code: impl Kdf + 'static) -> Self {
        self.offer(algorithm, provider, Code::Kdf(Arc::new(code)))
    }

    /// Attaches a hash function.
    #[must_use]
    pub fn hash(self, algorithm: &str, provider: ProviderInfo, code: impl Hash + 'static) -> Self {
        self.offer(algorithm, provider, Code::Hash(Arc::new(code)))
    }

    /// Adds a derived algorithm, whose row must be in the catalogue or in this plugin.
    #[must_use]
    pub fn derived(mut self, algorithm: &str, base: &str, derive: Derive) -> Self {
        let (algorithm, base) = (algorithm.into(), base.into());
        self.derivations.push(Derivation {
            algorithm,
            base,
            derive,
        });
        self
    }

    /// Adds a transport.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transports.push(Arc::new(transport));
        self
    }

    /// Adds a system.
    #[must_use]
    pub fn system(mut self, system: impl System + 'static) -> Self {
        self.systems.push(Arc::new(system));
        self
    }
}

/// A plugin's constructor as [`register_plugin!`](crate::register_plugin) submits it.
pub struct Registration(pub fn() -> Plugin);

inventory::collect!(Registration);

/// Submits a plugin's constructor for [`Registry::discover`](super::Registry::discover).
///
/// Link-time registration finds nothing in a crate that is listed in `Cargo.toml` and never
/// referenced: the linker drops it. `use my_plugin as _;` in the binary keeps it, and a profile's
/// `require = ["my-plugin"]` turns its absence into an error.
#[macro_export]
macro_rules! register_plugin {
    ($constructor:path) => {
        $crate::registry::inventory::submit! { $crate::registry::Registration($constructor) }
    };
}
