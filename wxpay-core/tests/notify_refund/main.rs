//! The refund notify: what it holds, that nothing opens it but the key, and that it stays a hint.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod confirm;

use common::vectors;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use wxpay_core::{
    Account, ApiKey, NotifyError, Params, SubMerchant,
    api::{FieldError, RefundStatus},
    notify::{RefundHint, UnverifiedRefundNotify, encrypt_req_info},
    xml,
};

const APPID: &str = "wxd930ea5d5a258f4f";
const MCH_ID: &str = "10000100";

fn key() -> ApiKey {
    vectors("refund-notifies.json")["api_key"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

fn other_key() -> ApiKey {
    "0123456789abcdef0123456789ABCDEF".parse().unwrap()
}

fn account_with(key: ApiKey) -> Account {
    Account::new(APPID.parse().unwrap(), MCH_ID.parse().unwrap(), key)
}

fn vector(name: &str, part: &str) -> String {
    let file = vectors("refund-notifies.json");
    file[name][part].as_str().unwrap().to_owned()
}

fn outer(req_info: &str) -> Params<'_> {
    let mut params = Params::new();
    for (name, value) in [
        ("return_code", "SUCCESS"),
        ("appid", APPID),
        ("mch_id", MCH_ID),
        ("nonce_str", "TeqClE3i0mvn3DrK"),
        ("req_info", req_info),
    ] {
        params.insert(name, value).unwrap();
    }
    params
}

fn outer_for_sub(req_info: &str) -> Params<'_> {
    let mut params = outer(req_info);
    params.insert("sub_mch_id", "1900000109").unwrap();
    params
}

fn decrypt_for(account: &Account, req_info: &str) -> Result<RefundHint, NotifyError> {
    let body = xml::write(&outer(req_info));
    UnverifiedRefundNotify::parse(body.as_bytes())?.decrypt(account)
}

fn decrypt(req_info: &str) -> Result<RefundHint, NotifyError> {
    decrypt_for(&account_with(key()), req_info)
}

fn whole() -> RefundHint {
    decrypt(&vector("whole", "req_info")).unwrap()
}

#[test]
fn says_what_went_back() {
    let hint = whole();
    assert_eq!(hint.transaction_id.as_str(), "4200000001202601010000000001");
    assert_eq!(hint.out_trade_no.as_str(), "T20260101000001");
    assert_eq!(hint.refund_id.as_str(), "50000000012026010100000000001");
    assert_eq!(hint.out_refund_no.as_str(), "R20260101000001");
    assert_eq!(hint.total_fee.get(), 101);
    assert_eq!(hint.settlement_total_fee.unwrap().get(), 101);
    assert_eq!(hint.refund_fee.get(), 101);
    assert_eq!(hint.settlement_refund_fee.unwrap().get(), 101);
    assert_eq!(hint.cash_refund_fee, None);
    assert_eq!(hint.refund_status, RefundStatus::Success);
    assert_eq!(
        hint.success_time.unwrap().rfc3339().to_string(),
        "2026-01-02T03:04:05+08:00"
    );
    assert_eq!(
        hint.refund_account.as_deref(),
        Some("REFUND_SOURCE_RECHARGE_FUNDS")
    );
    assert_eq!(hint.refund_request_source.as_deref(), Some("API"));
    assert_eq!(hint.refund_recv_accout.as_deref(), Some("支付用户零钱"));
    assert_eq!(hint.params().len(), 13);
    assert!(!format!("{hint:?}").contains("支付用户零钱"));
}

#[test]
fn the_cipher_is_the_known_one() {
    let plaintext = vector("whole", "plaintext");
    assert_eq!(plaintext.len(), 780);
    let digest: [u8; 32] = Sha256::digest(plaintext.as_bytes()).into();
    let digest = u128::from_be_bytes(digest[..16].try_into().unwrap());
    assert_eq!(format!("{digest:032x}"), vector("whole", "sha256")[..32]);
    for name in ["status_only", "full_block", "whole"] {
        assert_eq!(
            encrypt_req_info(&vector(name, "plaintext"), &key()),
            vector(name, "req_info"),
            "{name}"
        );
    }
    // It opens, so that the first thing amiss is a field.
    assert_eq!(
        decrypt(&vector("status_only", "req_info")).unwrap_err(),
        NotifyError::Field(FieldError::Missing {
            field: "transaction_id"
        })
    );
    // It opens too, but is no refund.
    assert_eq!(
        decrypt(&vector("full_block", "req_info")).unwrap_err(),
        NotifyError::Decrypt
    );
}

#[test]
fn the_previous_key_opens_too_and_a_third_does_not() {
    let req_info = vector("whole", "req_info");
    let changed = account_with(other_key()).with_previous_key(key());
    assert_eq!(decrypt_for(&changed, &req_info).unwrap(), whole());
    assert_eq!(
        decrypt_for(&account_with(other_key()), &req_info).unwrap_err(),
        NotifyError::Decrypt
    );
}

#[test]
fn a_wrong_key_whose_padding_looks_right_does_not_hide_the_right_one() {
    // Among so many texts there are some that a wrong key opens to a padding that looks right.
    let changed = account_with(other_key()).with_previous_key(key());
    let (plaintext, key) = (vector("whole", "plaintext"), key());
    for n in 0..2000 {
        let numbered = plaintext.replace("R20260101000001", &format!("R{n}"));
        let hint = decrypt_for(&changed, &encrypt_req_info(&numbered, &key)).unwrap();
        assert_eq!(hint.out_refund_no.as_str(), format!("R{n}"));
    }
}

#[test]
fn another_account_is_refused_before_anything_is_decrypted() {
    for (field, value) in [("appid", "wx8397f8696b538317"), ("mch_id", "1473426802")] {
        let mut params = Params::new();
        for (name, own) in outer("not even base64").iter() {
            let value = if name == field { value } else { own };
            params.insert(name.to_owned(), value.to_owned()).unwrap();
        }
        let body = xml::write(&params);
        let notify = UnverifiedRefundNotify::parse(body.as_bytes()).unwrap();
        assert_eq!(
            notify.decrypt(&account_with(key())).unwrap_err(),
            NotifyError::Foreign { field }
        );
    }
}

#[test]
fn a_service_provider_sees_its_own_merchant_only() {
    let provider = account_with(key()).with_sub_merchant(SubMerchant {
        mch_id: "1900000109".parse().unwrap(),
        appid: Some("wx8888888888888888".parse().unwrap()),
    });
    let req_info = vector("whole", "req_info");
    let with = |extra: &[(&'static str, &'static str)]| {
        let mut params = outer(&req_info);
        for (name, value) in extra {
            params.insert(*name, *value).unwrap();
        }
        let body = xml::write(&params);
        let notify = UnverifiedRefundNotify::parse(body.as_bytes()).unwrap();
        notify.decrypt(&provider)
    };
    assert!(with(&[("sub_mch_id", "1900000109")]).is_ok());
    let own = [
        ("sub_mch_id", "1900000109"),
        ("sub_appid", "wx8888888888888888"),
    ];
    assert!(with(&own).is_ok());
    assert_eq!(
        with(&[("sub_mch_id", "1900000108")]).unwrap_err(),
        NotifyError::Foreign {
            field: "sub_mch_id"
        }
    );
    let foreign = [
        ("sub_mch_id", "1900000109"),
        ("sub_appid", "wx7777777777777777"),
    ];
    assert_eq!(
        with(&foreign).unwrap_err(),
        NotifyError::Foreign { field: "sub_appid" }
    );
    // Nor is a notify for one of its merchants the provider's own.
    let body = xml::write(&outer_for_sub(&req_info));
    let notify = UnverifiedRefundNotify::parse(body.as_bytes()).unwrap();
    assert_eq!(
        notify.decrypt(&account_with(key())).unwrap_err(),
        NotifyError::Foreign {
            field: "sub_mch_id"
        }
    );
    assert_eq!(
        with(&[]).unwrap_err(),
        NotifyError::Field(FieldError::Missing {
            field: "sub_mch_id"
        })
    );
}

#[test]
fn every_truncation_is_the_same_error() {
    let req_info = vector("whole", "req_info");
    for len in 1..req_info.len() {
        assert_eq!(
            decrypt(&req_info[..len]).unwrap_err(),
            NotifyError::Decrypt,
            "{len}"
        );
        assert_eq!(
            decrypt(&req_info[len..]).unwrap_err(),
            NotifyError::Decrypt,
            "from {len}"
        );
    }
    assert_eq!(
        decrypt("").unwrap_err(),
        NotifyError::Field(FieldError::Missing { field: "req_info" })
    );
}

#[test]
fn a_flaw_is_not_told_from_another() {
    let good = vector("whole", "req_info");
    let flaws = [
        ("no base64", "****".to_owned()),
        ("white space in the base64", format!("{good}\n")),
        ("cut block", good[..good.len() - 8].to_owned()),
        ("cut padding", good[..1024].to_owned()),
        (
            "another key",
            encrypt_req_info(&vector("whole", "plaintext"), &other_key()),
        ),
        ("no XML", encrypt_req_info("hello", &key())),
        (
            "another root",
            encrypt_req_info("<xml><a>1</a></xml>", &key()),
        ),
        (
            "a DTD",
            encrypt_req_info("<!DOCTYPE root><root><a>1</a></root>", &key()),
        ),
        ("nothing", encrypt_req_info("", &key())),
    ];
    for (about, req_info) in flaws {
        let error = decrypt(&req_info).unwrap_err();
        assert_eq!(error, NotifyError::Decrypt, "{about}");
        assert_eq!(
            error.reply().to_xml(),
            NotifyError::Unknown.reply().to_xml(),
            "{about}"
        );
    }
}

#[test]
fn a_byte_changed_never_passes_unseen() {
    // ECB: one byte of cipher text spoils its block of sixteen, and no other.
    let req_info = vector("whole", "req_info").into_bytes();
    let mut hints = 0;
    for at in 0..req_info.len() {
        let mut changed = req_info.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        match decrypt(core::str::from_utf8(&changed).unwrap()) {
            Ok(hint) => {
                hints += 1;
                assert_ne!(hint, whole(), "{at}");
            }
            Err(NotifyError::Decrypt | NotifyError::Field(_)) => {}
            Err(other) => panic!("{at}: {other}"),
        }
    }
    // A spoiled block is hardly ever UTF-8 that XML can carry.
    assert!(hints < 5, "{hints}");
}

#[test]
fn white_space_around_the_plaintext_is_nothing() {
    // Older traffic has line ends between the fields.
    let plaintext = vector("whole", "plaintext")
        .replace("><", ">\n<")
        .replace(">\n<![CDATA[", "><![CDATA[")
        .replace("]]>\n</", "]]></");
    assert_eq!(plaintext.matches('\n').count(), 14);
    let hint = decrypt(&encrypt_req_info(&format!("\n\n{plaintext}\n"), &key())).unwrap();
    assert_eq!(hint.params(), whole().params());
}

#[test]
fn states_are_named_and_new_ones_kept() {
    for (text, status) in [
        ("SUCCESS", RefundStatus::Success),
        ("CHANGE", RefundStatus::Change),
        ("REFUNDCLOSE", RefundStatus::RefundClose),
        ("NEW", RefundStatus::Other("NEW".into())),
    ] {
        let plaintext = vector("whole", "plaintext").replace(
            "<refund_status><![CDATA[SUCCESS]]>",
            &format!("<refund_status>{text}"),
        );
        let hint = decrypt(&encrypt_req_info(&plaintext, &key())).unwrap();
        assert_eq!(hint.refund_status, status);
        assert_eq!(hint.refund_status.as_str(), text);
    }
}

#[test]
fn a_refund_is_not_lost_over_a_text_that_only_informs() {
    let plaintext = vector("whole", "plaintext").replace("2026-01-02 03:04:05", "soon");
    let hint = decrypt(&encrypt_req_info(&plaintext, &key())).unwrap();
    assert_eq!(hint.success_time, None);
    assert_eq!(hint.params().get("success_time"), Some("soon"));
}

proptest! {
    #[test]
    fn any_fields_come_through(
        fields in prop::collection::btree_map("x_[a-z0-9]{1,8}", "[ -~茶\r\n]{0,40}", 0..10)
    ) {
        let mut params = xml::read_with(
            vector("whole", "plaintext").as_bytes(),
            "root",
            &xml::Limits::DEFAULT,
        )
        .unwrap()
        .into_owned();
        for (name, value) in &fields {
            params.insert(name.clone(), value.clone()).unwrap();
        }
        let message = xml::write(&params);
        let plaintext = format!(
            "<root>{}</root>",
            message.strip_prefix("<xml>").unwrap().strip_suffix("</xml>").unwrap()
        );
        let hint = decrypt(&encrypt_req_info(&plaintext, &key())).unwrap();
        prop_assert_eq!(hint.params(), &params);
    }

    #[test]
    fn no_text_makes_it_panic(req_info in "\\PC{0,200}") {
        prop_assert!(decrypt(&req_info).is_err());
    }

    #[test]
    fn no_blocks_make_it_panic(req_info in "([A-Za-z0-9+/]{64}){0,8}([A-Za-z0-9+/]{21}[AQgw]==)?") {
        prop_assert!(decrypt(&req_info).is_err());
    }

    #[test]
    fn no_plaintext_makes_it_panic(plaintext in "\n?<root>(<[a-z_]{1,8}>|</[a-z_]{1,8}>|[^<]{0,9}|<!\\[CDATA\\[|\\]\\]>){0,9}</root>") {
        let _ = decrypt(&encrypt_req_info(&plaintext, &key()));
    }
}
