//! Random bytes, as an argument.

use std::fmt::Write;

use wxpay_core::NonceStr;

/// Random bytes for one decision. The pure core draws none of its own.
#[derive(Clone, Debug)]
pub struct Random([u8; Self::LEN]);

impl Random {
    /// How many bytes a decision may use.
    pub const LEN: usize = 40;

    /// Takes the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// A `nonce_str` of 32 hex digits.
    pub(super) fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[..16]);
        NonceStr::from_random(bytes).into()
    }

    /// The random part of a `prepay_id`, 18 hex digits.
    pub(super) fn prepay(&self) -> String {
        hex(&self.0[16..25])
    }

    /// The random part of a `code_url`: 11 letters and digits.
    pub(super) fn code(&self) -> String {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        self.0[25..36]
            .iter()
            .map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
            .collect()
    }

    /// A number for a `transaction_id`.
    pub(super) fn number(&self) -> u64 {
        self.0[16..24]
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
