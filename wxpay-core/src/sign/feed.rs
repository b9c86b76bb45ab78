//! The text that is signed, on its way to the hash: no joined copy of it is made.

use md5::digest::Update;

use super::{SIGN, Signable};
use crate::{ApiKey, words};

/// Whether pieces are gathered before they go to the hash. It is faster, but a small processor has a small stack.
const GATHERS: bool = cfg!(target_pointer_width = "64");
/// A multiple of the hashes' block, and more than what most messages sign.
const GATHERED_BYTES: usize = 512;
const BLOCK_BYTES: usize = 64;

/// Feeds the whole text, key included, to a hash.
pub(super) fn feed(fields: &impl Signable, key: &ApiKey, hash: &mut impl Update) {
    let is_empty = if GATHERS {
        let mut gathering = Gathering {
            hash,
            gathered: [0; GATHERED_BYTES],
            len: 0,
            is_empty: true,
        };
        fields.each_by_name(|name, value| {
            if is_signed(name, value) {
                gathering.pair(name, value);
            }
        });
        gathering.hand_over();
        gathering.is_empty
    } else {
        let mut is_empty = true;
        fields.each_by_name(|name, value| {
            if is_signed(name, value) {
                is_empty = false;
                for piece in [name, b"=", value, b"&"] {
                    hash.update(piece);
                }
            }
        });
        is_empty
    };
    // The key goes straight in, so no copy of it is left on the stack here.
    hash.update(if is_empty { b"&key=" } else { b"key=" });
    hash.update(key.bytes());
}

/// Whether a field belongs to the text that is signed.
pub(super) fn is_signed(name: &[u8], value: &[u8]) -> bool {
    !value.is_empty() && !words::same(name, SIGN.as_bytes())
}

/// Hashes are slow at many small pieces, so these are gathered.
struct Gathering<'h, H> {
    hash: &'h mut H,
    gathered: [u8; GATHERED_BYTES],
    len: usize,
    is_empty: bool,
}

impl<H: Update> Gathering<'_, H> {
    /// Takes `name=value&`.
    #[inline]
    fn pair(&mut self, name: &[u8], value: &[u8]) {
        self.is_empty = false;
        let len = name.len() + value.len() + "=&".len();
        if len > self.gathered.len() - self.len {
            self.hand_over_blocks();
        }
        let Some(free) = self.gathered.get_mut(self.len..self.len + len) else {
            self.hand_over();
            // Longer than all the room there is.
            for piece in [name, b"=", value, b"&"] {
                self.hash.update(piece);
            }
            return;
        };
        words::copy(free, name);
        let free = &mut free[name.len()..];
        free[0] = b'=';
        words::copy(&mut free[1..], value);
        free[value.len() + 1] = b'&';
        self.len += len;
    }

    /// Hands over whole blocks, which a hash takes as they are.
    fn hand_over_blocks(&mut self) {
        let whole = self.len - self.len % BLOCK_BYTES;
        self.hash.update(&self.gathered[..whole]);
        self.gathered.copy_within(whole..self.len, 0);
        self.len -= whole;
    }

    fn hand_over(&mut self) {
        self.hash.update(&self.gathered[..self.len]);
        self.len = 0;
    }
}
