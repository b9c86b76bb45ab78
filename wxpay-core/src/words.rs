//! Bytes eight at a time, for texts too short to be worth a call.
//!
//! Names and values of a message are mostly shorter than 32 bytes. There a call that searches, compares or copies costs
//! more than what it does. On a processor of 32 bits the plain loops are smaller, and so these are used.

use core::cmp::Ordering;

use memchr::{memchr, memchr2};

/// Whether a register holds eight bytes.
pub(crate) const WIDE: bool = cfg!(target_pointer_width = "64");
/// How far is searched here before it is worth a call.
const NEAR_BYTES: usize = 64;

const HIGH: u64 = each(0x80);

/// A word of eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The eight bytes from `at` on, the first one lowest.
#[inline]
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
#[inline]
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
#[inline]
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

/// Where `what` stands next, from `from` on; it is not empty, and so short that this takes time in proportion to `bytes`
/// alone.
pub(crate) fn find_text(bytes: &[u8], from: usize, what: &str) -> Option<usize> {
    let what = what.as_bytes();
    let mut from = from;
    loop {
        let at = find(bytes, from, what[0])?;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
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

/// A field as nearly all are: `name><![CDATA[value]]></name>` or `name>123</name>`.
pub(crate) struct UsualField {
    pub(crate) name_len: usize,
    pub(crate) value_at: usize,
    pub(crate) value_len: usize,
    /// The length of all of it.
    pub(crate) len: usize,
}

/// The field at the start of `rest`, behind its `<`; nothing if it is another kind, has a fault, or stands so near the end
/// of the message that words do not reach.
#[allow(
    clippy::inline_always,
    reason = "its answer is four numbers, which then stay in registers"
)]
#[inline(always)]
pub(crate) fn usual_field(rest: &[u8]) -> Option<UsualField> {
    const VALUE_START: &[u8; 10] = b"><![CDATA[";
    const VALUE_END: &[u8; 5] = b"]]></";
    let (words, _) = rest.as_chunks::<8>();
    // Both searches go along the same words, as no name holds what ends a value: so the second need not wait for the first.
    let mut words = words.iter();
    let mut word = u64::from_le_bytes(*words.next()?);
    let mut word_at = 0;
    let ends = loop {
        let ends = zeros(word ^ each(b'>'));
        if ends != 0 {
            break ends;
        }
        word = u64::from_le_bytes(*words.next()?);
        word_at += 8;
    };
    let name_len = word_at + lowest(ends);
    let (value_at, value_len, end_tag_at);
    if rest.get(name_len..)?.first_chunk() == Some(VALUE_START) {
        let ends = loop {
            let ends = zeros(word ^ each(b']'));
            if ends != 0 {
                break ends;
            }
            word = u64::from_le_bytes(*words.next()?);
            word_at += 8;
        };
        value_at = name_len + VALUE_START.len();
        let value_end = word_at + lowest(ends);
        if rest.get(value_end..)?.first_chunk() != Some(VALUE_END) {
            return None;
        }
        // The name was not looked at yet, and could hold what ends a value.
        value_len = value_end.checked_sub(value_at)?;
        end_tag_at = value_end + VALUE_END.len();
    } else {
        value_at = name_len + 1;
        let value = rest.get(value_at..)?;
        value_len = value.iter().position(|byte| !byte.is_ascii_digit())?;
        if value.get(value_len..)?.first_chunk() != Some(b"</") {
            return None;
        }
        end_tag_at = value_at + value_len + "</".len();
    }
    begins_with_name_tag(rest, name_len, rest.get(end_tag_at..)?).then_some(UsualField {
        name_len,
        value_at,
        value_len,
        len: end_tag_at + name_len + ">".len(),
    })
}

/// Whether a name is the whole of `name_len` bytes at the start of `rest`, with a `>` behind it, and `end_tag` begins with
/// just these. It may say no where a text ends before a word does.
#[expect(clippy::inline_always, reason = "asked for every field")]
#[inline(always)]
pub(crate) fn begins_with_name_tag(rest: &[u8], name_len: usize, end_tag: &[u8]) -> bool {
    let (Some(first), Some(end_first)) = (word(rest, 0), word(end_tag, 0)) else {
        return false;
    };
    let tag_len = name_len + 1;
    let (others, differ);
    if tag_len <= 8 {
        let unused = 64 - 8 * tag_len;
        others = not_lower(first) & (u64::MAX >> unused >> 8);
        differ = (first ^ end_first) << unused;
    } else if tag_len <= 16 {
        let (Some(last), Some(end_last)) = (word(rest, tag_len - 8), word(end_tag, tag_len - 8))
        else {
            return false;
        };
        others = not_lower(first) | not_lower(last) & (u64::MAX >> 8);
        differ = first ^ end_first | last ^ end_last;
    } else {
        others = 1;
        let tags = (rest.get(..tag_len), end_tag.get(..tag_len));
        differ = u64::from(tags.0.is_none() || tags.0 != tags.1);
    }
    // Where the start tag has its `>` is known, and so the end tag has it if they are alike.
    differ == 0
        && name_len != 0
        && (others == 0
            || name_end(rest, 0) == name_len && !rest.first().is_some_and(u8::is_ascii_digit))
}

/// The end of the name that begins at `from`: where its letters, digits and `_` end.
#[inline]
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
pub(crate) fn key(text: &[u8], (at, len): (usize, usize)) -> Option<u64> {
    let word = word(text, at)?.swap_bytes();
    Some(if len < 8 {
        word & !(u64::MAX >> (8 * len))
    } else {
        word
    })
}

/// As [`key`], also where the text ends right behind the name.
#[inline]
pub(crate) fn start(text: &[u8], (at, len): (usize, usize)) -> u64 {
    if let Some(key) = key(text, (at, len)) {
        return key;
    }
    let name = text.get(at..at + len).unwrap_or_default();
    if let (Some(head), Some(tail)) = (name.first_chunk(), name.last_chunk())
        && name.len() < 8
    {
        let (head, tail) = (u32::from_be_bytes(*head), u32::from_be_bytes(*tail));
        return u64::from(head) << 32 | u64::from(tail) << (64 - 8 * name.len());
    }
    let mut start = [0; 8];
    for (to, from) in start.iter_mut().zip(name) {
        *to = *from;
    }
    u64::from_be_bytes(start)
}

/// A part of a text.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) within: &'a [u8],
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl<'a> Piece<'a> {
    #[inline]
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.within
            .get(self.at..self.at + self.len)
            .unwrap_or_default()
    }

    /// Copies the piece to `to`, from `at` on: nothing if it does not fit. What follows it there may be overwritten.
    #[inline]
    pub(crate) fn copy(self, to: &mut [u8], at: usize) {
        if self.len <= 16 && self.copy_block::<16>(to, at).is_some() {
            return;
        }
        if self.len <= 32 && self.copy_block::<32>(to, at).is_some() {
            return;
        }
        if let Some(to) = to.get_mut(at..at + self.len) {
            to.copy_from_slice(self.bytes());
        }
    }

    /// Copies as many bytes as are quick to copy.
    #[inline]
    fn copy_block<const N: usize>(self, to: &mut [u8], at: usize) -> Option<()> {
        let block = self.within.get(self.at..)?.first_chunk::<N>()?;
        *to.get_mut(at..)?.first_chunk_mut()? = *block;
        Some(())
    }
}

/// Whether every byte is printable ASCII or a blank, and not `except`. One that says no may be good all the same.
#[inline]
pub(crate) fn is_plain(bytes: &[u8], except: u8) -> bool {
    is_ascii_from(b' ', bytes, except)
}

/// Whether every byte is ASCII from `least` on and not `except`. One that says no may be good all the same.
#[inline]
pub(crate) fn is_ascii_from(least: u8, bytes: &[u8], except: u8) -> bool {
    let is_odd = |byte: u8| !(least..0x80).contains(&byte) || byte == except;
    if !WIDE {
        return !bytes.iter().any(|&byte| is_odd(byte));
    }
    let odd =
        |word: u64| (word | word.wrapping_sub(each(least))) & HIGH | zeros(word ^ each(except));
    all_words(bytes, |word| odd(word) == 0, |byte| !is_odd(byte))
}

/// Whether every byte is a decimal digit.
#[inline]
pub(crate) fn are_digits(bytes: &[u8]) -> bool {
    // The high half of a digit is 3, also when 6 is added to it.
    const HALVES: u64 = each(0xF0);
    if !WIDE {
        return bytes.iter().all(u8::is_ascii_digit);
    }
    let good = |word: u64| {
        word & HALVES == each(0x30) && word.wrapping_add(each(6)) & HALVES == each(0x30)
    };
    all_words(bytes, good, |byte| byte.is_ascii_digit())
}

/// Whether all words are good, the last one overlapping, and of a text shorter than a word all bytes.
#[inline]
fn all_words(bytes: &[u8], good: impl Fn(u64) -> bool, good_byte: impl Fn(u8) -> bool) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|&byte| good_byte(byte));
    };
    let (words, _) = bytes.as_chunks();
    words.iter().all(|word| good(u64::from_le_bytes(*word))) && good(u64::from_le_bytes(*last))
}

#[cfg(test)]
mod tests;
