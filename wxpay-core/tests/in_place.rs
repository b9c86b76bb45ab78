//! Read and verify in the caller's memory: what it takes, what it says when that is too little, and that nothing is allocated.
#![allow(clippy::unwrap_used)]

mod common;
mod fuzz_bodies;

use common::{other_key, seed_key, seed_notify};
use proptest::prelude::*;
use wxpay_core::{
    ApiKey, SignType, VerifyError, XmlError,
    in_place::{Field, InPlaceError, Message},
};

#[test]
fn the_recorded_notify_takes_no_allocation() {
    let body = seed_notify();
    let keys = [other_key(), seed_key()];
    let mut verdict = None;
    let counted = allocation_counter::measure(|| {
        let mut fields = [Field::EMPTY; 16];
        let message = Message::read(body.as_bytes(), &mut fields, &mut []).unwrap();
        let verified = message.verify(&keys, SignType::Md5).unwrap();
        verdict = Some((verified.len(), verified.get("total_fee") == Some("1")));
    });
    assert_eq!(verdict, Some((16, true)));
    assert_eq!(counted.count_total, 0);
    // The count counts.
    assert_ne!(
        allocation_counter::measure(|| drop(body.clone())).count_total,
        0
    );
}

#[test]
fn no_refusal_allocates() {
    let seed = seed_notify();
    let keys = [seed_key()];
    let bodies = [
        seed.replace("<total_fee>1<", "<total_fee>2<"),
        seed.replace("<total_fee>1<", "<total_fee><a>1</a><"),
        seed.replace("<total_fee>1<", "<total_fee>1</total_fee><total_fee>1<"),
        seed.replace("<total_fee>1<", "<total_fee>&#49;&#49;&#49;<"),
        seed.replace("<bank_type>", "<!DOCTYPE xml><bank_type>"),
        seed.replace("<sign>", "<sing>")
            .replace("</sign>", "</sing>"),
    ];
    for body in &bodies {
        let mut refused = false;
        let counted = allocation_counter::measure(|| {
            let mut text = [0; 2];
            let mut fields = [Field::EMPTY; 16];
            refused = match Message::read(body.as_bytes(), &mut fields, &mut text) {
                Ok(message) => message.verify(&keys, SignType::Md5).is_err(),
                Err(_) => true,
            };
        });
        assert!(refused, "{body}");
        assert_eq!(counted.count_total, 0, "{body}");
    }
}

#[test]
fn values_that_are_not_in_one_piece_go_to_the_text() {
    let body = b"<xml><b>&lt;<![CDATA[x]]></b><c>plain</c><a><![CDATA[1]]><![CDATA[2]]></a></xml>";
    let mut text = [0; 4];
    let mut fields = [Field::EMPTY; 3];
    let message = Message::read(body, &mut fields, &mut text).unwrap();
    assert_eq!(message.unverified("a"), Some("12"));
    assert_eq!(message.unverified("b"), Some("<x"));
    assert_eq!(message.unverified("c"), Some("plain"));
    assert_eq!(message.unverified("d"), None);
    assert_eq!((message.len(), message.is_empty()), (3, false));
}

#[test]
fn too_little_room_is_said() {
    let body = b"<xml><b>&lt;<![CDATA[x]]></b><a>1</a></xml>";
    let mut text = [0; 1];
    let mut fields = [Field::EMPTY; 2];
    assert_eq!(
        Message::read(body, &mut fields, &mut text).unwrap_err(),
        InPlaceError::TextFull {
            field: "b",
            room_bytes: 1
        }
    );
    let mut text = [0; 2];
    let mut fields = [Field::EMPTY; 1];
    let error = Message::read(body, &mut fields, &mut text).unwrap_err();
    assert_eq!(error, InPlaceError::FieldsFull { room: 1 });
    assert_eq!(
        error.to_string(),
        "more fields than the 1 that there is room for"
    );
}

#[test]
fn a_field_twice_is_refused_at_its_place() {
    let body = b"<xml><b/><a/><c/><a/><b/></xml>";
    let mut fields = [Field::EMPTY; 3];
    assert_eq!(
        Message::read(body, &mut fields, &mut []).unwrap_err(),
        InPlaceError::Xml(XmlError::Duplicate { name: "a", at: 18 })
    );
}

#[test]
fn the_order_says_the_sign_type() {
    let body = seed_notify();
    let keys: [ApiKey; 1] = [seed_key()];
    let mut fields = [Field::EMPTY; 16];
    let message = Message::read(body.as_bytes(), &mut fields, &mut []).unwrap();
    assert_eq!(
        message.verify(&keys, SignType::HmacSha256).unwrap_err(),
        VerifyError::WrongLength {
            expected: 64,
            got: 32
        }
    );
}

proptest! {
    #[test]
    fn it_agrees_with_the_reader_on_the_heap(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "<xml>", "</xml>", "<a>", "</a>", "<b>", "</b>", "<c/>", "<", "<!--", "-->", "<![CDATA[", "]]>", "&",
                    "&amp;", "&#65;", " ", "1", "茶", "<sign>", "</sign>",
                ]).prop_map(str::to_owned),
                "[A-Za-z_]{1,3}".prop_map(|name| format!("<{name}>v</{name}>")),
                any::<String>(),
            ],
            0..20,
        )
    ) {
        for text in [pieces.concat(), format!("<xml>{}</xml>", pieces.concat()), format!("<xml><a>{}</a></xml>", pieces.concat())] {
            fuzz_bodies::read(text.as_bytes());
            fuzz_bodies::verify(text.as_bytes());
        }
    }
}
