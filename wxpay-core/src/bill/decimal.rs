//! Decimal digits to whole numbers and back, without a float.

use core::fmt;
use core::ops::Range;

use super::AmountError;

/// Digits before the point that are read: ten trillion yuan fit, and so does every sum below them.
const MAX_WHOLE_DIGITS: usize = 13;
/// The powers of ten up to the most decimals.
const POWERS: [i64; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
const WORD_BYTES: usize = size_of::<u64>();

/// The number at `range` of `line`, with or without a minus, in hundred-thousandths.
#[inline]
pub(super) fn hundred_thousandths(
    line: &[u8],
    mut range: Range<usize>,
) -> Result<i64, AmountError> {
    let negative = line[range.clone()].first() == Some(&b'-');
    range.start += usize::from(negative);
    let value = match short(line, &range) {
        Some(value) => value,
        None => scaled(&line[range], 5)?,
    };
    Ok(if negative { -value } else { value })
}

/// The number at `range` of `line`, if it has a point, at most eight characters and at most five decimals, as the amounts of a
/// row have: all its digits at once, in hundred-thousandths. Nothing does not mean that it is no number.
#[inline]
fn short(line: &[u8], range: &Range<usize>) -> Option<i64> {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; WORD_BYTES]);
    if range.len() > WORD_BYTES || range.len() < 3 {
        return None;
    }
    let bytes = line.get(range.end.checked_sub(WORD_BYTES)?..range.end)?;
    let word = u64::from_le_bytes(bytes.try_into().ok()?);
    // What stands before the number in the line gives way to zeros.
    let begin = WORD_BYTES - range.len();
    let own = u64::MAX << (8 * begin);
    let word = (word & own) | (ZEROS & !own);
    let point = points(word).trailing_zeros() as usize / 8;
    // A digit on either side, and no more than five behind.
    if point <= begin || !(2..WORD_BYTES - 1).contains(&point) {
        return None;
    }
    // The digits before the point move up onto it.
    let before = (1 << (8 * point)) - 1;
    let behind = u64::MAX << (8 * (point + 1));
    let digits = (word & behind) | ((word & before) << 8) | u64::from(b'0');
    eight_digits(digits).map(|value| value * POWERS[point - 2])
}

/// The highest bit of each byte of `word` that is a point.
#[inline]
const fn points(word: u64) -> u64 {
    const LOW_BITS: u64 = u64::from_ne_bytes([0x7F; WORD_BYTES]);
    let zero_where_found = word ^ u64::from_ne_bytes([b'.'; WORD_BYTES]);
    // No carry crosses a byte, so nothing is found that is not there.
    !(((zero_where_found & LOW_BITS) + LOW_BITS) | zero_where_found | LOW_BITS)
}

/// The number that eight ASCII digits stand for, the first of them in the lowest byte.
#[inline]
const fn eight_digits(digits: u64) -> Option<i64> {
    const HIGH_HALVES: u64 = u64::from_ne_bytes([0xF0; WORD_BYTES]);
    const SIXES: u64 = u64::from_ne_bytes([6; WORD_BYTES]);
    const THREES: u64 = u64::from_ne_bytes([0x33; WORD_BYTES]);
    // `0` to `9` are 0x30 to 0x39: the high half is 3, and still is with six added.
    let halves = (digits & HIGH_HALVES) | ((digits.wrapping_add(SIXES) & HIGH_HALVES) >> 4);
    if halves != THREES {
        return None;
    }
    // Neighbours are joined: digits to pairs, pairs to fours, fours to eight.
    let ones = digits & !HIGH_HALVES;
    let pairs = (ones.wrapping_mul(10 * (1 << 8) + 1) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100 * (1 << 16) + 1) >> 16) & 0x0000_FFFF_0000_FFFF;
    let eight = fours.wrapping_mul(10_000 * (1 << 32) + 1) >> 32;
    Some(eight.cast_signed())
}

/// `digits`, with or without a point, as a whole number of the unit that has `decimals` decimals.
pub(super) fn scaled(digits: &[u8], decimals: u8) -> Result<i64, AmountError> {
    let mut value = 0_i64;
    let mut whole = 0;
    let mut rest = digits;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        whole += 1;
        if whole > MAX_WHOLE_DIGITS {
            return Err(AmountError::TooLarge);
        }
        value = value * 10 + i64::from(digit - b'0');
        rest = tail;
    }
    if whole == 0 {
        return Err(AmountError::NotDecimal);
    }
    let mut missing = decimals;
    if let [b'.', tail @ ..] = rest {
        if tail.is_empty() {
            return Err(AmountError::NotDecimal);
        }
        for digit in tail {
            if !digit.is_ascii_digit() {
                return Err(AmountError::NotDecimal);
            }
            if missing > 0 {
                missing -= 1;
                value = value * 10 + i64::from(digit - b'0');
            } else if *digit != b'0' {
                return Err(AmountError::TooFine {
                    max_decimals: decimals,
                });
            }
        }
    } else if !rest.is_empty() {
        return Err(AmountError::NotDecimal);
    }
    Ok(value * POWERS[usize::from(missing)])
}

/// Writes the decimals behind the point: two at least, and no zeros behind those.
pub(super) fn fraction(
    f: &mut fmt::Formatter<'_>,
    mut value: u64,
    mut decimals: usize,
) -> fmt::Result {
    while decimals > 2 && value.is_multiple_of(10) {
        value /= 10;
        decimals -= 1;
    }
    write!(f, ".{value:0decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_point_is_found_and_nothing_else() {
        for byte in 0..=u8::MAX {
            for at in 0..WORD_BYTES {
                // Its neighbour is what a carry would find.
                let mut word = [b'/'; WORD_BYTES];
                word[at] = byte;
                let expected = if byte == b'.' { 0x80 << (8 * at) } else { 0 };
                assert_eq!(points(u64::from_le_bytes(word)), expected);
            }
        }
        assert_eq!(
            points(u64::from_le_bytes(*b"././/.//")),
            0x0000_8000_0080_0080
        );
    }

    #[test]
    fn every_byte_that_is_no_digit_is_refused() {
        for byte in 0..=u8::MAX {
            for at in 0..WORD_BYTES {
                let mut digits = *b"12345678";
                digits[at] = byte;
                let expected = core::str::from_utf8(&digits).ok();
                let expected = expected.filter(|_| byte.is_ascii_digit());
                assert_eq!(
                    eight_digits(u64::from_le_bytes(digits)),
                    expected.map(|text| text.parse().unwrap())
                );
            }
        }
    }

    proptest! {
        /// Whatever stands before the number, and whatever it is made of.
        #[test]
        fn the_short_way_agrees_with_the_long(
            before in "[ -~茶]{0,12}", number in "[0-9]{0,7}[.0-9x]{0,2}[0-9]{0,6}"
        ) {
            let line = alloc::format!("{before}{number}");
            if let Some(value) = short(line.as_bytes(), &(before.len()..line.len())) {
                prop_assert_eq!(Ok(value), scaled(number.as_bytes(), 5));
            }
        }
    }
}
