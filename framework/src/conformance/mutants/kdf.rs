//! Mutants of HKDF.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{Given, Mutant, base};
use crate::catalogue::{KdfSizes, Sizes};
use crate::kdf::{Kdf, KdfError};
use crate::registry::Code;

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "info-ignored",
        what: "the same key comes out for every purpose",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, InfoIgnored),
    },
    Mutant {
        name: "second-info-part-ignored",
        what: "of info in parts the first is used",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, SecondInfoPartIgnored),
    },
    Mutant {
        name: "salt-ignored",
        what: "the salt is not used",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, SaltIgnored),
    },
    Mutant {
        name: "long-input-ignored",
        what: "of keying material the first 128 bytes are used",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, LongInputIgnored),
    },
    Mutant {
        name: "prk-cut",
        what: "of a pseudo-random key the first half is used",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, PrkCut),
    },
    Mutant {
        name: "short-prk-accepted",
        what: "a pseudo-random key that is too short is filled with zeros",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, ShortPrkAccepted(sizes(given)?)),
    },
    Mutant {
        name: "output-unlimited",
        what: "more output than RFC 5869 allows is given, by starting over",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, OutputUnlimited(sizes(given)?)),
    },
    Mutant {
        name: "length-mixed-in",
        what: "another length gives another output",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, LengthMixedIn),
    },
    Mutant {
        name: "no-salt-is-another",
        what: "no salt is not a salt of zeros",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, NoSaltIsAnother),
    },
    Mutant {
        name: "calls-counted-in",
        what: "the second call gives another output than the first",
        base: base!("HKDF-SHA256"),
        plant: |given| kdf(given, CallsCountedIn(AtomicU8::new(0))),
    },
];

fn sizes(given: &Given<'_>) -> Option<KdfSizes> {
    match given.info.sizes {
        Sizes::Kdf(sizes) => Some(sizes),
        _ => None,
    }
}

/// What a fault may get its hands on. Each method does by itself what is right.
trait KdfFault: Send + Sync + 'static {
    fn extract(
        &self,
        base: &dyn Kdf,
        salt: &[u8],
        ikm: &[u8],
        prk: &mut [u8],
    ) -> Result<(), KdfError> {
        base.extract(salt, ikm, prk)
    }

    fn expand(
        &self,
        base: &dyn Kdf,
        prk: &[u8],
        info: &[&[u8]],
        okm: &mut [u8],
    ) -> Result<(), KdfError> {
        base.expand(prk, info, okm)
    }
}

fn kdf(given: &Given<'_>, fault: impl KdfFault) -> Option<Code> {
    let Code::Kdf(base) = given.code else {
        return None;
    };
    let base = base.clone();
    Some(Code::Kdf(Arc::new(Shell { base, fault })))
}

struct Shell<F> {
    base: Arc<dyn Kdf>,
    fault: F,
}

impl<F: KdfFault> Kdf for Shell<F> {
    fn extract(&self, salt: &[u8], ikm: &[u8], prk: &mut [u8]) -> Result<(), KdfError> {
        self.fault.extract(&*self.base, salt, ikm, prk)
    }

    fn expand(&self, prk: &[u8], info: &[&[u8]], okm: &mut [u8]) -> Result<(), KdfError> {
        self.fault.expand(&*self.base, prk, info, okm)
    }
}

/// A fault in the one step or in the other.
macro_rules! fault {
    ($fault:ident, extract, $body:expr) => {
        struct $fault;

        impl KdfFault for $fault {
            fn extract(
                &self,
                base: &dyn Kdf,
                salt: &[u8],
                ikm: &[u8],
                prk: &mut [u8],
            ) -> Result<(), KdfError> {
                let body: Extract = $body;
                body(base, salt, ikm, prk)
            }
        }
    };
    ($fault:ident, expand, $body:expr) => {
        struct $fault;

        impl KdfFault for $fault {
            fn expand(
                &self,
                base: &dyn Kdf,
                prk: &[u8],
                info: &[&[u8]],
                okm: &mut [u8],
            ) -> Result<(), KdfError> {
                let body: Expand = $body;
                body(base, prk, info, okm)
            }
        }
    };
}

type Extract = fn(&dyn Kdf, &[u8], &[u8], &mut [u8]) -> Result<(), KdfError>;
type Expand = fn(&dyn Kdf, &[u8], &[&[u8]], &mut [u8]) -> Result<(), KdfError>;

fault!(InfoIgnored, expand, |base, prk, _, okm| base.expand(
    prk,
    &[],
    okm
));

fault!(SecondInfoPartIgnored, expand, |base, prk, info, okm| {
    base.expand(prk, info.get(..1).unwrap_or(info), okm)
});

fault!(SaltIgnored, extract, |base, _, ikm, prk| base.extract(
    &[],
    ikm,
    prk
));

fault!(LongInputIgnored, extract, |base, salt, ikm, prk| {
    base.extract(salt, ikm.get(..128).unwrap_or(ikm), prk)
});

fault!(PrkCut, expand, |base, prk, info, okm| {
    let mut half = prk.to_vec();
    half.iter_mut()
        .skip(prk.len() / 2)
        .for_each(|byte| *byte = 0);
    base.expand(&half, info, okm)
});

fault!(LengthMixedIn, expand, |base, prk, info, okm| {
    let length = okm.len().to_le_bytes();
    let info = [info, &[&length[..]]].concat();
    base.expand(prk, &info, okm)
});

fault!(NoSaltIsAnother, extract, |base, salt, ikm, prk| {
    let salt = if salt.is_empty() { b"no salt" } else { salt };
    base.extract(salt, ikm, prk)
});

struct ShortPrkAccepted(KdfSizes);

impl KdfFault for ShortPrkAccepted {
    fn expand(
        &self,
        base: &dyn Kdf,
        prk: &[u8],
        info: &[&[u8]],
        okm: &mut [u8],
    ) -> Result<(), KdfError> {
        let mut prk = prk.to_vec();
        prk.resize(self.0.prk, 0);
        base.expand(&prk, info, okm)
    }
}

struct OutputUnlimited(KdfSizes);

impl KdfFault for OutputUnlimited {
    fn expand(
        &self,
        base: &dyn Kdf,
        prk: &[u8],
        info: &[&[u8]],
        okm: &mut [u8],
    ) -> Result<(), KdfError> {
        let mut chunks = okm.chunks_mut(self.0.max_output);
        chunks.try_for_each(|chunk| base.expand(prk, info, chunk))
    }
}

struct CallsCountedIn(AtomicU8);

impl KdfFault for CallsCountedIn {
    fn expand(
        &self,
        base: &dyn Kdf,
        prk: &[u8],
        info: &[&[u8]],
        okm: &mut [u8],
    ) -> Result<(), KdfError> {
        let call = [self.0.fetch_add(1, Ordering::Relaxed)];
        let info = [info, &[&call[..]]].concat();
        base.expand(prk, &info, okm)
    }
}
