//! The pay notify: what it says, that no byte of it can be changed, and the reply.
#![allow(clippy::unwrap_used)]

mod common;

use common::{seed_account, seed_notify};
use wxpay_core::{NotifyReply, SignType, UnverifiedNotify, api::TradeType, xml};

#[test]
fn says_what_was_paid() {
    let body = seed_notify();
    let notify = UnverifiedNotify::parse(body.as_bytes()).unwrap();
    assert_eq!(notify.out_trade_no().unwrap().as_str(), "1553063775279");
    assert_eq!(notify.mch_id().unwrap().as_str(), "1473426802");
    assert_eq!(notify.appid().unwrap().as_str(), "wx8397f8696b538317");

    let notify = notify.verify(&seed_account(), SignType::Md5).unwrap();
    let payment = notify.payment();
    assert_eq!(
        payment.transaction_id.as_str(),
        "4200000248201903206581106357"
    );
    assert_eq!(payment.out_trade_no.as_str(), "1553063775279");
    assert_eq!(payment.total_fee.get(), 1);
    assert_eq!(payment.fee_type.as_str(), "CNY");
    assert_eq!(payment.cash_fee.unwrap().get(), 1);
    assert_eq!(payment.trade_type, Some(TradeType::Native));
    assert_eq!(
        payment.time_end.rfc3339().to_string(),
        "2019-03-20T14:36:46+08:00"
    );
    assert_eq!(payment.bank_type.as_ref().unwrap().as_str(), "CFT");
    assert_eq!(
        payment.openid.as_ref().unwrap().as_str(),
        "oNpSGwbtNBQROpN_dL8WUZG3wRkM"
    );
    assert_eq!(payment.attach, None);
    assert_eq!(notify.params().len(), 16);
    assert!(!format!("{notify:?}").contains("oNpSGwbtNBQROpN_dL8WUZG3wRkM"));
}

#[test]
fn no_byte_of_any_value_can_be_changed() {
    let body = seed_notify();
    let read = xml::read(body.as_bytes()).unwrap();
    let base = body.as_ptr().addr();
    let mut changed_bytes = 0;
    for (name, value) in read.iter() {
        let start = value.as_ptr().addr() - base;
        assert_eq!(&body[start..start + value.len()], value);
        for at in start..start + value.len() {
            for flip in [1, 2, 0x10, 0x20] {
                let mut changed = body.clone().into_bytes();
                changed[at] ^= flip;
                let accepted = UnverifiedNotify::parse(&changed)
                    .and_then(|notify| notify.verify(&seed_account(), SignType::Md5));
                assert!(accepted.is_err(), "{name}, byte {at}, flipped by {flip:#x}");
            }
            changed_bytes += 1;
        }
    }
    // All values of the message together.
    assert_eq!(
        changed_bytes,
        read.iter().map(|(_, value)| value.len()).sum::<usize>()
    );
    assert!(changed_bytes > 200);
}

#[test]
fn a_payment_is_not_lost_over_a_text_that_only_informs() {
    let mut fields: Vec<(String, String)> = xml::read(seed_notify().as_bytes())
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "sign")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    fields.push(("attach".into(), "茶".repeat(43)));
    let fields: Vec<_> = fields.iter().map(|(n, v)| (&**n, &**v)).collect();
    let body = common::answer(&fields, SignType::Md5);
    let notify = UnverifiedNotify::parse(body.as_bytes())
        .unwrap()
        .verify(&seed_account(), SignType::Md5)
        .unwrap();
    assert_eq!(notify.payment().attach, None);
    assert_eq!(notify.params().get("attach").unwrap().len(), 129);
}

#[test]
fn replies_are_exact() {
    assert_eq!(
        NotifyReply::Success.to_xml(),
        "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
    );
    assert_eq!(
        NotifyReply::Fail("sign").to_xml(),
        "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[sign]]></return_msg></xml>"
    );
    // Whatever the reason holds, the reply is a message.
    let odd = format!("]]>\0<a>&{}", "茶".repeat(100));
    let reply = NotifyReply::Fail(&odd).to_xml();
    let read = xml::read(reply.as_bytes()).unwrap();
    let reason = read.get("return_msg").unwrap();
    assert!(
        reason.starts_with("]]> <a>&茶") && reason.len() <= 128,
        "{reason}"
    );
}
