//! Sign and verify.
//!
//! The rule: take every field, drop `sign` and all fields with an empty value, sort by name in byte order, join as
//! `name=value` with `&`, append `&key=` and the API key, and hash: MD5, or HMAC-SHA256 with the same key over the same
//! text, `&key=…` included. Values are raw text: no URL encoding and no XML entities. `sign_type`, when it is there, is
//! signed like any other field, and so is a field that this crate has never heard of.

mod feed;

use alloc::{string::String, vec::Vec};
use core::fmt;

use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{
    ApiKey, Params, SignType,
    words::{self, Piece},
};
use feed::{feed, is_signed};

/// The field that carries the sign.
pub(crate) const SIGN: &str = "sign";
/// The field that may name the sign type.
pub(crate) const SIGN_TYPE: &str = "sign_type";

/// A sign: 32 (MD5) or 64 (HMAC-SHA256) upper-case hex digits.
///
/// It compares with `==` as any public value does. To check a message use [`verify`], which takes constant time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    hex: [u8; 64],
    sign_type: SignType,
}

impl Sign {
    fn from_digest(digest: &[u8], sign_type: SignType) -> Self {
        let mut hex = [0_u8; 64];
        let (pairs, _) = hex.as_chunks_mut::<2>();
        for (pair, &byte) in pairs.iter_mut().zip(digest) {
            // A table of all pairs is faster, and takes 512 bytes.
            *pair = if words::WIDE {
                PAIRS_OF_DIGITS[usize::from(byte)]
            } else {
                pair_of_digits(byte)
            };
        }
        Self { hex, sign_type }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.hex[..self.sign_type.sign_len()]
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are ASCII, so the default is never taken.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// How it was made.
    #[must_use]
    pub const fn sign_type(&self) -> SignType {
        self.sign_type
    }
}

/// The two upper-case hex digits of a byte.
const fn pair_of_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

static PAIRS_OF_DIGITS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0_u8;
    loop {
        pairs[byte as usize] = pair_of_digits(byte);
        if byte == u8::MAX {
            break pairs;
        }
        byte += 1;
    }
};

impl AsRef<str> for Sign {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sign({self})")
    }
}

/// Signs a message. A field `sign` and empty values are left out.
///
/// ```
/// use wxpay_core::{ApiKey, Params, SignType, sign};
///
/// let key: ApiKey = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// let mut params = Params::new();
/// for (name, value) in [
///     ("appid", "wxd930ea5d5a258f4f"),
///     ("mch_id", "10000100"),
///     ("device_info", "1000"),
///     ("body", "test"),
///     ("nonce_str", "ibuaiVcKdpRxkhJA"),
/// ] {
///     params.insert(name, value)?;
/// }
/// assert_eq!(sign::sign(&params, &key, SignType::Md5).as_str(), "9A0A8659F005D6984697E2CA0A9CF3B7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn sign(params: &Params<'_>, key: &ApiKey, sign_type: SignType) -> Sign {
    match sign_type {
        SignType::Md5 => Sign::from_digest(&md5(params, key), sign_type),
        SignType::HmacSha256 => Sign::from_digest(&hmac_sha256(params, key), sign_type),
    }
}

/// What a sign is made over.
pub(crate) trait Signable {
    /// The value of a field.
    fn get(&self, name: &str) -> Option<&[u8]>;
    /// Hands out every field in the byte order of the names.
    fn each_by_name(&self, each: impl FnMut(Piece<'_>, Piece<'_>));
}

impl Signable for Params<'_> {
    fn get(&self, name: &str) -> Option<&[u8]> {
        self.get(name).map(str::as_bytes)
    }

    fn each_by_name(&self, each: impl FnMut(Piece<'_>, Piece<'_>)) {
        self.each_by_name(each);
    }
}

// Apart from each other and from their callers, so that a small stack holds the state of one hash at a time, and a program
// that names its sign type has the code of that one alone.
#[inline(never)]
fn md5(fields: &impl Signable, key: &ApiKey) -> [u8; 16] {
    let mut md5 = Md5::new();
    feed(fields, key, &mut md5);
    // Not `finalize`, which would hold a second state.
    md5.finalize_reset().into()
}

#[inline(never)]
fn hmac_sha256(fields: &impl Signable, key: &ApiKey) -> [u8; 32] {
    // HMAC pads a short key with zeros, so a whole block of them says the same and cannot be refused.
    let mut block = [0; 64];
    block[..ApiKey::LEN].copy_from_slice(key.bytes());
    let mut hmac = <Hmac<Sha256> as hmac::KeyInit>::new((&block).into());
    zeroize::Zeroize::zeroize(&mut block[..ApiKey::LEN]);
    feed(fields, key, &mut hmac);
    hmac.finalize().into_bytes().into()
}

/// The message with its sign appended; one that was there is replaced. No other field is added.
#[must_use]
pub fn signed<'a>(mut params: Params<'a>, key: &ApiKey, sign_type: SignType) -> Params<'a> {
    add_sign(&mut params, key, sign_type);
    params
}

/// As [`signed`], in place.
pub(crate) fn add_sign(params: &mut Params<'_>, key: &ApiKey, sign_type: SignType) {
    let sign = sign(params, key, sign_type);
    params.remove(SIGN);
    params.push(SIGN, sign.as_str());
}

/// Checks that a message was signed with one of `keys`, in constant time for each.
///
/// `sign_type` comes from what the caller knows, such as the order: a message that could choose its own would let a
/// forger choose. Give `[current, previous]` keys while a key is being changed.
///
/// # Errors
/// [`VerifyError`]; no key at all is [`VerifyError::Mismatch`].
pub fn verify(
    params: &Params<'_>,
    keys: &[ApiKey],
    sign_type: SignType,
) -> Result<(), VerifyError> {
    verify_fields(params, keys, sign_type)
}

/// As [`verify`], for whatever holds the fields.
pub(crate) fn verify_fields(
    fields: &impl Signable,
    keys: &[ApiKey],
    sign_type: SignType,
) -> Result<(), VerifyError> {
    let given = match fields.get(SIGN) {
        None | Some([]) => return Err(VerifyError::Missing),
        Some(given) => given,
    };
    if given.len() != sign_type.sign_len() {
        return Err(VerifyError::WrongLength {
            expected: sign_type.sign_len(),
            got: given.len(),
        });
    }
    if fields
        .get(SIGN_TYPE)
        .is_some_and(|named| !named.is_empty() && named != sign_type.as_str().as_bytes())
    {
        return Err(VerifyError::SignTypeDisagrees);
    }
    let holds = |key| match sign_type {
        SignType::Md5 => is_sign_of(&md5(fields, key), sign_type, given),
        SignType::HmacSha256 => is_sign_of(&hmac_sha256(fields, key), sign_type, given),
    };
    if keys.iter().any(|key| bool::from(holds(key))) {
        Ok(())
    } else {
        Err(VerifyError::Mismatch)
    }
}

/// Whether a text is the sign of a digest, in constant time. Words at a time: a sign is four or eight of them.
// After the hash and not around it, so that a small stack need not hold both.
#[inline(never)]
fn is_sign_of(digest: &[u8], sign_type: SignType, given: &[u8]) -> Choice {
    let sign = Sign::from_digest(digest, sign_type);
    let (made, made_rest) = sign.as_bytes().as_chunks::<8>();
    let (given, given_rest) = given.as_chunks::<8>();
    let words = made
        .iter()
        .zip(given)
        .fold(Choice::from(1), |same, (a, b)| {
            same & u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b))
        });
    words & made_rest.ct_eq(given_rest)
}

/// Why a message is not proven genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no field `sign`, or it is empty.
    #[error("the message has no sign")]
    Missing,
    /// The sign is not as long as one of the expected type, so it is of another type or of none.
    #[error("the sign has {got} characters, not {expected}")]
    WrongLength {
        /// The length of a sign of the expected type.
        expected: usize,
        /// The length of the sign in the message.
        got: usize,
    },
    /// The message names another sign type than the one expected.
    #[error("the message's sign_type is not the one expected")]
    SignTypeDisagrees,
    /// The sign is not the one that any of the keys makes.
    #[error("the sign does not match")]
    Mismatch,
}

/// The text that is signed, up to but without `&key=`: for people who look for a fault.
#[must_use]
pub fn string_to_sign(params: &Params<'_>) -> String {
    let mut fields: Vec<_> = params
        .iter()
        .filter(|(name, value)| is_signed(name.as_bytes(), value.len()))
        .collect();
    fields.sort_unstable();
    let mut text = String::new();
    for (index, (name, value)) in fields.into_iter().enumerate() {
        for piece in [if index == 0 { "" } else { "&" }, name, "=", value] {
            text.push_str(piece);
        }
    }
    text
}
