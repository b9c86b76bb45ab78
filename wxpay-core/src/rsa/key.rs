//! The gateway's public key.

use core::{fmt, str::FromStr};

use base64ct::{Base64, Encoding};
use rsa::{
    PublicKey, pkcs1::DecodeRsaPublicKey, pkcs8::DecodePublicKey, rand_core::TryCryptoRng,
    traits::PublicKeyParts,
};
use sha1::Sha1;

use crate::{TextError, text::EncryptedText};

const PKCS1: &str = "-----BEGIN RSA PUBLIC KEY-----";
const SPKI: &str = "-----BEGIN PUBLIC KEY-----";
/// Two SHA-1 digests and two bytes: what OAEP takes of a block.
const OAEP_BYTES: usize = 42;

/// The gateway's public key for card and name.
///
/// It is read from PEM as `getpublickey` gives it (`RSA PUBLIC KEY`, PKCS#1) and as other tools turn it out
/// (`PUBLIC KEY`, SPKI). White space around the text is nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct BankPublicKey(PublicKey);

impl BankPublicKey {
    /// The shortest key that is taken, in bits. The gateway's has these.
    pub const MIN_BITS: u32 = 2048;

    /// The length of the key, in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.0.n_bits_precision()
    }

    /// The most bytes of UTF-8 that fit one encryption.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.0.size().saturating_sub(OAEP_BYTES)
    }

    /// Encrypts a text. `rng` must be the system's source of randomness, or one seeded from it.
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn encrypt<R: TryCryptoRng + ?Sized>(
        &self,
        text: &str,
        rng: &mut R,
    ) -> Result<EncryptedText, EncryptError> {
        let max_bytes = self.max_bytes();
        if text.len() > max_bytes {
            return Err(EncryptError::TooLong { max_bytes });
        }
        let encrypted = self
            .0
            .oaep_encrypt_with_rng::<Sha1, R>(rng, text.as_bytes())
            .map_err(|error| match error {
                rsa::Error::Rng => EncryptError::Random,
                _ => EncryptError::Key,
            })?;
        Ok(Base64::encode_string(&encrypted).parse()?)
    }
}

impl FromStr for BankPublicKey {
    type Err = BankKeyError;

    fn from_str(pem: &str) -> Result<Self, BankKeyError> {
        let pem = pem.trim();
        let key = if pem.starts_with(PKCS1) {
            PublicKey::from_pkcs1_pem(pem).map_err(|_| BankKeyError::Malformed)?
        } else if pem.starts_with(SPKI) {
            PublicKey::from_public_key_pem(pem).map_err(|_| BankKeyError::Malformed)?
        } else {
            return Err(BankKeyError::NotAPublicKey);
        };
        let key = Self(key);
        if key.bits() < Self::MIN_BITS {
            return Err(BankKeyError::TooShort { bits: key.bits() });
        }
        Ok(key)
    }
}

impl fmt::Debug for BankPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BankPublicKey({} bits)", self.bits())
    }
}

/// Why a text is not a key to encrypt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BankKeyError {
    /// It does not begin as a public key in PEM does.
    #[error("the key is not PEM with the label RSA PUBLIC KEY or PUBLIC KEY")]
    NotAPublicKey,
    /// What stands in the PEM is no RSA public key.
    #[error("what stands in the PEM is no RSA public key")]
    Malformed,
    /// The key is too short to keep a secret.
    #[error("the key has {bits} bits; the least is {}", BankPublicKey::MIN_BITS)]
    TooShort {
        /// Its length.
        bits: u32,
    },
}

/// Why a text was not encrypted. None of these shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The text is longer than the key can take at once.
    #[error("the text is longer than {max_bytes} bytes, the most that this key encrypts")]
    TooLong {
        /// The most bytes.
        max_bytes: usize,
    },
    /// The source of random bytes failed.
    #[error("the source of random bytes failed")]
    Random,
    /// The key does not encrypt.
    #[error("the key does not encrypt")]
    Key,
    /// The result does not fit the field: the key is longer than any of the gateway's.
    #[error(transparent)]
    Text(#[from] TextError),
}
