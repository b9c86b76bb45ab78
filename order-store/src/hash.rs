//! FNV-1a, 64 bits: for shard bytes, fingerprints and torn slots. It is written to disk, so it never changes.

/// The hash of parts that cannot run into each other: each is closed by a byte that UTF-8 does not have.
pub(crate) fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        for byte in part.iter().copied().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_published_function_and_parts_stay_apart() {
        // FNV-1a of "a" is 0xaf63dc4c8601ec8c; the closing byte is one round more.
        let closed = (0xaf63_dc4c_8601_ec8c_u64 ^ 0xff).wrapping_mul(0x0000_0100_0000_01b3);
        assert_eq!(fnv1a([b"a".as_slice()]), closed);
        assert_ne!(
            fnv1a([b"ab".as_slice(), b"c"]),
            fnv1a([b"a".as_slice(), b"bc"])
        );
    }
}
