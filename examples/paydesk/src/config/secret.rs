//! Secrets from the environment or from files.

use std::{fmt, path::Path};

use subtle::ConstantTimeEq;
use wxpay_core::{Account, client::Identity};

use super::ConfigError;

/// A bearer token. Nothing prints it.
#[derive(Clone)]
pub(crate) struct Token(Vec<u8>);

impl Token {
    /// The fewest bytes of a token that cannot be guessed.
    const MIN_BYTES: usize = 16;

    fn new(text: &str, option: &'static str) -> Result<Self, ConfigError> {
        if text.len() < Self::MIN_BYTES {
            return Err(ConfigError::Value {
                option,
                reason: format!("a token has at least {} characters", Self::MIN_BYTES),
            });
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// Whether `given` is the token, in a time that tells nothing.
    pub(crate) fn matches(&self, given: &str) -> bool {
        self.0.ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The text given directly or by a file; both is a contradiction.
pub(crate) fn text_or_file(
    direct: Option<&str>,
    option: &'static str,
    file: Option<&str>,
    file_option: &'static str,
) -> Result<Option<String>, ConfigError> {
    match (direct, file) {
        (Some(_), Some(_)) => Err(ConfigError::Value {
            option,
            reason: format!("it is given twice, here and by {file_option}"),
        }),
        (Some(text), None) => Ok(Some(text.to_owned())),
        (None, Some(path)) => {
            let path = Path::new(path);
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
                option: file_option,
                path: path.to_owned(),
                error,
            })?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Ok(None),
    }
}

/// The merchant's certificate: the portal's PKCS#12 archive, or one PEM file with the certificate and the key.
pub(crate) fn identity(
    file: Option<&str>,
    account: &Account,
) -> Result<Option<Identity>, ConfigError> {
    const OPTION: &str = "WXPAY_CERT_FILE";
    let Some(path) = file.map(Path::new) else {
        return Ok(None);
    };
    let bytes = std::fs::read(path).map_err(|error| ConfigError::File {
        option: OPTION,
        path: path.to_owned(),
        error,
    })?;
    let identity = if bytes.starts_with(b"-----BEGIN") {
        Identity::from_pem(&bytes, &bytes)
    } else {
        Identity::from_p12(&bytes, &account.mch_id)
    };
    identity.map(Some).map_err(|error| ConfigError::Value {
        option: OPTION,
        reason: error.to_string(),
    })
}

/// A token given directly or by a file.
pub(crate) fn token(
    direct: Option<&str>,
    option: &'static str,
    file: Option<&str>,
    file_option: &'static str,
) -> Result<Option<Token>, ConfigError> {
    text_or_file(direct, option, file, file_option)?
        .map(|text| Token::new(&text, option))
        .transpose()
}
