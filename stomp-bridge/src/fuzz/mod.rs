//! The bodies of the fuzz targets: plain functions that panic when something that must hold does not.
//!
//! They stand beside what they look at, since most of that is private; this is where they are told
//! to libFuzzer (`cargo xtask fuzz`), and where every run of the tests replays the corpora in
//! `tests/corpora` and a bounded number of mutations of them.
//!
//! The first byte of an input chooses what the rest is taken for and where it is cut.

#[cfg(test)]
mod corpus_tests;

use crate::frame::{FrameError, Limits, Version};

#[cfg(feature = "broker")]
pub use crate::broker::fuzz::sessions as broker_session;
#[cfg(feature = "client")]
pub use crate::client::fuzz::{client_codec, client_session, differential};
pub use crate::frame::fuzz::frames;

/// Small enough that inputs of a few hundred bytes come to them.
pub(crate) const TIGHT: Limits = Limits {
    max_frame_bytes: 300,
    max_headers: 8,
    max_header_bytes: 80,
};

/// No bound that an input comes to.
pub(crate) const WIDE: Limits = Limits {
    max_frame_bytes: 1 << 20,
    max_headers: 1 << 20,
    max_header_bytes: 1 << 20,
};

/// What an input's first byte chooses: always the same for the same byte.
pub(crate) struct Choices {
    state: u64,
}

impl Choices {
    /// The choices of an input, and the rest of it.
    pub(crate) fn of(input: &[u8]) -> (Self, &[u8]) {
        let (first, rest) = input.split_first().unwrap_or((&0, input));
        let state = u64::from(*first);
        (Self { state }, rest)
    }

    /// splitmix64.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % limit).unwrap()
    }

    pub(crate) fn version(&mut self) -> Version {
        [Version::V1_0, Version::V1_1, Version::V1_2][self.below(3)]
    }

    pub(crate) fn limits(&mut self) -> Limits {
        [TIGHT, Limits::default(), WIDE][self.below(3)]
    }

    /// Cuts bytes into pieces, some of them empty.
    pub(crate) fn cut<'a>(&mut self, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let longest = [4, 30, 200][self.below(3)];
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.below(longest).min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}

/// An error without what depends on how far the first line had come.
pub(crate) fn essence(error: FrameError) -> FrameError {
    match error {
        FrameError::UnknownCommand { .. } => FrameError::UnknownCommand { line: Vec::new() },
        other => other,
    }
}
