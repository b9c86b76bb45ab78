//! A short text that needs no heap.

use alloc::boxed::Box;
use core::fmt;

/// What a text is kept in.
pub(super) trait Store: From<Box<str>> {
    fn new(text: &str) -> Self;
    fn as_str(&self) -> &str;
    fn into_box(self) -> Box<str>;
}

impl Store for Box<str> {
    fn new(text: &str) -> Self {
        text.into()
    }

    fn as_str(&self) -> &str {
        self
    }

    fn into_box(self) -> Box<str> {
        self
    }
}

/// A text of at most `N` bytes without NUL, in place.
// Zeros behind the text are below every character, so the derived order is that of the texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Short<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Store for Short<N> {
    /// The text was checked to be no longer than `N`.
    fn new(text: &str) -> Self {
        const { assert!(N < 256) };
        let mut bytes = [0; N];
        let mut len = 0_u8;
        if let Some(start) = bytes.get_mut(..text.len()) {
            start.copy_from_slice(text.as_bytes());
            len = u8::try_from(text.len()).unwrap_or_default();
        }
        Self { bytes, len }
    }

    fn as_str(&self) -> &str {
        // It was a text, so the default is never taken.
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }

    fn into_box(self) -> Box<str> {
        self.as_str().into()
    }
}

impl<const N: usize> From<Box<str>> for Short<N> {
    fn from(text: Box<str>) -> Self {
        Self::new(&text)
    }
}

impl<const N: usize> fmt::Debug for Short<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
