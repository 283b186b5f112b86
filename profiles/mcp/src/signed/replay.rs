//! Signatures that were accepted, of each client for ever, in the store.
//!
//! Time, nonce and session of a message are not signed, so whoever recorded one can send it again
//! with others. Its signature stays the same.
//!
//! ```text
//! mcp/replay         SHA-256(did) ‖ digest of a signature   nothing
//! mcp/replay-count   SHA-256(did)                           how many, u64
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::store::{Applied, Edit, Inserted, Store, StoreError, Was};

use super::error::PqcTransportError;
use super::identity::Did;

const SPENT: &str = "mcp/replay";
const COUNT: &str = "mcp/replay-count";

/// How often a place is looked for. Each time that there is none, another server took one.
const ATTEMPTS: u32 = 1000;

/// The memory of a server, or of several that share a store.
pub struct ReplayCache {
    store: Arc<dyn Store>,
    hash: AdmittedHash,
    most: u64,
    most_signers: u64,
    /// Threads of one process wait here instead of trying again.
    turn: Mutex<()>,
}

impl ReplayCache {
    /// Remembers `most` signatures each of `most_signers` clients.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, hash: AdmittedHash, most: u64, most_signers: u64) -> Self {
        Self {
            store,
            hash,
            most,
            most_signers,
            turn: Mutex::new(()),
        }
    }

    /// Makes a place for a client, so that a stranger who comes later cannot take it.
    ///
    /// # Errors
    /// [`PqcTransportError::Full`], [`PqcTransportError::Internal`].
    pub fn admit(&self, signer: &Did) -> Result<(), PqcTransportError> {
        let zero = 0u64.to_be_bytes();
        match self
            .store
            .insert(COUNT, &self.key(signer), &zero, self.most_signers)
        {
            Ok(Inserted::New | Inserted::AlreadyThere) => Ok(()),
            Err(StoreError::Full { most, .. }) => Err(PqcTransportError::Full(format!(
                "the signatures of {most} clients are remembered, the limit; raise mcp.max_signers"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Uses a signature.
    ///
    /// # Errors
    /// [`PqcTransportError::ReplayAttack`], [`PqcTransportError::Full`],
    /// [`PqcTransportError::Internal`].
    pub fn spend(&self, signer: &Did, signature: &[u8]) -> Result<(), PqcTransportError> {
        let signer_key = self.key(signer);
        let spent = [signer_key.as_slice(), &self.hash.digest(&[signature])].concat();
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let before = self.store.get(COUNT, &signer_key)?;
            let count = match before.as_deref().map(<[u8; 8]>::try_from) {
                None => 0,
                Some(Ok(count)) => u64::from_be_bytes(count),
                Some(Err(_)) => {
                    let text = format!("the store's space `{COUNT}` is damaged");
                    return Err(PqcTransportError::Internal(text));
                }
            };
            let edits = [
                Edit {
                    space: SPENT,
                    key: spent.clone(),
                    was: Was::Nothing,
                    becomes: Some(Vec::new()),
                },
                Edit {
                    space: COUNT,
                    key: signer_key.clone(),
                    was: before.map_or(Was::Nothing, Was::Exactly),
                    becomes: Some(count.saturating_add(1).to_be_bytes().to_vec()),
                },
            ];
            if count >= self.most {
                return Err(self.full_or_spent(signer, &spent)?);
            }
            match self.store.apply(&edits)? {
                Applied::Done => return Ok(()),
                Applied::Refused { edit: 0 } => return Err(spent_before()),
                // Another server was faster.
                Applied::Refused { .. } => {}
            }
        }
        let text = "the store is too busy to remember a signature".to_owned();
        Err(PqcTransportError::Internal(text))
    }

    fn full_or_spent(
        &self,
        signer: &Did,
        spent: &[u8],
    ) -> Result<PqcTransportError, PqcTransportError> {
        if self.store.get(SPENT, spent)?.is_some() {
            return Ok(spent_before());
        }
        Ok(PqcTransportError::Full(format!(
            "{} signatures of {signer} are remembered, the limit; give it a new identity, or raise \
             mcp.replay_cache",
            self.most
        )))
    }

    fn key(&self, signer: &Did) -> Vec<u8> {
        self.hash.digest(&[signer.as_str().as_bytes()])
    }
}

fn spent_before() -> PqcTransportError {
    PqcTransportError::ReplayAttack("the signature was accepted before".into())
}
