//! Login and passcode: checked against header injection, never shown.

use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// Who connects. `Debug` shows the login only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    login: String,
    passcode: Zeroizing<String>,
}

/// Asked for the credentials at each connect, so that a rotated passcode is picked up.
pub type CredentialsProvider = Arc<dyn Fn() -> Credentials + Send + Sync>;

/// A login or passcode that CONNECT cannot carry: its headers have no escapes, so a line break
/// would begin another header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{part} holds a line break or NUL")]
pub struct InvalidCredentials {
    /// `login` or `passcode`.
    pub part: &'static str,
}

impl Credentials {
    /// # Errors
    /// [`InvalidCredentials`] when either holds CR, LF or NUL.
    pub fn new(
        login: impl Into<String>,
        passcode: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        let (login, passcode) = (login.into(), Zeroizing::new(passcode.into()));
        for (part, text) in [("login", login.as_str()), ("passcode", passcode.as_str())] {
            if text.contains(['\r', '\n', '\0']) {
                return Err(InvalidCredentials { part });
            }
        }
        Ok(Self { login, passcode })
    }

    /// The login.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// The passcode, for whoever must hand it on, such as a page that subscribes by itself.
    #[must_use]
    pub fn passcode(&self) -> &str {
        &self.passcode
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, ***)", self.login)
    }
}
