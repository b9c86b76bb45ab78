use super::*;
use alloc::{format, string::String, vec, vec::Vec};
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
            let visible = is_ascii_from(b'!', &bytes, 0x7F);
            assert_eq!(visible, byte.is_ascii_graphic(), "{byte}");
            let mut digits = [b'7'; 9];
            digits[place] = byte;
            assert_eq!(are_digits(&digits), byte.is_ascii_digit(), "{byte}");
            assert_eq!(
                are_digits(&digits[..7]),
                place == 7 || byte.is_ascii_digit()
            );
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

        let mut copied = vec![0; bytes.len() + lens.0];
        let len = (bytes.len() - from).min(lens.1 * 3);
        let piece = Piece { within: &bytes, at: from, len };
        piece.copy(&mut copied, lens.0);
        prop_assert_eq!(&copied[lens.0..lens.0 + len], &bytes[from..from + len]);
        prop_assert_eq!(piece.bytes(), &bytes[from..from + len]);

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
            let mut head = [0; 8];
            head.iter_mut().zip(of(a)).for_each(|(to, from)| *to = *from);
            prop_assert_eq!(start(of(a), (0, of(a).len())), u64::from_be_bytes(head));
            prop_assert_eq!(start(&names, a), u64::from_be_bytes(head));
            }
    }
}

/// [`usual_field`] a byte at a time: name, where the value stands, and the length of all.
fn plain_field(rest: &[u8]) -> Option<(usize, usize, usize, usize)> {
    let name_len = rest.iter().position(|&byte| !is_name_byte(byte))?;
    if name_len == 0 || rest[0].is_ascii_digit() {
        return None;
    }
    let behind_name = rest[name_len..].strip_prefix(b">")?;
    let (value_at, value_len, end);
    if let Some(inside) = behind_name.strip_prefix(b"<![CDATA[") {
        value_len = inside.windows(3).position(|end| end == b"]]>")?;
        // One that holds the byte is left to the long way, wherever the byte stands.
        if inside[..value_len].contains(&b']') {
            return None;
        }
        value_at = name_len + b"><![CDATA[".len();
        end = &inside[value_len + b"]]>".len()..];
    } else {
        value_len = behind_name.iter().position(|byte| !byte.is_ascii_digit())?;
        value_at = name_len + 1;
        end = &behind_name[value_len..];
    }
    let end = end.strip_prefix(b"</")?.strip_prefix(&rest[..name_len])?;
    let end = end.strip_prefix(b">")?;
    Some((name_len, value_at, value_len, rest.len() - end.len()))
}

/// A field that is usual but for a few bytes of it.
fn nearly_usual() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "[a-z_]{1,20}",
        "[a-z]{6,9}[A-Z0-9_.`{-]?",
        "[a-z_0-9A-Z]{0,70}",
        "[a-z茶]{1,9}",
    ];
    let value = prop_oneof![
        "[0-9]{0,20}",
        "[ -\\\\^-~\n]{0,40}".prop_map(|text| format!("<![CDATA[{text}]]>")),
        "[\\[\\]<>/x]{0,20}".prop_map(|text| format!("<![CDATA[{text}]]>")),
        "[茶é😀\u{1}]{0,9}".prop_map(|text| format!("<![CDATA[{text}]]>")),
    ];
    let odd = prop::sample::select(&b"<>/![]]`{@^_z0:aA\0\x80\xE8-"[..]);
    let faults = prop::collection::vec((0_usize..200, odd, 0..3_u8), 0..3);
    (name, value, "[<>/a-z0-9\n]{0,30}", faults).prop_map(|(name, value, tail, faults)| {
        let mut field = format!("{name}>{value}</{name}>{tail}").into_bytes();
        for (at, byte, kind) in faults {
            let at = at % (field.len() + 1);
            match kind {
                0 => field.insert(at, byte),
                1 if at < field.len() => field[at] = byte,
                _ if at < field.len() => drop(field.remove(at)),
                _ => {}
            }
        }
        field
    })
}

/// Every length around the borders of words, with each of its bytes another one in one tag or in both.
#[test]
fn one_byte_of_a_name_makes_another_name() {
    let value = |field: &[u8]| {
        let found = usual_field(field)?;
        Some((found.name_len, found.value_at, found.value_len, found.len))
    };
    for len in 1..=40 {
        for inside in ["12", "<![CDATA[12]]>"] {
            let name = &"abcd_efgh".repeat(5)[..len];
            let field = format!("{name}>{inside}</{name}>\n</xml>              ").into_bytes();
            assert!(value(&field).is_some(), "{len}");
            let end_tag = len + 1 + inside.len() + 2;
            for place in 0..len {
                for byte in *b"zA0.>]\n\x80" {
                    let mut other = field.clone();
                    other[end_tag + place] = byte;
                    assert_eq!(value(&other), None, "{len} {place} {byte}");
                    other[place] = byte;
                    assert_eq!(value(&other), plain_field(&other), "{len} {place} {byte}");
                    other[end_tag + place] = field[place];
                    assert_eq!(value(&other), None, "{len} {place} {byte}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// What it takes is a field, and it takes all that are usual, unless the text ends within the next words.
    #[test]
    fn a_usual_field_is_what_the_plain_way_finds(rest in nearly_usual()) {
        let found = usual_field(&rest)
            .map(|field| (field.name_len, field.value_at, field.value_len, field.len));
        let plain = plain_field(&rest);
        match found {
            Some(_) => prop_assert_eq!(found, plain),
            None => prop_assert!(plain.is_none_or(|(.., len)| rest.len() < len + 16)),
        }
    }
}
