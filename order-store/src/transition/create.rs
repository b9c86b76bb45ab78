//! `create`: freezes what the order is about.

use std::collections::BTreeSet;

use wxpay_core::{NotifyUrl, OutTradeNo};

use super::{
    Change, Decision, EXPIRY_DEFAULT, EXPIRY_MAX, EXPIRY_MIN, Facts, Random, applied, refused,
};
use crate::{Create, LogEntry, Order, Refusal, Terms, What};

pub(super) fn make(create: &Create, facts: &Facts, random: &Random) -> Decision {
    let invalid = |field: &str, reason: String| {
        refused(Refusal::Invalid {
            field: field.to_owned(),
            reason,
        })
    };
    let number = &create.key.out_trade_no;
    if let Err(error) = OutTradeNo::for_order(number.as_str()) {
        return invalid(OutTradeNo::FIELD, error.to_string());
    }
    if create.total_fee.is_zero() {
        return invalid("total_fee", "an order is for at least 1 fen".to_owned());
    }
    let life = create.expires_after.unwrap_or(EXPIRY_DEFAULT);
    if !(EXPIRY_MIN..=EXPIRY_MAX).contains(&life) {
        return invalid("expires_after", "from 2 minutes to 2 hours".to_owned());
    }
    let base = create.notify_base.as_str().trim_end_matches('/');
    let notify_url = match NotifyUrl::try_from(format!("{base}/{}", random.notify_secret.to_hex()))
    {
        Ok(url) => url,
        Err(error) => return invalid(NotifyUrl::FIELD, error.to_string()),
    };
    if facts.number_owners.contains_key(number) {
        return refused(Refusal::NumberTaken {
            number: number.clone(),
        });
    }
    let expires = create.now + life;
    let order = Order {
        key: create.key.clone(),
        terms: Terms {
            appid: create.appid.clone(),
            sign_type: create.sign_type,
            body: create.body.clone(),
            total_fee: create.total_fee,
            fee_type: create.fee_type.clone(),
            attach: create.attach.clone(),
            product_id: create.product_id.clone(),
            spbill_create_ip: create.spbill_create_ip.clone(),
            notify_url,
            time_start: create.now.beijing(),
            time_expire: expires.beijing(),
        },
        expires_after: create.expires_after,
        page_ticket: random.page_ticket.clone(),
        notify_secret: random.notify_secret.clone(),
        created_at: create.now,
        attempts: Vec::new(),
        payments: Vec::new(),
        refunds: Vec::new(),
        closing: None,
        attention: BTreeSet::new(),
        due: Some(expires),
        refusals: BTreeSet::new(),
    };
    let log = LogEntry {
        at: create.now,
        from: None,
        to: order.state(),
        by: create.by,
        what: What::Created,
    };
    applied(Change {
        order,
        log: Some(log),
        outbox: Vec::new(),
        number: Some(number.clone()),
        transaction: None,
        refund: None,
    })
}

/// The first field of the content that differs.
pub(super) fn other_content(order: &Order, create: &Create) -> Option<&'static str> {
    let terms = &order.terms;
    [
        ("total_fee", terms.total_fee == create.total_fee),
        ("fee_type", terms.fee_type == create.fee_type),
        ("body", terms.body == create.body),
        ("attach", terms.attach == create.attach),
        ("product_id", terms.product_id == create.product_id),
        ("expires_after", order.expires_after == create.expires_after),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}
