//! What the outside cannot bring about: a sync that fails, rows of the largest size, folders from elsewhere.

mod compaction;
mod failures;
mod flight;
mod folders;
mod import;
mod outbox;
mod snapshot;
mod values;
mod verification;

use std::path::Path;

use wxpay_core::{FeeType, Fen, SignType};

use super::{fault::FaultHook, options::SledOptions, store::SledStore};
use crate::{By, Confirmation, Create, Defer, MarkPaid, OrderKey, StoreError, Timestamp};

fn key(number: &str) -> OrderKey {
    OrderKey {
        mch_id: "1473426802".parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    }
}

fn create(number: &str) -> Create {
    Create {
        key: key(number),
        appid: "wx8397f8696b538317".parse().unwrap(),
        sign_type: SignType::Md5,
        body: "tea".parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        attach: None,
        product_id: "p".parse().unwrap(),
        spbill_create_ip: "::1".parse().unwrap(),
        notify_base: "http://127.0.0.1/n".parse().unwrap(),
        expires_after: None,
        by: By::Shop,
        now: Timestamp::from_millis(0),
    }
}

fn mark_paid(number: &str) -> MarkPaid {
    MarkPaid {
        key: key(number),
        attempt: number.parse().unwrap(),
        transaction_id: format!("t-{number}").parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse().unwrap(),
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: Timestamp::from_millis(0),
    }
}

fn defer(number: &str) -> Defer {
    Defer {
        key: key(number),
        due: Timestamp::from_millis(9_000),
        by: By::Sweeper,
        now: Timestamp::from_millis(0),
    }
}

fn open(path: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(path, SledOptions::default())
}

fn options(faults: FaultHook) -> SledOptions {
    SledOptions {
        faults: Some(faults),
        ..SledOptions::default()
    }
}
