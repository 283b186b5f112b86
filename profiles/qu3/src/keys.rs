//! The key files of both ends: raw bytes, as the deployed systems keep them.
//!
//! `<end>_kem.pub`, `<end>_kem.sec`, `<end>_sign.pub`, `<end>_sign.sec`. Raw files do not say which
//! algorithm they belong to, so every import checks lengths and that the two halves agree.

use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::KeyFiles;

use crate::error::ClientError;

/// Which end's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `client_…`
    Client,
    /// `server_…`
    Server,
}

impl End {
    fn file(self, key: &str, half: &str) -> String {
        let end = match self {
            Self::Client => "client",
            Self::Server => "server",
        };
        format!("{end}_{key}.{half}")
    }
}

/// The two key pairs of one end.
pub struct EndKeys {
    /// The long-term KEM key; a server's is served and never used.
    pub kem: DecapsulationKey,
    /// The encoding of its public half.
    pub kem_public: Vec<u8>,
    /// The sign key.
    pub sign: SigningKey,
    /// The encoding of its public half.
    pub sign_public: Vec<u8>,
}

/// A server's public keys, as `/keys` gives them or as a first use stored them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPublicKeys {
    /// The KEM key.
    pub kem: Vec<u8>,
    /// The sign key.
    pub sign: Vec<u8>,
}

impl EndKeys {
    /// Generates both pairs.
    ///
    /// # Errors
    /// [`ClientError::Crypto`].
    pub fn generate(suite: &Suite, rng: &mut dyn CryptoRng) -> Result<Self, ClientError> {
        let kem = suite.kem.generate(rng)?;
        let sign = suite.signature.generate(rng)?;
        Ok(Self {
            kem_public: kem.encapsulation_key(),
            sign_public: sign.verifying_key(),
            kem,
            sign,
        })
    }

    /// Reads the files of one end; `None` when there are none.
    ///
    /// # Errors
    /// [`ClientError::Keys`] when some are missing, of another algorithm, or do not agree.
    pub fn load(
        files: &dyn KeyFiles,
        suite: &Suite,
        end: End,
    ) -> Result<Option<Self>, ClientError> {
        let wrong = |reason: String| ClientError::Keys {
            dir: files.describe(),
            reason,
        };
        let names = [
            end.file("kem", "pub"),
            end.file("kem", "sec"),
            end.file("sign", "pub"),
            end.file("sign", "sec"),
        ];
        let mut found = Vec::new();
        for name in &names {
            found.push(files.read(name)?);
        }
        let secrets = [&found[1], &found[3]];
        if secrets.iter().all(|file| file.is_none()) {
            return Ok(None);
        }
        let mut halves = names.iter().zip(found).map(|(name, file)| {
            file.ok_or_else(|| wrong(format!("{name} is missing; restore it, or use --force")))
        });
        let mut next = || {
            halves
                .next()
                .unwrap_or_else(|| Err(wrong("incomplete".into())))
        };
        let (kem_public, kem_secret) = (next()?, next()?);
        let (sign_public, sign_secret) = (next()?, next()?);
        let hint = "; these files belong to another algorithm: choose another keys.dir";
        let kem = suite
            .kem
            .import_decapsulation_key(SecretForm::Expanded(kem_secret.expose()))
            .map_err(|error| wrong(format!("{}: {error}{hint}", names[1])))?;
        let sign = suite
            .signature
            .import_signing_key(SecretForm::Expanded(sign_secret.expose()))
            .map_err(|error| wrong(format!("{}: {error}{hint}", names[3])))?;
        let agree = |name: &str, public: &SecretBytes, derived: &[u8]| {
            if public.expose() == derived {
                return Ok(());
            }
            Err(wrong(format!(
                "{name} is not the public half of its .sec; restore the pair"
            )))
        };
        agree(&names[0], &kem_public, &kem.encapsulation_key())?;
        agree(&names[2], &sign_public, &sign.verifying_key())?;
        let kem_public = kem_public.expose().to_vec();
        let sign_public = sign_public.expose().to_vec();
        Ok(Some(Self {
            kem,
            kem_public,
            sign,
            sign_public,
        }))
    }

    /// Writes the files of one end, in place of any that are there.
    ///
    /// # Errors
    /// [`ClientError::KeyFile`], [`ClientError::Crypto`].
    pub fn save(&self, files: &dyn KeyFiles, end: End) -> Result<(), ClientError> {
        let kem = self.kem.export(SecretKind::Expanded)?;
        let sign = self.sign.export(SecretKind::Expanded)?;
        files.write(&end.file("kem", "sec"), kem.expose(), true)?;
        files.write(&end.file("kem", "pub"), &self.kem_public, false)?;
        files.write(&end.file("sign", "sec"), sign.expose(), true)?;
        files.write(&end.file("sign", "pub"), &self.sign_public, false)?;
        Ok(())
    }

    /// Reads the files of one end, or makes them on first start. The flag says which.
    ///
    /// # Errors
    /// As [`Self::load`], [`Self::generate`] and [`Self::save`].
    pub fn load_or_generate(
        files: &dyn KeyFiles,
        suite: &Suite,
        end: End,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, bool), ClientError> {
        if let Some(keys) = Self::load(files, suite, end)? {
            return Ok((keys, false));
        }
        let keys = Self::generate(suite, rng)?;
        keys.save(files, end)?;
        Ok((keys, true))
    }

    /// The fingerprint of the sign key: who this end is.
    ///
    /// # Errors
    /// [`ClientError::Crypto`] when the signature algorithm has no identifier.
    pub fn fingerprint(&self, suite: &Suite) -> Result<Fingerprint, ClientError> {
        fingerprint(suite, &self.sign_public)
    }
}

/// The fingerprint of a sign key.
///
/// # Errors
/// [`ClientError::Crypto`] when the signature algorithm has no identifier.
pub fn fingerprint(suite: &Suite, sign_public: &[u8]) -> Result<Fingerprint, ClientError> {
    Fingerprint::of(&suite.digest, suite.signature.info(), sign_public)
        .map_err(|error| ClientError::Crypto(error.to_string()))
}

impl ServerPublicKeys {
    /// Reads what an earlier use stored; `None` when there is neither file.
    ///
    /// # Errors
    /// [`ClientError::KeyFile`]; [`ClientError::Keys`] when one of the two is missing, since
    /// fetching them again would put another key in the place of the one that is trusted.
    pub fn load(files: &dyn KeyFiles) -> Result<Option<Self>, ClientError> {
        let names = [
            End::Server.file("kem", "pub"),
            End::Server.file("sign", "pub"),
        ];
        let [kem, sign] = [files.read(&names[0])?, files.read(&names[1])?];
        let missing = match (kem, sign) {
            (None, None) => return Ok(None),
            (Some(kem), Some(sign)) => {
                return Ok(Some(Self {
                    kem: kem.expose().to_vec(),
                    sign: sign.expose().to_vec(),
                }));
            }
            (None, Some(_)) => &names[0],
            (Some(_), None) => &names[1],
        };
        Err(ClientError::Keys {
            dir: files.describe(),
            reason: format!(
                "{missing} is missing; restore it, or remove {} and {} to trust the server anew",
                names[0], names[1]
            ),
        })
    }

    /// Stores them: from here on the server is known.
    ///
    /// # Errors
    /// [`ClientError::KeyFile`].
    pub fn save(&self, files: &dyn KeyFiles) -> Result<(), ClientError> {
        files.write(&End::Server.file("kem", "pub"), &self.kem, false)?;
        files.write(&End::Server.file("sign", "pub"), &self.sign, false)?;
        Ok(())
    }
}
