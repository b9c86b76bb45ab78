//! Secrets from the environment or from files.

use std::{fmt, path::Path};

use subtle::ConstantTimeEq;

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
