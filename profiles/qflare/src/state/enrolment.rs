//! Tokens, and the devices that they enrol.

use pqfw_framework::store::{Edit, Was};

use super::record::{Device, DeviceId, Head, PublicKey, Token};
use super::{DEVICES, Event, Plan, State, StateError, TOKENS, remove};

impl State {
    /// Keeps a token, by the hash of its secret: the secret itself is not kept. When there is no
    /// room, expired tokens make some.
    ///
    /// # Errors
    /// [`StateError::Full`]; [`StateError::Token`] when the secret has a token already.
    pub fn issue_token(&self, now: u64, secret: &[u8], token: &Token) -> Result<(), StateError> {
        let id = self.hash.digest(&[secret]);
        self.change(now, |head| {
            if self.get::<Token>(TOKENS, &id)?.is_some() {
                return Err(StateError::Token);
            }
            let mut edits = Vec::new();
            if head.tokens >= self.limits.tokens {
                for (old, _) in self
                    .tokens()?
                    .iter()
                    .filter(|(_, token)| token.expires <= now)
                {
                    edits.push(remove(TOKENS, old));
                    head.tokens = head.tokens.saturating_sub(1);
                }
            }
            let most = self.limits.tokens;
            if head.tokens >= most {
                return Err(StateError::Full {
                    what: "tokens",
                    most,
                });
            }
            head.tokens += 1;
            edits.push(self.put(TOKENS, &id, token, Was::Nothing)?);
            let event = Event::TokenIssued {
                token: token.clone(),
            };
            Ok(Plan::Change(edits, event, ()))
        })
    }

    /// The tokens that are not used, each with the hash of its secret.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn tokens(&self) -> Result<Vec<(Vec<u8>, Token)>, StateError> {
        self.all(TOKENS, b"")
    }

    /// Takes a token back, by the hash of its secret.
    ///
    /// # Errors
    /// [`StateError::Token`] when there is none.
    pub fn revoke_token(&self, now: u64, id: &[u8]) -> Result<(), StateError> {
        self.change(now, |head| {
            let token = self.get::<Token>(TOKENS, id)?.ok_or(StateError::Token)?;
            head.tokens = head.tokens.saturating_sub(1);
            Ok(Plan::Change(
                vec![remove(TOKENS, id)],
                Event::TokenRevoked { token },
                (),
            ))
        })
    }

    /// Uses up a token and enrols its device, both or neither. The caller has verified that the
    /// device holds the private keys.
    ///
    /// # Errors
    /// [`StateError::Token`] for every fault of the token alike; then
    /// [`StateError::AlreadyEnrolled`] and [`StateError::Full`], and the token stays.
    pub fn enrol(
        &self,
        now: u64,
        secret: &[u8],
        id: &DeviceId,
        signature: &PublicKey,
        kem: Option<&PublicKey>,
    ) -> Result<Device, StateError> {
        let token = self.hash.digest(&[secret]);
        self.enrol_by(now, &token, id, signature, kem)
    }

    /// The same, by the hash of the token's secret: its holder has proved to know the secret.
    ///
    /// # Errors
    /// As [`Self::enrol`].
    pub fn enrol_by(
        &self,
        now: u64,
        token: &[u8],
        id: &DeviceId,
        signature: &PublicKey,
        kem: Option<&PublicKey>,
    ) -> Result<Device, StateError> {
        self.change(now, |head| {
            let found = self.get::<Token>(TOKENS, token)?;
            found
                .filter(|found| found.device == *id && now < found.expires)
                .ok_or(StateError::Token)?;
            if self.device(id)?.is_some() {
                return Err(StateError::AlreadyEnrolled);
            }
            let most = self.limits.devices;
            if head.devices >= most {
                return Err(StateError::Full {
                    what: "devices",
                    most,
                });
            }
            head.devices += 1;
            head.tokens = head.tokens.saturating_sub(1);
            let device = Device {
                signature: signature.clone(),
                kem: kem.cloned(),
                enrolled: now,
                revoked: None,
            };
            let edits = vec![remove(TOKENS, token), self.device_edit(id, &device)?];
            let event = Event::DeviceEnrolled {
                device: id.clone(),
                keys: self.keys_digest(&device),
            };
            Ok(Plan::Change(edits, event, device))
        })
    }

    /// A device.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn device(&self, id: &DeviceId) -> Result<Option<Device>, StateError> {
        self.get(DEVICES, id.as_str().as_bytes())
    }

    /// All devices, by their ids.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn devices(&self) -> Result<Vec<(DeviceId, Device)>, StateError> {
        let all = self.all(DEVICES, b"")?.into_iter();
        all.map(|(key, device)| Ok((device_of(&key)?, device)))
            .collect()
    }

    /// Replaces a device's keys. The caller has verified that the old key signed the new ones, and
    /// that the device holds them.
    ///
    /// # Errors
    /// [`StateError::UnknownDevice`], [`StateError::Revoked`].
    pub fn rotate(
        &self,
        now: u64,
        id: &DeviceId,
        signature: &PublicKey,
        kem: Option<&PublicKey>,
    ) -> Result<(), StateError> {
        self.change(now, |_: &mut Head| {
            let mut device = self.active(id)?;
            device.signature = signature.clone();
            device.kem = kem.cloned();
            let event = Event::KeysRotated {
                device: id.clone(),
                keys: self.keys_digest(&device),
            };
            Ok(Plan::Change(
                vec![self.device_edit(id, &device)?],
                event,
                (),
            ))
        })
    }

    /// Revokes a device: nothing more is accepted from it, and its id is not free again.
    ///
    /// # Errors
    /// [`StateError::UnknownDevice`]; revoking twice is no fault.
    pub fn revoke_device(&self, now: u64, id: &DeviceId) -> Result<(), StateError> {
        self.change(now, |_: &mut Head| {
            let mut device = self.device(id)?.ok_or(StateError::UnknownDevice)?;
            if device.revoked.is_some() {
                return Ok(Plan::Keep(()));
            }
            device.revoked = Some(now);
            let event = Event::DeviceRevoked { device: id.clone() };
            Ok(Plan::Change(
                vec![self.device_edit(id, &device)?],
                event,
                (),
            ))
        })
    }

    /// A device that is enrolled and not revoked.
    pub(super) fn active(&self, id: &DeviceId) -> Result<Device, StateError> {
        let device = self.device(id)?.ok_or(StateError::UnknownDevice)?;
        match device.revoked {
            Some(_) => Err(StateError::Revoked),
            None => Ok(device),
        }
    }

    fn device_edit(&self, id: &DeviceId, device: &Device) -> Result<Edit, StateError> {
        self.put(DEVICES, id.as_str().as_bytes(), device, Was::Anything)
    }

    /// What the audit keeps of a device's keys.
    fn keys_digest(&self, device: &Device) -> Vec<u8> {
        let mut state = self.hash.start();
        for key in std::iter::once(&device.signature).chain(&device.kem) {
            for part in [key.algorithm.as_bytes(), &key.key] {
                state.update(&(part.len() as u64).to_be_bytes());
                state.update(part);
            }
        }
        let mut digest = vec![0; self.hash.sizes().digest];
        state.finish(&mut digest);
        digest
    }
}

pub(super) fn device_of(key: &[u8]) -> Result<DeviceId, StateError> {
    let text = std::str::from_utf8(key).ok();
    text.and_then(|text| DeviceId::parse(text).ok())
        .ok_or_else(|| StateError::Damaged(format!("{DEVICES}: an id that no device can have")))
}
