//! Which kind of notify it is, and from bytes to an outcome in one call.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{BOTH, answer, other_key, seed_account, seed_key, seed_notify};
use proptest::prelude::*;
use wxpay_core::{
    Account, NotifyError, NotifyReply, SignType, VerifyError,
    notify::{Handled, Hints, Notify, encrypt_req_info, handle},
};

const REFUND: &str = "<root><transaction_id>4200000001</transaction_id><out_trade_no>T1</out_trade_no>\
    <refund_id>50000000</refund_id><out_refund_no>R1</out_refund_no><total_fee>2</total_fee>\
    <refund_fee>1</refund_fee><refund_status>SUCCESS</refund_status></root>";

fn refund_notify() -> String {
    let req_info = encrypt_req_info(REFUND, &seed_key());
    format!(
        "<xml><return_code>SUCCESS</return_code><appid>wx8397f8696b538317</appid>\
         <mch_id>1473426802</mch_id><nonce_str>n</nonce_str><req_info>{req_info}</req_info></xml>"
    )
}

fn payment(sign_type: SignType, extra: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("appid", "wx8397f8696b538317"),
        ("mch_id", "1473426802"),
        ("out_trade_no", "T1"),
        ("transaction_id", "4200000001"),
        ("total_fee", "2"),
        ("cash_fee", "2"),
        ("time_end", "20260101000203"),
    ];
    fields.extend_from_slice(extra);
    answer(&fields, sign_type)
}

#[test]
fn a_payment_and_a_refund_each_become_what_they_are() {
    let mut asked = None;
    let handled = handle(seed_notify().as_bytes(), |hints| {
        asked = Some(hints.clone());
        Some((seed_account(), SignType::Md5))
    });
    let Handled::Pay(paid) = handled.unwrap() else {
        panic!("a payment")
    };
    assert_eq!(paid.payment().out_trade_no.as_str(), "1553063775279");
    let hints: Hints = asked.unwrap();
    assert_eq!(hints.mch_id.as_str(), "1473426802");
    assert_eq!(hints.appid.as_str(), "wx8397f8696b538317");
    assert_eq!(hints.out_trade_no.unwrap().as_str(), "1553063775279");

    // The sign type of an order does not matter to its refund.
    for sign_type in BOTH {
        let handled = handle(refund_notify().as_bytes(), |hints| {
            assert_eq!(hints.out_trade_no, None);
            Some((Arc::new(seed_account()), sign_type))
        });
        let Handled::Refund(hint) = handled.unwrap() else {
            panic!("a refund")
        };
        assert_eq!(hint.out_refund_no.as_str(), "R1");
    }
}

#[test]
fn what_is_neither_or_both_is_refused() {
    let neither = [
        "<xml/>".to_owned(),
        "<xml><return_code>FAIL</return_code></xml>".to_owned(),
        "<xml><req_info></req_info><out_trade_no></out_trade_no></xml>".to_owned(),
        answer(
            &[("combine_mch_id", "1"), ("sub_order_list", "{}")],
            SignType::HmacSha256,
        ),
        answer(&[("openid", "o"), ("product_id", "P1")], SignType::Md5),
    ];
    for body in neither {
        assert_eq!(
            Notify::parse(body.as_bytes()).unwrap_err(),
            NotifyError::NeitherKind,
            "{body}"
        );
    }
    let both = [
        payment(SignType::Md5, &[("req_info", "bDP/")]),
        refund_notify().replace(
            "<nonce_str>",
            "<transaction_id>4</transaction_id><nonce_str>",
        ),
    ];
    for body in both {
        assert_eq!(
            Notify::parse(body.as_bytes()).unwrap_err(),
            NotifyError::BothKinds,
            "{body}"
        );
    }
    assert!(matches!(
        Notify::parse(b"<html>").unwrap_err(),
        NotifyError::Xml(_)
    ));
}

#[test]
fn the_orders_sign_type_decides_and_not_the_messages() {
    for order in BOTH {
        for message in BOTH {
            for named in [&[][..], &[("sign_type", message.as_str())]] {
                let body = payment(message, named);
                let handled = handle(body.as_bytes(), |_| Some((seed_account(), order)));
                match handled {
                    Ok(Handled::Pay(_)) => assert_eq!(order, message),
                    Err(NotifyError::Verify(VerifyError::WrongLength { .. })) => {
                        assert_ne!(order, message);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn whoever_is_not_known_is_refused_and_not_told_why() {
    let body = seed_notify();
    let unknown = handle(body.as_bytes(), |_| None::<(Account, SignType)>).unwrap_err();
    assert_eq!(unknown, NotifyError::Unknown);
    let forged = handle(body.as_bytes(), |_| {
        Some((common::account_with(other_key()), SignType::Md5))
    })
    .unwrap_err();
    assert_eq!(forged, NotifyError::Verify(VerifyError::Mismatch));
    assert_eq!(unknown.reply(), forged.reply());
    assert_eq!(unknown.reply(), NotifyReply::Fail("not accepted"));
    let html = handle(b"<html>", |_| None::<(Account, SignType)>).unwrap_err();
    assert_eq!(html.reply(), NotifyReply::Fail("not a notify"));
}

#[test]
fn an_owned_notify_says_the_same() {
    for body in [seed_notify(), refund_notify()] {
        let notify = Notify::parse(body.as_bytes()).unwrap();
        let hints = notify.hints().unwrap();
        let owned: Notify<'static> = notify.into_owned();
        drop(body);
        assert_eq!(owned.hints().unwrap(), hints);
        assert!(owned.open(&seed_account(), SignType::Md5).is_ok());
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_pass(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(handle(&bytes, |_| Some((seed_account(), SignType::Md5))).is_err());
    }

    #[test]
    fn no_change_of_a_byte_makes_it_panic(at in any::<prop::sample::Index>(), to in any::<u8>(), refund in any::<bool>()) {
        let mut body = if refund { refund_notify() } else { seed_notify() }.into_bytes();
        let at = at.index(body.len());
        let was = body[at];
        body[at] = to;
        let handled = handle(&body, |_| Some((seed_account(), SignType::Md5)));
        if was == to {
            prop_assert!(handled.is_ok());
        }
    }
}
