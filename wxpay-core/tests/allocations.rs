//! How often the hot paths ask for memory.
#![allow(clippy::unwrap_used)]

mod common;

use common::{seed_key, seed_notify};
use wxpay_core::{
    Account, Fen, NonceStr, SignType, UnverifiedNotify,
    api::{self, UnifiedOrder},
    sign, xml,
};

fn account() -> Account {
    Account::new(
        "wx8397f8696b538317".parse().unwrap(),
        "1473426802".parse().unwrap(),
        seed_key(),
    )
}

/// The allocations of `work`, and of growing what was allocated.
fn count(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn reading_and_verifying_the_notify_asks_for_none() {
    let (body, account) = (seed_notify(), account());
    let counted = count(|| {
        let params = xml::read(body.as_bytes()).unwrap();
        sign::verify(&params, account.keys(), SignType::Md5).unwrap();
    });
    assert_eq!(counted, 0);
}

#[test]
fn a_typed_notify_takes_at_most_four() {
    let (body, account) = (seed_notify(), account());
    let mut paid = None;
    let counted = count(|| {
        let notify = UnverifiedNotify::parse(body.as_bytes()).unwrap();
        paid = Some(notify.verify(&account, SignType::Md5).unwrap());
    });
    assert_eq!(paid.unwrap().payment().total_fee.get(), 1);
    assert!((1..=4).contains(&counted), "{counted}");
}

#[test]
fn a_signed_request_takes_one() {
    let account = account();
    let order = UnifiedOrder::native(
        "T20260101000001".parse().unwrap(),
        "腾讯充值中心-QQ会员充值".parse().unwrap(),
        Fen::new(101).unwrap(),
        "127.0.0.1".parse().unwrap(),
        "https://example.com/notify".parse().unwrap(),
        "P1".parse().unwrap(),
    );
    let nonce = NonceStr::from_random(*b"16 random bytes!");
    for sign_type in [SignType::Md5, SignType::HmacSha256] {
        let mut request = None;
        let counted = count(|| {
            request = Some(api::prepare(&order, &account, sign_type, &nonce).unwrap());
        });
        let request = request.unwrap();
        let params = xml::read(request.body.as_bytes()).unwrap();
        sign::verify(&params, account.keys(), sign_type).unwrap();
        assert_eq!(counted, 1, "{sign_type}");
    }
}
