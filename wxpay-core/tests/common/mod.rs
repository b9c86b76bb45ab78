//! What the tests share: the recorded messages and their account.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{future::Future, pin::pin, task};

use serde_json::Value;
use wxpay_core::{
    Account, ApiKey, Params, SignType,
    api::{OrderQuery, OrderRef},
    sign,
};

pub(crate) const BOTH: [SignType; 2] = [SignType::Md5, SignType::HmacSha256];

pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn seed_key() -> ApiKey {
    vectors("seed-messages.json")["api_key"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn seed_notify() -> String {
    vectors("seed-messages.json")["pay_notify_md5_xml"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn seed_account() -> Account {
    account_with(seed_key())
}

pub(crate) fn account_with(key: ApiKey) -> Account {
    Account::new(
        "wx8397f8696b538317".parse().unwrap(),
        "1473426802".parse().unwrap(),
        key,
    )
}

pub(crate) fn other_key() -> ApiKey {
    "192006250b4c09247ec02edce69f6a2d".parse().unwrap()
}

pub(crate) fn params(fields: &[(&str, &str)]) -> Params<'static> {
    let mut params = Params::new();
    for (name, value) in fields {
        params
            .insert((*name).to_owned(), (*value).to_owned())
            .unwrap();
    }
    params
}

/// A signed message of the seed's account, as XML.
pub(crate) fn answer(fields: &[(&str, &str)], sign_type: SignType) -> String {
    wxpay_core::xml::write(&sign::signed(params(fields), &seed_key(), sign_type))
}

/// What a future over stacks that never wait gives at once.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut context = task::Context::from_waker(task::Waker::noop());
    match pin!(future).poll(&mut context) {
        task::Poll::Ready(output) => output,
        task::Poll::Pending => panic!("nothing here waits"),
    }
}

pub(crate) fn query() -> OrderQuery {
    OrderQuery {
        by: OrderRef::OutTradeNo("1553063775279".parse().unwrap()),
    }
}
