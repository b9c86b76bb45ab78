//! What holds for every message.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BOTH, other_key, seed_key};
use proptest::prelude::*;
use wxpay_core::{Params, SignType, sign, xml};

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
