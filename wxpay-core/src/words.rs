//! Bytes eight at a time, for texts too short to be worth a call.
//!
//! Names and values of a message are mostly shorter than 32 bytes. There a call that searches, compares or copies costs
//! more than what it does. On a processor of 32 bits the plain loops are smaller, and so these are used.

use core::cmp::Ordering;

use memchr::{memchr, memchr2};

/// Whether a register holds eight bytes.
const WIDE: bool = cfg!(target_pointer_width = "64");
/// How far is searched here before it is worth a call.
const NEAR_BYTES: usize = 64;

const HIGH: u64 = each(0x80);

/// A word of eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The eight bytes from `at` on, the first one lowest.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Marks the bytes that are zero. The lowest mark is right; one above it may be too many.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & HIGH
}

/// The place of the lowest mark.
const fn lowest(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Where a byte that `marks` marks in a word stands next, from `from` on, or from where `far` must go on looking.
fn near(bytes: &[u8], from: usize, marks: impl Fn(u64) -> u64) -> Result<usize, usize> {
    let mut at = from;
    while at < from + NEAR_BYTES
        && let Some(word) = word(bytes, at)
    {
        let marks = marks(word);
        if marks != 0 {
            return Ok(at + lowest(marks));
        }
        at += 8;
    }
    Err(at)
}

/// Where `byte` stands next, from `from` on.
pub(crate) fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    let mut from = from;
    if WIDE {
        match near(bytes, from, |word| zeros(word ^ each(byte))) {
            Ok(at) => return Some(at),
            Err(at) => from = at,
        }
    }
    Some(from + memchr(byte, bytes.get(from..)?)?)
}

/// Where one of two bytes stands next, from `from` on.
pub(crate) fn find_either(bytes: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
    let mut from = from;
    if WIDE {
        let marks = |word| zeros(word ^ each(one)) | zeros(word ^ each(other));
        match near(bytes, from, marks) {
            Ok(at) => return Some(at),
            Err(at) => from = at,
        }
    }
    Some(from + memchr2(one, other, bytes.get(from..)?)?)
}

/// The end of the name that begins at `from`: where its letters, digits and `_` end.
pub(crate) fn name_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    if WIDE {
        while let Some(word) = word(bytes, at) {
            let others = not_lower(word);
            if others == 0 {
                at += 8;
                continue;
            }
            at += lowest(others);
            match bytes.get(at) {
                Some(&byte) if is_name_byte(byte) => at += 1,
                _ => return at,
            }
        }
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|&byte| !is_name_byte(byte))
        .unwrap_or(rest.len())
}

/// Marks the bytes other than `a` to `z` and `_`, of which nearly all names are made.
const fn not_lower(word: u64) -> u64 {
    const LOW: u64 = !HIGH;
    // `_` comes right before the accent, and that before `a`.
    let from_low_line = (word | HIGH).wrapping_sub(each(b'_'));
    let above_z = (word & LOW) + each(0x7F - b'z');
    let not_accent = ((word & LOW) ^ each(b'`')) + LOW;
    (!from_low_line | above_z | !not_accent | word) & HIGH
}

// Asked for every byte of a name, where a call costs more than the answer.
#[expect(clippy::inline_always, reason = "built for size it would be a call")]
#[inline(always)]
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether two texts are the same.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    if !WIDE || a.len() != b.len() {
        return a == b;
    }
    if a.len() > 16 {
        return a == b;
    }
    if let (Some(a_head), Some(a_tail)) = (a.first_chunk::<8>(), a.last_chunk::<8>())
        && let (Some(b_head), Some(b_tail)) = (b.first_chunk::<8>(), b.last_chunk::<8>())
    {
        return (u64::from_ne_bytes(*a_head) ^ u64::from_ne_bytes(*b_head))
            | (u64::from_ne_bytes(*a_tail) ^ u64::from_ne_bytes(*b_tail))
            == 0;
    }
    if let (Some(a_head), Some(a_tail)) = (a.first_chunk::<4>(), a.last_chunk::<4>())
        && let (Some(b_head), Some(b_tail)) = (b.first_chunk::<4>(), b.last_chunk::<4>())
    {
        return (u32::from_ne_bytes(*a_head) ^ u32::from_ne_bytes(*b_head))
            | (u32::from_ne_bytes(*a_tail) ^ u32::from_ne_bytes(*b_tail))
            == 0;
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// The order of two names in one text, by their bytes.
#[inline]
pub(crate) fn compare_names(text: &[u8], a: (usize, usize), b: (usize, usize)) -> Ordering {
    let name = |(at, len): (usize, usize)| text.get(at..at + len).unwrap_or_default();
    if WIDE
        && let (Some(a_key), Some(b_key)) = (key(text, a), key(text, b))
        && a_key != b_key
    {
        return a_key.cmp(&b_key);
    }
    name(a).cmp(name(b))
}

/// The first eight bytes of a name as a number of the same order. No name holds a NUL, so zeros stand for its end.
#[inline]
fn key(text: &[u8], (at, len): (usize, usize)) -> Option<u64> {
    let word = word(text, at)?.swap_bytes();
    Some(if len < 8 {
        word & !(u64::MAX >> (8 * len))
    } else {
        word
    })
}

/// Copies a text to the start of `to`, which is long enough.
#[inline]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    let Some(to) = to.get_mut(..from.len()) else {
        return;
    };
    if !WIDE || from.len() > 32 {
        to.copy_from_slice(from);
    } else if let (Some(head), Some(tail)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) {
        both_ends(to, *head, *tail);
    } else if let (Some(head), Some(tail)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
        both_ends(to, *head, *tail);
    } else if let (Some(head), Some(tail)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
        both_ends(to, *head, *tail);
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

/// Writes the start and the end of a text, which together are all of it.
#[inline]
fn both_ends<const N: usize>(to: &mut [u8], head: [u8; N], tail: [u8; N]) {
    if let Some(to) = to.first_chunk_mut() {
        *to = head;
    }
    if let Some(to) = to.last_chunk_mut() {
        *to = tail;
    }
}

/// Whether every byte is printable ASCII, a blank, or not `except` either. One that says no may be good all the same.
#[inline]
pub(crate) fn is_plain(bytes: &[u8], except: u8) -> bool {
    let is_odd = |byte: u8| byte < b' ' || byte >= 0x80 || byte == except;
    if !WIDE {
        return !bytes.iter().any(|&byte| is_odd(byte));
    }
    let odd = |word: u64| (word | word.wrapping_sub(each(b' '))) & HIGH | zeros(word ^ each(except));
    let (words, rest) = bytes.as_chunks::<8>();
    let found = words
        .iter()
        .fold(0, |found, word| found | odd(u64::from_le_bytes(*word)));
    found == 0 && !rest.iter().any(|&byte| is_odd(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec, vec::Vec};
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_of_the_right_class() {
        for byte in 0..=u8::MAX {
            let is_lower = byte.is_ascii_lowercase() || byte == b'_';
            for place in 0..8 {
                let mut bytes = [b'q'; 8];
                bytes[place] = byte;
                let wanted = if is_lower { 0 } else { 0x80 << (8 * place) };
                assert_eq!(not_lower(u64::from_le_bytes(bytes)), wanted, "{byte}");
                let wanted = (b' '..0x80).contains(&byte) && byte != b']';
                assert_eq!(is_plain(&bytes, b']'), wanted, "{byte}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_agree_with_the_plain_way(
            bytes in prop::collection::vec(prop_oneof!["[a-z_]{1,9}", "[ -~]", any::<String>()], 0..12)
                .prop_map(|pieces| pieces.concat().into_bytes()),
            from in 0_usize..40,
            (one, other) in (0_u8.., 0_u8..),
            lens in (0_usize..20, 0_usize..20),
        ) {
            let from = from.min(bytes.len());
            let after = |is: &dyn Fn(u8) -> bool| bytes[from..].iter().position(|&b| is(b)).map(|at| from + at);
            prop_assert_eq!(find(&bytes, from, one), after(&|b| b == one));
            prop_assert_eq!(find_either(&bytes, from, one, b'e'), after(&|b| b == one || b == b'e'));
            prop_assert_eq!(find_either(&bytes, from, one, other), after(&|b| b == one || b == other));
            prop_assert_eq!(name_end(&bytes, from), after(&|b| !is_name_byte(b)).unwrap_or(bytes.len()));

            let whole = |b: &[u8]| b.iter().all(|&b| (b' '..0x80).contains(&b) && b != one);
            prop_assert_eq!(is_plain(&bytes[from..], one), whole(&bytes[from..]));

            let mut copied = vec![0; bytes.len()];
            copy(&mut copied, &bytes[from..]);
            prop_assert_eq!(&copied[..bytes.len() - from], &bytes[from..]);

            // Names: no NUL, and not empty.
            let names: Vec<u8> = bytes.iter().map(|&b| if b == 0 { b'_' } else { b }).collect();
            if !names.is_empty() {
                let name = |at: usize, len: usize| {
                    let at = at.min(names.len() - 1);
                    (at, (len + 1).min(names.len() - at))
                };
                let (a, b) = (name(from, lens.0), name(lens.1, lens.1));
                let of = |(at, len): (usize, usize)| &names[at..at + len];
                prop_assert_eq!(compare_names(&names, a, b), of(a).cmp(of(b)));
                prop_assert_eq!(same(of(a), of(b)), of(a) == of(b));
                prop_assert!(same(of(a), &of(a).to_vec()));
            }
        }
    }
}
