//! The text that is signed, on its way to the hash: no joined copy of it is made.

use md5::digest::Update;

use super::{SIGN, Signable};
use crate::{
    ApiKey,
    words::{self, Piece},
};

/// A multiple of the hashes' block, and more than what most messages sign.
const GATHERED_BYTES: usize = 512;
const BLOCK_BYTES: usize = 64;

/// Feeds the whole text, key included, to a hash.
pub(super) fn feed(fields: &impl Signable, key: &ApiKey, hash: &mut impl Update) {
    // Faster where it can be, but a small processor has a small stack.
    if words::WIDE {
        feed_gathered(fields, hash);
    } else {
        let is_empty = feed_pieces(fields, hash);
        hash.update(key_start(is_empty));
    }
    // The key goes straight in, so no copy of it is left on the stack here.
    hash.update(key.bytes());
}

/// What stands between the fields and the key; a field has its `&` already.
const fn key_start(is_empty: bool) -> &'static [u8] {
    if is_empty { b"&key=" } else { b"key=" }
}

/// Whether a field belongs to the text that is signed.
pub(super) fn is_signed(name: &[u8], value_len: usize) -> bool {
    value_len != 0 && name != SIGN.as_bytes()
}

/// Feeds `name=value&` of each field; whether there is none.
fn feed_pieces(fields: &impl Signable, hash: &mut impl Update) -> bool {
    let mut is_empty = true;
    fields.each_by_name(|name, value| {
        if is_signed(name.bytes(), value.len) {
            is_empty = false;
            feed_pair(name, value, hash);
        }
    });
    is_empty
}

/// Feeds `name=value&`. Not in a loop: a list of the pieces would take stack.
fn feed_pair(name: Piece<'_>, value: Piece<'_>, hash: &mut impl Update) {
    hash.update(name.bytes());
    hash.update(b"=");
    hash.update(value.bytes());
    hash.update(b"&");
}

/// As [`feed_pieces`], with what begins the key. Hashes are slow at many small pieces, so these are gathered.
fn feed_gathered(fields: &impl Signable, hash: &mut impl Update) {
    let mut gathered = [0; GATHERED_BYTES];
    let mut len = 0;
    let mut is_empty = true;
    fields.each_by_name(|name, value| {
        if !is_signed(name.bytes(), value.len) {
            return;
        }
        is_empty = false;
        let pair_len = name.len + value.len + "=&".len();
        if pair_len > GATHERED_BYTES - len {
            // Whole blocks, which a hash takes as they are.
            let whole = len - len % BLOCK_BYTES;
            hash.update(&gathered[..whole]);
            gathered.copy_within(whole..len, 0);
            len -= whole;
            if pair_len > GATHERED_BYTES - len {
                hash.update(&gathered[..len]);
                len = 0;
                feed_pair(name, value, hash);
                return;
            }
        }
        // Written once a field: from here it stands in memory, and each change would wait for the one before.
        let equals_at = len + name.len;
        let end = equals_at + "=".len() + value.len;
        name.copy(&mut gathered, len);
        gathered[equals_at] = b'=';
        value.copy(&mut gathered, equals_at + "=".len());
        gathered[end] = b'&';
        len = end + "&".len();
    });
    let key_start = key_start(is_empty);
    if let Some(room) = gathered.get_mut(len..len + key_start.len()) {
        room.copy_from_slice(key_start);
        len += key_start.len();
        hash.update(&gathered[..len]);
    } else {
        hash.update(&gathered[..len]);
        hash.update(key_start);
    }
}
