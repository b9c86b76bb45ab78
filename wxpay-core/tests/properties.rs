//! What holds for every message.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BOTH, other_key, seed_key};
use hmac::{Hmac, KeyInit, Mac};
use md5::Digest;
use proptest::prelude::*;
use sha2::Sha256;
use wxpay_core::{
    ApiKey, Params, SignType,
    in_place::{Field, Message},
    sign, xml,
};

fn value() -> impl Strategy<Value = String> {
    let any_text = prop::collection::vec(
        any::<char>().prop_filter(
            "XML cannot carry it",
            |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..),
        ),
        0..40,
    )
    .prop_map(|chars| chars.into_iter().collect());
    prop_oneof![
        any_text,
        // Where markup could go wrong.
        "[]\\[<>&;!CDATA \r\n\t\"'-]{0,30}",
        "[0-9]{0,20}",
        Just(String::from("]]>")),
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,20}", value(), 0..30)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

/// Names that are alike for a word or more, and values as long as what is gathered and copied at once.
fn alike() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        "coupon_[a-c]{0,3}",
        "coupon_(fee|type|id)_[0-3](_1)?",
        "[a-c]{1,9}",
        "sign"
    ];
    let value = prop_oneof![
        (
            prop::sample::select(&[0_usize, 1, 15, 16, 17, 31, 32, 33, 450, 511, 512, 513][..]),
            "[a-z]"
        )
            .prop_map(|(len, text)| text.repeat(len)),
        (0_usize..20, "[茶é😀]").prop_map(|(len, text)| text.repeat(len)),
        "[0-9\\[\\]<>&\r]{0,20}",
    ];
    prop::collection::btree_map(name, value, 0..40)
        .prop_map(|map| map.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

/// The sign by the rule's own words, with a joined text.
fn plain_sign(fields: &[(String, String)], key: &str, sign_type: SignType) -> String {
    let mut signed: Vec<_> = fields
        .iter()
        .filter(|(name, value)| name != "sign" && !value.is_empty())
        .collect();
    signed.sort();
    let mut text: Vec<_> = signed
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    // An empty text has its `&` too.
    if text.is_empty() {
        text.push(String::new());
    }
    let text = format!("{}&key={key}", text.join("&"));
    let hex = |digest: &[u8]| {
        let digits: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        digits.concat()
    };
    match sign_type {
        SignType::Md5 => hex(&md5::Md5::digest(&text)),
        SignType::HmacSha256 => {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes()).unwrap();
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
    }
}

fn message(fields: &[(String, String)]) -> Params<'_> {
    let mut params = Params::new();
    for (name, value) in fields {
        params.insert(name.as_str(), value.as_str()).unwrap();
    }
    params
}

proptest! {
    #[test]
    fn what_is_written_reads_back(fields in fields()) {
        let params = message(&fields);
        let xml = xml::write(&params);
        prop_assert_eq!(xml::read(xml.as_bytes()).unwrap(), params);
    }

    #[test]
    fn what_is_signed_verifies(fields in fields()) {
        for sign_type in BOTH {
            // A field sign_type that names no type, or the other, is refused by rule.
            let fields: Vec<_> = fields.iter().filter(|(name, _)| name != "sign_type").cloned().collect();
            let signed = sign::signed(message(&fields), &seed_key(), sign_type);
            prop_assert_eq!(sign::verify(&signed, &[seed_key()], sign_type), Ok(()));
            prop_assert!(sign::verify(&signed, &[other_key()], sign_type).is_err());
            let xml = xml::write(&signed);
            let read = xml::read(xml.as_bytes()).unwrap();
            prop_assert_eq!(sign::verify(&read, &[seed_key()], sign_type), Ok(()));
        }
    }

    /// However it is made: from a list in the making, from one that was read, and in place.
    #[test]
    fn the_sign_is_the_digest_of_the_joined_text(fields in alike()) {
        const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
        let key: ApiKey = KEY.parse().unwrap();
        let limits = xml::Limits { max_value_bytes: 1024, ..xml::Limits::DEFAULT };
        for sign_type in BOTH {
            let wanted = plain_sign(&fields, KEY, sign_type);
            let made = message(&fields);
            let found = sign::sign(&made, &key, sign_type);
            prop_assert_eq!(found.as_str(), &wanted);
            let unsigned = xml::write(&made);
            let read = xml::read_with(unsigned.as_bytes(), "xml", &limits).unwrap();
            let found = sign::sign(&read, &key, sign_type);
            prop_assert_eq!(found.as_str(), &wanted);
            for (name, value) in &fields {
                prop_assert_eq!(read.get(name), Some(value.as_str()));
            }

            let whole = xml::write(&sign::signed(made, &key, sign_type));
            let (mut memory, mut text) = ([Field::EMPTY; 64], [0; 4096]);
            let read = Message::read_with(whole.as_bytes(), &mut memory, &mut text, &limits).unwrap();
            let verified = read.verify(std::slice::from_ref(&key), sign_type).unwrap();
            prop_assert_eq!(verified.get("sign"), Some(wanted.as_str()));
            for (name, value) in fields.iter().filter(|(name, _)| name != "sign") {
                prop_assert_eq!(verified.get(name), Some(value.as_str()));
            }
        }
    }

    #[test]
    fn the_order_of_fields_does_not_matter(
        (one, other) in fields().prop_flat_map(|fields| (Just(fields.clone()), Just(fields).prop_shuffle()))
    ) {
        for sign_type in BOTH {
            prop_assert_eq!(
                sign::sign(&message(&one), &seed_key(), sign_type),
                sign::sign(&message(&other), &seed_key(), sign_type)
            );
        }
        prop_assert_eq!(sign::string_to_sign(&message(&one)), sign::string_to_sign(&message(&other)));
    }

    #[test]
    fn the_text_to_sign_is_what_the_rule_says(fields in fields()) {
        let mut pairs: Vec<_> = fields
            .iter()
            .filter(|(name, value)| name != "sign" && !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.sort_by(|a, b| {
            let name = |pair: &str| pair.split('=').next().unwrap().to_owned();
            name(a).as_bytes().cmp(name(b).as_bytes())
        });
        prop_assert_eq!(sign::string_to_sign(&message(&fields)), pairs.join("&"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = xml::read(&bytes);
    }

    #[test]
    fn no_markup_makes_it_panic_and_what_reads_writes_back(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "<xml>", "</xml>", "<a>", "</a>", "<b/>", "<", ">", "</", "<!", "<!--", "-->", "<![CDATA[", "]]>",
                "<?xml?>", "<?", "?>", "&", "&amp;", "&#", "&#65;", ";", " ", "x", "1", "茶", "\u{FEFF}", "\0", "<!DOCTYPE",
            ]),
            0..20,
        )
    ) {
        for text in [pieces.concat(), format!("<xml><a>{}</a></xml>", pieces.concat())] {
            if let Ok(params) = xml::read(text.as_bytes()) {
                let xml = xml::write(&params);
                prop_assert_eq!(xml::read(xml.as_bytes()).unwrap(), params);
            }
        }
    }
}

#[test]
fn a_hundred_fields_sign_as_few_do() {
    // More fields than the stack's share, in descending order.
    let fields: Vec<_> = (100..300)
        .rev()
        .map(|n| (format!("f{n}"), n.to_string()))
        .collect();
    let ascending: Vec<_> = fields.iter().rev().cloned().collect();
    assert_eq!(
        sign::sign(&message(&fields), &seed_key(), SignType::Md5),
        sign::sign(&message(&ascending), &seed_key(), SignType::Md5)
    );
}
