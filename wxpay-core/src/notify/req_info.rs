//! The cipher of a refund notify: base64 around AES-256-ECB with PKCS#7 padding.
//!
//! The AES key is the 32 ASCII characters of the lower-case hex MD5 of the API key. ECB has no integrity: blocks that
//! were once sent can be cut and put together anew without the key.

use alloc::{string::String, vec::Vec};

use aes::Aes256;
use base64ct::{Base64, Encoding};
use ecb::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, block_padding::Pkcs7};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use crate::ApiKey;

const BLOCK_BYTES: usize = 16;

type AesKey = Zeroizing<[u8; 32]>;

fn aes_key(key: &ApiKey) -> AesKey {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = Zeroizing::new([0; 32]);
    for (pair, byte) in hex.chunks_exact_mut(2).zip(Md5::digest(key.bytes())) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    hex
}

/// The blocks inside the base64, unless it is none.
pub(super) fn decode(req_info: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(req_info).ok()
}

/// Decrypts blocks in place: the plaintext, unless a block is cut or the padding is wrong.
pub(super) fn decrypt<'b>(blocks: &'b mut [u8], key: &ApiKey) -> Option<&'b [u8]> {
    decrypt_with(blocks, &aes_key(key))
}

fn decrypt_with<'b>(blocks: &'b mut [u8], key: &AesKey) -> Option<&'b [u8]> {
    ecb::Decryptor::<Aes256>::new((&**key).into())
        .decrypt_padded::<Pkcs7>(blocks)
        .ok()
}

/// Makes the `req_info` of a plaintext: the gateway's side, for tests and simulators.
///
/// ```
/// use wxpay_core::notify::encrypt_req_info;
///
/// let key = "192006250b4c09247ec02edce69f6a2d".parse()?;
/// let req_info = encrypt_req_info("<root><refund_status>SUCCESS</refund_status></root>", &key);
/// assert!(req_info.starts_with("bDP/xixH0hFEaZusu714Uyyh0dv8MPgM"));
/// # Ok::<(), wxpay_core::ApiKeyError>(())
/// ```
#[must_use]
pub fn encrypt_req_info(plaintext: &str, key: &ApiKey) -> String {
    encrypt_with(plaintext, &aes_key(key))
}

fn encrypt_with(plaintext: &str, key: &AesKey) -> String {
    let len = plaintext.len();
    let mut blocks = Vec::with_capacity(len + BLOCK_BYTES);
    blocks.extend_from_slice(plaintext.as_bytes());
    // Padding is always added: a whole block when the last one is full.
    blocks.resize((len / BLOCK_BYTES + 1) * BLOCK_BYTES, 0);
    let encrypted = ecb::Encryptor::<Aes256>::new((&**key).into())
        .encrypt_padded::<Pkcs7>(&mut blocks, len)
        // There is room for the padding, so the default is never taken.
        .unwrap_or_default();
    Base64::encode_string(encrypted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api_key() -> ApiKey {
        "192006250b4c09247ec02edce69f6a2d".parse().unwrap()
    }

    fn opened(req_info: &str, key: &AesKey) -> Option<String> {
        let mut blocks = decode(req_info)?;
        let plaintext = decrypt_with(&mut blocks, key)?;
        Some(String::from_utf8(plaintext.to_vec()).unwrap())
    }

    #[test]
    fn the_aes_key_is_hex_text() {
        assert_eq!(*aes_key(&api_key()), *b"d96eb16afdd491fa1e705096edbc2205");
    }

    #[test]
    fn known_texts_both_ways() {
        let other = Zeroizing::new(*b"0123456789abcdef0123456789abcdef");
        for (plaintext, req_info, key) in [
            (
                "<root><refund_status>SUCCESS</refund_status></root>",
                "bDP/xixH0hFEaZusu714Uyyh0dv8MPgMqVLeIkI0QHBoWJbCzCFX0olPqtxTh2q95uvewe45Es+0+iD/4no6Cg==",
                &aes_key(&api_key()),
            ),
            (
                // One full block, so a whole block of padding follows.
                "0123456789abcdef",
                "DNaVDkBbSZ4t3b4QmPLrevwXAd2fVvyZUPuCqJRycuk=",
                &aes_key(&api_key()),
            ),
            ("hello", "pZwJZBLuy3mDACEQT4YTBw==", &other),
        ] {
            assert_eq!(opened(req_info, key).as_deref(), Some(plaintext));
            assert_eq!(encrypt_with(plaintext, key), req_info);
        }
    }

    #[test]
    fn what_is_cut_or_of_another_key_does_not_open() {
        let key = aes_key(&api_key());
        for req_info in [
            "",
            "=",
            "pZwJZBLuy3mDACEQT4YTBw==",
            "DNaVDkBbSZ4t3b4QmPLreg==",
            "DNaVDkBbSZ4t3b4QmPLrevwXAd2fVvyZUPuCqJRycuk",
            "DNaVDkBbSZ4t3b4QmPLrevwXAd2fVvyZUPuCqJRy",
            "DNaVDkBbSZ4t3b4QmPLrevwXAd2fVvyZUPuCqJRycuk=\n",
        ] {
            assert_eq!(opened(req_info, &key), None, "{req_info}");
        }
    }
}
