//! The transcript of an update: what a device signs, and what is evidence when its session is gone.
//!
//! ```text
//! each text behind its length, u16:
//! "pqfw/qflare/update/2" ‖ server's fingerprint ‖ device ‖ session, 32 bytes ‖ counter, u64 ‖
//! round, u64 ‖ SHA-256 of the base, 32 bytes ‖ examples, u64 ‖ format ‖ SHA-256 of the weights
//! ```

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::wire::{Reader, WireError, Writer};
use thiserror::Error;

use crate::state::DeviceId;

/// What a device says of its update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Whom it is for.
    pub server: Fingerprint,
    /// Whose it is.
    pub device: DeviceId,
    /// Exported from the channel that carries it.
    pub session: [u8; 32],
    /// Which update of that session it is, as the device counts.
    pub counter: u64,
    /// The round.
    pub round: u64,
    /// The hash of the model that was trained.
    pub base: [u8; 32],
    /// On how many examples.
    pub examples: u64,
    /// How the weights are written: `safetensors`, `npz` or `raw-f32`.
    pub format: String,
    /// The hash of the weights as they are sent.
    pub weights: [u8; 32],
}

/// Bytes that are no transcript: their sender's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpdateError {
    /// They do not have the form.
    #[error("the transcript: {0}")]
    Form(#[from] WireError),
    /// A field that cannot be.
    #[error("the transcript's {0} is none")]
    Field(&'static str),
}

const LABEL: &[u8] = b"pqfw/qflare/update/2";
/// The longest name of a format.
const MOST_FORMAT: usize = 32;

impl Update {
    /// Writes it.
    ///
    /// # Errors
    /// [`UpdateError::Form`] for a format whose name is too long for its length.
    pub fn encode(&self) -> Result<Vec<u8>, UpdateError> {
        let mut writer = Writer::new();
        writer
            .vector16("label", LABEL)?
            .vector16("server", self.server.as_str().as_bytes())?
            .vector16("device", self.device.as_str().as_bytes())?
            .bytes(&self.session)
            .u64(self.counter)
            .u64(self.round)
            .bytes(&self.base)
            .u64(self.examples)
            .vector16("format", self.format.as_bytes())?
            .bytes(&self.weights);
        Ok(writer.finish())
    }

    /// Reads one, to its last byte. Each has one encoding.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, UpdateError> {
        let mut reader = Reader::new(bytes);
        if reader.vector16("label", LABEL.len())? != LABEL {
            return Err(UpdateError::Field("label"));
        }
        let server = reader.vector16("server", Fingerprint::LENGTH)?;
        let server = std::str::from_utf8(server)
            .ok()
            .and_then(Fingerprint::parse);
        let device = reader.vector16("device", 100)?;
        let device = std::str::from_utf8(device).ok();
        let device = device.and_then(|text| DeviceId::parse(text).ok());
        let update = Self {
            server: server.ok_or(UpdateError::Field("server"))?,
            device: device.ok_or(UpdateError::Field("device"))?,
            session: reader.array("session")?,
            counter: reader.u64("counter")?,
            round: reader.u64("round")?,
            base: reader.array("base")?,
            examples: reader.u64("examples")?,
            format: std::str::from_utf8(reader.vector16("format", MOST_FORMAT)?)
                .map_err(|_| UpdateError::Field("format"))?
                .to_owned(),
            weights: reader.array("weights")?,
        };
        reader.finish()?;
        Ok(update)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn update() -> Update {
        Update {
            server: Fingerprint::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap(),
            device: DeviceId::parse("d-1").unwrap(),
            session: [1; 32],
            counter: 2,
            round: 3,
            base: [4; 32],
            examples: 5,
            format: "safetensors".into(),
            weights: [6; 32],
        }
    }

    #[test]
    fn a_transcript_is_read_to_its_end_and_each_field_is_one() {
        let bytes = update().encode().unwrap();
        assert_eq!(Update::decode(&bytes), Ok(update()));
        for cut in 0..bytes.len() {
            assert!(Update::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(Update::decode(&longer), Err(UpdateError::Form(_))));
        // A byte of the label, the fingerprint, the device and the format.
        for (at, field) in [(2, "label"), (30, "server"), (24 + 71 + 1, "device")] {
            let mut wrong = bytes.clone();
            wrong[at] = b'/';
            assert_eq!(
                Update::decode(&wrong),
                Err(UpdateError::Field(field)),
                "{at}"
            );
        }
        let mut wrong = bytes.clone();
        let format = bytes.len() - 32 - 1;
        wrong[format] = 0xff;
        assert_eq!(Update::decode(&wrong), Err(UpdateError::Field("format")));
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_another_transcript_or_none(at in 0usize..250, flip in 1u8..) {
            let bytes = update().encode().unwrap();
            let at = at % bytes.len();
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            if let Ok(read) = Update::decode(&changed) {
                prop_assert_ne!(&read, &update());
                prop_assert_eq!(read.encode(), Ok(changed));
            }
        }
    }
}
