//! What a forger would try first: each is answered FAIL and changes nothing.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::{
    Paydesk,
    recorded::{self, OUT_TRADE_NO, SUCCESS},
};
use wxpay_core::{ApiKey, Params, SignType, sign::signed, xml};

fn key() -> ApiKey {
    recorded::api_key().parse().unwrap()
}

/// The recorded notify with fields changed or dropped, signed anew with the right key.
fn resigned(sign_type: SignType, change: &[(&str, Option<&str>)]) -> Vec<u8> {
    let bytes = recorded::notify();
    let mut params = Params::new();
    for (name, value) in xml::read(&bytes).unwrap().iter() {
        if name == "sign" {
            continue;
        }
        match change.iter().find(|(changed, _)| *changed == name) {
            None => params.insert(name.to_owned(), value.to_owned()).unwrap(),
            Some((_, Some(other))) => params.insert(name.to_owned(), (*other).to_owned()).unwrap(),
            Some((_, None)) => {}
        }
    }
    xml::write(&signed(params, &key(), sign_type)).into_bytes()
}

fn text(find: &str, replace: &str) -> Vec<u8> {
    let notify = String::from_utf8(recorded::notify()).unwrap();
    assert!(notify.contains(find));
    notify.replacen(find, replace, 1).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_notifies_are_refused() {
    let desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let before = desk.log(OUT_TRADE_NO).await;
    let sign = "<sign><![CDATA[DD4E5DF5AF8D8D8061B0B8BF210127DE]]></sign>";
    let forgeries: Vec<(&str, Vec<u8>)> = vec![
        ("no sign", text(sign, "")),
        ("an empty sign", text(sign, "<sign></sign>")),
        ("a lower-case sign", text("DD4E5DF5AF", "dd4e5df5af")),
        (
            "no return_code and no sign",
            text(sign, "")
                .split(|b| *b == b'\n')
                .filter(|line| !line.starts_with(b"<return_code>"))
                .collect::<Vec<_>>()
                .concat(),
        ),
        (
            "a DOCTYPE",
            [b"<!DOCTYPE xml>".as_slice(), &recorded::notify()].concat(),
        ),
        (
            "an external entity",
            [
                b"<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".as_slice(),
                &recorded::notify(),
            ]
            .concat(),
        ),
        (
            "a doubled total_fee",
            text(
                "<total_fee>1</total_fee>",
                "<total_fee>1</total_fee><total_fee>1</total_fee>",
            ),
        ),
        ("a doubled sign", text(sign, &format!("{sign}{sign}"))),
        (
            "a nested element",
            text(
                "<total_fee>1</total_fee>",
                "<total_fee><a>1</a></total_fee>",
            ),
        ),
        ("another root", text("<xml>", "<root>")),
        (
            "a second document",
            [recorded::notify(), recorded::notify()].concat(),
        ),
        (
            "HMAC-SHA256 for an MD5 order",
            resigned(SignType::HmacSha256, &[]),
        ),
        (
            "an unknown order",
            resigned(SignType::Md5, &[("out_trade_no", Some("1553063775278"))]),
        ),
        (
            "another merchant",
            resigned(SignType::Md5, &[("mch_id", Some("1473426803"))]),
        ),
        (
            "another appid",
            resigned(SignType::Md5, &[("appid", Some("wx8397f8696b538318"))]),
        ),
        (
            "a failed payment",
            resigned(SignType::Md5, &[("result_code", Some("FAIL"))]),
        ),
        (
            "no transaction",
            resigned(SignType::Md5, &[("transaction_id", None)]),
        ),
        ("nothing", Vec::new()),
        ("no XML", b"{\"out_trade_no\":\"1553063775279\"}".to_vec()),
        ("not UTF-8", vec![0xff; 600]),
    ];
    for (what, body) in forgeries {
        let reply = desk.notify("/wxpay/notify", &body).await;
        assert!(reply.contains("<![CDATA[FAIL]]>"), "{what}: {reply}");
        assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid", "{what}");
        assert_eq!(desk.log(OUT_TRADE_NO).await, before, "{what}");
    }
    // Rightly signed but for another amount: refused as well, and worth a row of the log, since the key was known.
    let reply = desk
        .notify(
            "/wxpay/notify",
            &resigned(SignType::Md5, &[("total_fee", Some("2"))]),
        )
        .await;
    assert!(reply.contains("<![CDATA[FAIL]]>"), "{reply}");
    assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid");
    let log = desk.log(OUT_TRADE_NO).await;
    assert_eq!(log.len(), before.len() + 1);
    assert_eq!(log.last().unwrap()["from"], log.last().unwrap()["to"]);

    assert_eq!(
        desk.notify("/wxpay/notify", &recorded::notify()).await,
        SUCCESS
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_md5_sign_does_not_pay_an_hmac_order() {
    let desk = Paydesk::start_with(|command| {
        recorded::merchant(command);
        command.env("WXPAY_SIGN_TYPE", "HMAC-SHA256");
    });
    recorded::paid_at_the_gateway(&desk).await;
    let reply = desk.notify("/wxpay/notify", &recorded::notify()).await;
    assert!(reply.contains("<![CDATA[FAIL]]>"), "{reply}");
    assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid");
    let hmac = resigned(SignType::HmacSha256, &[]);
    assert_eq!(desk.notify("/wxpay/notify", &hmac).await, SUCCESS);
    assert_eq!(desk.state(OUT_TRADE_NO).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_orders_secret_opens_nothing() {
    let desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let wrong = format!("/wxpay/notify/{}", "0".repeat(32));
    let reply = desk.notify(&wrong, &recorded::notify()).await;
    assert!(reply.contains("<![CDATA[FAIL]]>"), "{reply}");
    assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid");
}
