//! serde for endpoints of one's own: their fields, answers that are not flat, and calls over the client.
#![allow(clippy::unwrap_used)]

mod client_support;
mod common;

use std::fmt::Write;

use client_support::{HMAC, Server, failure, respond, success};
use proptest::prelude::*;
use serde::Deserialize;
use wxpay_core::{
    BeijingTime, Fen, OpenId, Params, SignType, XmlError,
    api::{
        Answer, AnswerError, AnswerKind, Endpoint, ErrorCode, FieldError, OnlyMd5, RedPackQuery,
        Repeat, RequestError, parse_unsigned,
    },
    client::CallError,
    xml::{self, Limits},
    xml_serde::{self, XmlSerdeError},
};

#[derive(Debug, Deserialize, PartialEq)]
#[allow(clippy::struct_field_names, reason = "the names of the wire")]
struct Rate {
    rate: u64,
    #[serde(rename = "is_final")]
    last: bool,
    kind: Kind,
    fee: Option<Fen>,
    offset: Option<i8>,
    #[serde(default, deserialize_with = "xml_serde::optional_time")]
    rate_time: Option<BeijingTime>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Spot,
    Forward,
}

fn rate(fields: &[(&str, &str)]) -> Result<Rate, FieldError> {
    xml_serde::from_params(&common::params(fields))
}

#[test]
fn fields_become_a_struct() {
    let read = rate(&[
        ("return_code", "SUCCESS"),
        ("rate", "655300000"),
        ("is_final", "Y"),
        ("kind", "FORWARD"),
        ("fee", ""),
        ("offset", "-5"),
        ("rate_time", "20260101100000"),
    ]);
    let wanted = Rate {
        rate: 655_300_000,
        last: true,
        kind: Kind::Forward,
        fee: None,
        offset: Some(-5),
        rate_time: Some("20260101100000".parse().unwrap()),
    };
    assert_eq!(read, Ok(wanted));
    let least = rate(&[("rate", "0"), ("is_final", "false"), ("kind", "SPOT")]).unwrap();
    assert_eq!(
        (least.fee, least.offset, least.rate_time),
        (None, None, None)
    );
}

#[test]
fn a_field_at_fault_is_named_and_its_value_is_not() {
    let good = [("rate", "1"), ("is_final", "N"), ("kind", "SPOT")];
    for (name, value, error) in [
        ("rate", "", FieldError::Missing { field: "rate" }),
        ("rate", "+1", FieldError::Unexpected { field: "rate" }),
        ("rate", " 1", FieldError::Unexpected { field: "rate" }),
        ("rate", "-1", FieldError::Unexpected { field: "rate" }),
        ("rate", "1.0", FieldError::Unexpected { field: "rate" }),
        (
            "rate",
            "18446744073709551616",
            FieldError::Unexpected { field: "rate" },
        ),
        (
            "is_final",
            "yes",
            FieldError::Unexpected { field: "is_final" },
        ),
        ("kind", "spot", FieldError::Unexpected { field: "kind" }),
        (
            "fee",
            "18446744073709551615",
            FieldError::Unexpected { field: "fee" },
        ),
        ("offset", "128", FieldError::Unexpected { field: "offset" }),
        (
            "rate_time",
            "2026-01-01",
            FieldError::Unexpected { field: "rate_time" },
        ),
    ] {
        let mut fields: Vec<_> = good
            .iter()
            .copied()
            .filter(|(known, _)| *known != name)
            .collect();
        fields.push((name, value));
        assert_eq!(rate(&fields), Err(error), "{name}={value}");
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Flattened {
    rate: u64,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, String>,
}

#[test]
fn a_struct_may_keep_the_rest() {
    let fields = common::params(&[("rate", "7"), ("other", "x"), ("empty", "")]);
    let kept: Flattened = xml_serde::from_params(&fields).unwrap();
    assert_eq!(kept.rate, 7);
    assert_eq!(kept.rest.len(), 1);
    assert_eq!(kept.rest["other"], "x");
    // There serde does not say which field it is about.
    let fields = common::params(&[("rate", "seven")]);
    assert_eq!(
        xml_serde::from_params::<Flattened>(&fields),
        Err(FieldError::Unexpected { field: "?" })
    );
    let fields = common::params(&[("rate", "7"), ("other", "x")]);
    let all: std::collections::BTreeMap<String, String> = xml_serde::from_params(&fields).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all["rate"], "7");
}

/// An endpoint that this crate does not have.
struct RateQuery {
    fee_type: &'static str,
}

impl Endpoint for RateQuery {
    const NAME: &'static str = "queryrate";
    const PATH: &'static str = "/pay/queryrate";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Signed;
    const REPEAT: Repeat = Repeat::Safe;
    type Sign = SignType;
    type Response = Rate;

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        Ok(params.insert("fee_type", self.fee_type)?)
    }

    fn read(answer: &Answer<'_>) -> Result<Rate, FieldError> {
        xml_serde::from_params(answer.params())
    }
}

#[tokio::test]
async fn an_endpoint_of_ones_own_is_called_like_the_others() {
    let fields = [("rate", "1"), ("is_final", "N"), ("kind", "SPOT")];
    let call = async |answer: &str| {
        let server = Server::start(1, respond("200 OK", answer));
        let result = server
            .client()
            .call(&RateQuery { fee_type: "USD" }, HMAC)
            .await;
        let (head, body) = server.stop().await.remove(0);
        assert!(head.starts_with("POST /pay/queryrate "), "{head}");
        assert_eq!(xml::read(&body).unwrap().get("fee_type"), Some("USD"));
        result
    };
    assert_eq!(call(&success(&fields)).await.unwrap().rate, 1);
    let error = call(&success(&fields[1..])).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Answer(AnswerError::Field(FieldError::Missing { field: "rate" }))
        ),
        "{error:?}"
    );
    let error = call(&failure("NOTENOUGH")).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Answer(AnswerError::Business {
                code: ErrorCode::NotEnough,
                ..
            })
        ),
        "{error:?}"
    );
    // What is not signed never reaches the type.
    let error = call("<xml><return_code>SUCCESS</return_code><rate>1</rate></xml>")
        .await
        .unwrap_err();
    assert!(
        matches!(error, CallError::Answer(AnswerError::Verify(_))),
        "{error:?}"
    );
}

#[derive(Debug, Deserialize)]
struct Info {
    hblist: Option<List>,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    hbinfo: Vec<Taken>,
}

#[derive(Debug, Deserialize)]
struct Taken {
    openid: OpenId,
    amount: Fen,
    rcv_time: Option<String>,
}

/// The endpoint that this crate has, as somebody would write it who needs its nested answer whole.
struct OwnRedPackQuery;

impl Endpoint for OwnRedPackQuery {
    const NAME: &'static str = "gethbinfo";
    const PATH: &'static str = "/mmpaymkttransfers/gethbinfo";
    const NEEDS_CERT: bool = false;
    const ANSWER: AnswerKind = AnswerKind::Unsigned;
    type Sign = OnlyMd5;
    type Response = ();

    fn fill<'a>(&'a self, params: &mut Params<'a>) -> Result<(), RequestError> {
        Ok(params.insert("bill_type", "MCHT")?)
    }

    fn read(_: &Answer<'_>) -> Result<(), FieldError> {
        Ok(())
    }
}

#[tokio::test]
async fn an_answer_that_is_not_flat_is_had_raw() {
    let said = red_pack("<hbinfo><openid>o1</openid><amount>5</amount></hbinfo>");
    let server = Server::start(1, respond("200 OK", &said));
    let raw = server
        .client()
        .call_raw(&OwnRedPackQuery, OnlyMd5)
        .await
        .unwrap();
    server.stop().await;
    assert_eq!(raw, said.as_bytes());
    let info: Info = xml_serde::from_bytes(&raw, &Limits::DEFAULT).unwrap();
    assert_eq!(info.hblist.unwrap().hbinfo[0].amount.get(), 5);
}

fn red_pack(list: &str) -> String {
    format!(
        "<xml><return_code><![CDATA[SUCCESS]]></return_code><result_code>SUCCESS</result_code>\
         <mch_id>1473426802</mch_id><mch_billno>9010080799701411170000046603</mch_billno>\
         <status>RECEIVED</status><hblist>{list}</hblist></xml>"
    )
}

proptest! {
    /// Our own reader of the one nested answer, and quick-xml, read one list.
    #[test]
    fn a_red_packet_is_read_alike(
        taken in prop::collection::vec(
            ("[A-Za-z0-9_-]{1,28}", 0_u64..1_000_000, prop::option::of("[0-9: -]{1,19}"), any::<bool>()),
            0..20,
        ),
        space in "[ \r\n\t]{0,3}",
    ) {
        let mut list = space.clone();
        for (openid, amount, rcv_time, is_cdata) in &taken {
            let quote = |text: &str| if *is_cdata { format!("<![CDATA[{text}]]>") } else { text.to_owned() };
            write!(list, "<hbinfo>{space}<openid>{}</openid>", quote(openid)).unwrap();
            write!(list, "<amount>{}</amount>", quote(&amount.to_string())).unwrap();
            if let Some(time) = rcv_time {
                write!(list, "<rcv_time><![CDATA[{time}]]></rcv_time>").unwrap();
            }
            write!(list, "</hbinfo>{space}").unwrap();
        }
        let said = red_pack(&list);
        let ours = parse_unsigned::<RedPackQuery>(said.as_bytes(), &common::seed_account(), OnlyMd5)
            .unwrap()
            .into_unproven();
        let theirs: Info = xml_serde::from_bytes(said.as_bytes(), &Limits::DEFAULT).unwrap();
        let theirs = theirs.hblist.map(|list| list.hbinfo).unwrap_or_default();
        prop_assert_eq!(ours.hblist.len(), taken.len());
        prop_assert_eq!(theirs.len(), taken.len());
        for (ours, theirs) in ours.hblist.iter().zip(&theirs) {
            prop_assert_eq!(&ours.openid, &theirs.openid);
            prop_assert_eq!(ours.amount, theirs.amount);
            prop_assert_eq!(&ours.rcv_time, &theirs.rcv_time);
        }
    }

    #[test]
    fn any_bytes_are_no_panic(
        bytes in prop_oneof![
            "(<xml>|</xml>|<a>|</a>|<a/>|<a b='c'>|<!DOCTYPE x>|<!--|-->|<\\?p\\?>|<!\\[CDATA\\[|\\]\\]>|a|&lt;|&#0;|&){0,20}"
                .prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..60),
        ]
    ) {
        let _ = xml_serde::from_bytes::<Info>(&bytes, &Limits::DEFAULT);
    }
}

fn refused(message: &str) -> XmlSerdeError {
    xml_serde::from_bytes::<Info>(message.as_bytes(), &Limits::DEFAULT).unwrap_err()
}

#[test]
fn what_is_hostile_is_refused_by_name() {
    let xml = |error| XmlSerdeError::Xml(error);
    let deep = format!("<xml>{}</xml>", "<a>".repeat(100_000));
    let long = format!("<xml><a>{}</a></xml>", "x".repeat(9000));
    let many = format!("<xml>{}</xml>", "<a/>".repeat(129));
    let name = format!("<xml><{}/></xml>", "n".repeat(65));
    for (message, error) in [
        ("", xml(XmlError::Empty)),
        ("<!DOCTYPE html><html></html>", xml(XmlError::Html)),
        ("<!DOCTYPE xml><xml/>", xml(XmlError::Doctype { at: 0 })),
        (
            "<!DOCTYPE xml [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><xml>&b;</xml>",
            xml(XmlError::Doctype { at: 0 }),
        ),
        (
            "<!DOCTYPE xml SYSTEM 'file:///etc/passwd'><xml/>",
            xml(XmlError::Doctype { at: 0 }),
        ),
        (
            "<xml><?php?></xml>",
            xml(XmlError::ProcessingInstruction { at: 5 }),
        ),
        ("<xml><a b='c'/></xml>", xml(XmlError::Attribute { at: 5 })),
        ("<root/>", xml(XmlError::NotXmlRoot { at: 0 })),
        ("<xml/><xml/>", xml(XmlError::Trailing { at: 6 })),
        ("<xml><a>", xml(XmlError::Cut { at: 8 })),
        ("\u{FEFF}<xml/>", xml(XmlError::ByteOrderMark)),
        (
            &deep[..60_000],
            XmlSerdeError::TooDeep {
                max_depth: 16,
                at: 50,
            },
        ),
        (
            &deep,
            xml(XmlError::TooLarge {
                max_bytes: 65_536,
                got: deep.len(),
            }),
        ),
        (
            &long,
            xml(XmlError::LongValue {
                field: "a".into(),
                max_bytes: 8192,
            }),
        ),
        (
            &many,
            xml(XmlError::TooManyFields {
                max_fields: 128,
                at: 5 + 128 * 4,
            }),
        ),
        (
            &name,
            xml(XmlError::LongName {
                max_bytes: 64,
                at: 5,
            }),
        ),
    ] {
        assert_eq!(refused(message), error, "{message:.40}");
    }
    let bytes = b"<xml><a>\xB2\xE8</a></xml>";
    assert_eq!(
        xml_serde::from_bytes::<Info>(bytes, &Limits::DEFAULT).unwrap_err(),
        xml(XmlError::NotUtf8 { at: 8 })
    );
    for message in [
        "<xml><a></b></xml>",
        "<xml><hblist>&nothing;</hblist></xml>",
    ] {
        assert!(
            matches!(refused(message), XmlSerdeError::Malformed { .. }),
            "{message}"
        );
    }
    let error = refused("<xml><hblist><hbinfo><openid>o</openid></hbinfo></hblist></xml>");
    assert_eq!(
        error.to_string(),
        "the message is not what the type asks for: missing field `amount`"
    );
}
