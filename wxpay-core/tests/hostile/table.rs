//! Twenty-nine notifies that other libraries were tried with. Of eight, none gets every row right.

use super::{HMAC, MD5, receive, resigned, resigned_raw, tampered};
use crate::common::seed_notify;
use wxpay_core::{NotifyError, SignType};

/// What is wanted of a row.
enum Wanted {
    Accepted,
    /// The document is refused, and the reason begins so.
    RefusedAsXml(&'static str),
    /// The sign is refused, for this reason.
    RefusedForSign(&'static str),
}
use Wanted::{Accepted, RefusedAsXml, RefusedForSign};

const MISSING: Wanted = RefusedForSign("the message has no sign");
const MISMATCH: Wanted = RefusedForSign("the sign does not match");
const DOCTYPE: Wanted = RefusedAsXml("a document type or entity declaration at byte 0");
const SIGN: &str = "<sign><![CDATA[DD4E5DF5AF8D8D8061B0B8BF210127DE]]></sign>";

/// A name, the message, the sign type that the order was made with, and what is wanted.
type Row = (&'static str, String, SignType, Wanted);

fn genuine() -> [Row; 12] {
    let coupons = [
        ("coupon_count", "1"),
        ("coupon_fee", "10"),
        ("coupon_fee_0", "10"),
        ("coupon_id_0", "10000"),
        ("coupon_type_0", "CASH"),
    ];
    let hmac_named = resigned(&[("sign_type", "HMAC-SHA256")], HMAC);
    let md5_named = resigned(&[("sign_type", "MD5")], MD5);
    let unknown = resigned(&[("rate_of_2031", "7")], MD5);
    let entities = resigned_raw("attach", "a&b<c", "a&amp;b&lt;c");
    let references = resigned_raw("attach", "茶A", "&#33590;&#x41;");
    let blanks = resigned_raw("attach", " tea ", "<![CDATA[ tea ]]>");
    let split = resigned_raw("attach", "a]]>b", "<![CDATA[a]]]]><![CDATA[>b]]>");
    let comment = tampered("<bank_type>", "<!-- bank --><bank_type>");
    [
        ("seed, MD5", seed_notify(), MD5, Accepted),
        (
            "HMAC order, no sign_type",
            resigned(&[], HMAC),
            HMAC,
            Accepted,
        ),
        ("HMAC order, sign_type present", hmac_named, HMAC, Accepted),
        ("MD5 order, sign_type present", md5_named, MD5, Accepted),
        ("unknown signed field", unknown, MD5, Accepted),
        ("coupon_*_0 fields", resigned(&coupons, MD5), MD5, Accepted),
        ("&amp; and &lt; outside CDATA", entities, MD5, Accepted),
        ("character references", references, MD5, Accepted),
        ("outer blanks, signed raw", blanks, MD5, Accepted),
        ("CDATA split at ]]>", split, MD5, Accepted),
        (
            "a field named key",
            resigned(&[("key", "v")], MD5),
            MD5,
            Accepted,
        ),
        ("a comment between fields", comment, MD5, Accepted),
    ]
}

fn signs() -> [Row; 7] {
    let bare = "<xml><out_trade_no>1553063775279</out_trade_no><total_fee>1</total_fee></xml>";
    let short = RefusedForSign("the sign has 32 characters, not 64");
    let long = RefusedForSign("the sign has 64 characters, not 32");
    [
        ("no sign", tampered(SIGN, ""), MD5, MISSING),
        ("an empty sign", tampered(SIGN, "<sign/>"), MD5, MISSING),
        (
            "a wrong sign",
            tampered("DD4E5DF5", "DD4E5DF6"),
            MD5,
            MISMATCH,
        ),
        (
            "a changed fee",
            tampered("<total_fee>1<", "<total_fee>100<"),
            MD5,
            MISMATCH,
        ),
        ("no sign and no return_code", bare.to_owned(), MD5, MISSING),
        ("MD5 sign for an HMAC order", seed_notify(), HMAC, short),
        ("HMAC sign for an MD5 order", resigned(&[], HMAC), MD5, long),
    ]
}

fn documents() -> [Row; 10] {
    let twice = RefusedAsXml("the field total_fee is there twice, again at byte ");
    let twice_too = RefusedAsXml("the field total_fee is there twice, again at byte ");
    let fee = "<total_fee>1<";
    let last = tampered(fee, "<total_fee>100</total_fee><total_fee>1<");
    let first = tampered(fee, "<total_fee>1</total_fee><total_fee>100<");
    let doctype = format!("<!DOCTYPE xml>{}", seed_notify());
    let entity = tampered(fee, "<total_fee>&one;<");
    let internal = format!("<!DOCTYPE xml [<!ENTITY one \"1\">]>{entity}");
    let external = format!("<!DOCTYPE xml [<!ENTITY one SYSTEM \"file:///etc/passwd\">]>{entity}");
    let nested = tampered(fee, "<total_fee><a>1</a><");
    let root = seed_notify()
        .replace("<xml>", "<root>")
        .replace("</xml>", "</root>");
    let again = seed_notify().repeat(2);
    let html = "<html><body>404</body></html>".to_owned();
    let inside = tampered(fee, "<total_fee>1<!-- 00 --><");
    let (nesting, comment) = (
        RefusedAsXml("an element inside the field total_fee"),
        RefusedAsXml("a comment inside a value"),
    );
    let not_xml = RefusedAsXml("the message does not begin with the root element at byte 0");
    let trailing = RefusedAsXml("more after the root element");
    let page = RefusedAsXml("an HTML page, not a message");
    [
        ("total_fee twice, the last one signed", last, MD5, twice),
        (
            "total_fee twice, the first one signed",
            first,
            MD5,
            twice_too,
        ),
        ("a bare DOCTYPE", doctype, MD5, DOCTYPE),
        ("an internal entity used in a value", internal, MD5, DOCTYPE),
        ("an external entity, file://", external, MD5, DOCTYPE),
        ("a nested element", nested, MD5, nesting),
        ("another root than xml", root, MD5, not_xml),
        ("a second document after the root", again, MD5, trailing),
        ("HTML", html, MD5, page),
        ("a comment inside a value", inside, MD5, comment),
    ]
}

#[test]
fn every_row_is_as_wanted() {
    let rows: Vec<Row> = genuine()
        .into_iter()
        .chain(signs())
        .chain(documents())
        .collect();
    assert_eq!(rows.len(), 29);
    for (name, body, order, wanted) in rows {
        match (receive(&body, order), wanted) {
            (Ok(notify), Accepted) => assert_eq!(notify.payment().total_fee.get(), 1, "{name}"),
            (Err(NotifyError::Xml(error)), RefusedAsXml(cause)) => {
                assert!(error.to_string().starts_with(cause), "{name}: {error}");
            }
            (Err(NotifyError::Verify(error)), RefusedForSign(cause)) => {
                assert_eq!(error.to_string(), cause, "{name}");
            }
            (verdict, _) => panic!("{name}: {verdict:?}"),
        }
    }
}
