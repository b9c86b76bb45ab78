//! What the payer does: pay an order, or fail to.

use wxpay_core::{
    BankType, BeijingTime, CodeUrl, Fen, MchId, OpenId, OutTradeNo, TextError, TransactionId,
};

use super::{
    Gateway, Moment, Random,
    book::NotOne,
    envelope,
    notify::NotifyId,
    order::{Order, OrderKey, OrderState, Paid},
    order_query,
};

/// The `openid` of the payer that the simulator plays.
const PAYER: &str = "oSim0000000000000000000Payer";

/// What the payer points at.
#[derive(Clone, Debug)]
pub enum Payable {
    /// A code that was scanned.
    Code(CodeUrl),
    /// An order, by the merchant's number: pays the code that the order has now.
    Number {
        /// The number.
        out_trade_no: OutTradeNo,
        /// The merchant, where two merchants have the same number.
        mch_id: Option<MchId>,
    },
}

/// How the payment ends.
#[derive(Clone, Debug)]
pub enum Payment {
    /// It succeeds, with these facts in place of the simulator's own.
    Success(PaymentFacts),
    /// It fails for good.
    PayError,
}

/// Facts of a payment; what is absent the simulator chooses.
#[derive(Clone, Debug, Default)]
pub struct PaymentFacts {
    /// The gateway's number of the payment.
    pub transaction_id: Option<TransactionId>,
    /// When the payment ended.
    pub time_end: Option<BeijingTime>,
    /// The payer.
    pub openid: Option<OpenId>,
    /// The payer's bank.
    pub bank_type: Option<BankType>,
    /// Whether the merchant is told.
    pub notify: NotifyWanted,
}

/// Whether a payment is told to the merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotifyWanted {
    /// Yes, by the schedule.
    #[default]
    Yes,
    /// Never: the merchant has to ask.
    No,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct PayOutcome {
    /// The order.
    pub key: OrderKey,
    /// Its price.
    pub total_fee: Fen,
    /// The payment's number and end, when it succeeded.
    pub paid: Option<(TransactionId, BeijingTime)>,
    /// The notify that is due now, if there is one.
    pub notify: Option<NotifyId>,
}

/// Why nothing was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayRefusal {
    /// No order has this code or number.
    #[error("no order has this code or number")]
    UnknownOrder,
    /// Orders of several merchants have this number.
    #[error("orders of several merchants have this out_trade_no; give mch_id too")]
    SeveralMerchants,
    /// The code is not the order's latest: a re-entry replaced it.
    #[error("the code was replaced when unifiedorder was sent again")]
    CodeReplaced,
    /// The code is older than two hours.
    #[error("the code has expired: it could be paid for two hours")]
    CodeExpired,
    /// The order's `time_expire` is past.
    #[error("the order can no longer be paid: time_expire is past")]
    OrderExpired,
    /// The order is paid.
    #[error("the order is already paid")]
    AlreadyPaid,
    /// The order is closed.
    #[error("the order is closed")]
    Closed,
    /// A payment of the order failed for good.
    #[error("a payment of this order failed; the number cannot be paid again")]
    Failed,
    /// Another payment has this number.
    #[error("another payment has this transaction_id")]
    TransactionIdUsed,
    /// The simulator could not write the payment down; a fault of its own.
    #[error("the payment cannot be written")]
    Internal,
}

impl PayRefusal {
    /// A name that stays the same, for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownOrder => "unknown_order",
            Self::SeveralMerchants => "several_merchants",
            Self::CodeReplaced => "code_replaced",
            Self::CodeExpired => "code_expired",
            Self::OrderExpired => "order_expired",
            Self::AlreadyPaid => "already_paid",
            Self::Closed => "order_closed",
            Self::Failed => "payment_failed",
            Self::TransactionIdUsed => "transaction_id_used",
            Self::Internal => "internal",
        }
    }
}

pub(super) fn pay(
    gateway: &mut Gateway,
    what: &Payable,
    payment: Payment,
    now: Moment,
    random: &Random,
) -> Result<PayOutcome, PayRefusal> {
    let order = find(gateway, what)?;
    may_pay(order, what, now)?;
    let mut outcome = PayOutcome {
        key: order.key.clone(),
        total_fee: order.total_fee,
        paid: None,
        notify: None,
    };
    let facts = match payment {
        Payment::PayError => {
            gateway.book.finish(&outcome.key, OrderState::PayError);
            return Ok(outcome);
        }
        Payment::Success(facts) => facts,
    };
    let mut paid = settle(gateway, &facts, now, random)?;
    if facts.notify == NotifyWanted::Yes {
        let body = notify_body(gateway, order, &paid, random)?;
        let url = order.notify_url.to_string();
        paid.notify = Some(gateway.notifies.add(
            outcome.key.clone(),
            paid.transaction_id.clone(),
            &url,
            &body,
            now,
        ));
    }
    outcome.paid = Some((paid.transaction_id.clone(), paid.time_end));
    outcome.notify = paid.notify;
    gateway.book.finish(&outcome.key, OrderState::Success(paid));
    Ok(outcome)
}

fn find<'g>(gateway: &'g Gateway, what: &Payable) -> Result<&'g Order, PayRefusal> {
    match what {
        Payable::Code(code) => gateway.book.by_code(code).ok_or(PayRefusal::UnknownOrder),
        Payable::Number {
            out_trade_no,
            mch_id: Some(mch_id),
        } => gateway
            .book
            .get(&OrderKey {
                mch_id: mch_id.clone(),
                out_trade_no: out_trade_no.clone(),
            })
            .ok_or(PayRefusal::UnknownOrder),
        Payable::Number {
            out_trade_no,
            mch_id: None,
        } => gateway
            .book
            .by_number(out_trade_no)
            .map_err(|not_one| match not_one {
                NotOne::None => PayRefusal::UnknownOrder,
                NotOne::Several => PayRefusal::SeveralMerchants,
            }),
    }
}

fn may_pay(order: &Order, what: &Payable, now: Moment) -> Result<(), PayRefusal> {
    match order.state(now) {
        OrderState::Success(_) => return Err(PayRefusal::AlreadyPaid),
        OrderState::Closed => return Err(PayRefusal::Closed),
        OrderState::PayError => return Err(PayRefusal::Failed),
        OrderState::NotPay => {}
    }
    if matches!(what, Payable::Code(code) if *code != order.code_url) {
        return Err(PayRefusal::CodeReplaced);
    }
    if order.pay_before.is_some_and(|before| now >= before) {
        return Err(PayRefusal::OrderExpired);
    }
    if now >= order.code_expires_at() {
        return Err(PayRefusal::CodeExpired);
    }
    Ok(())
}

fn settle(
    gateway: &Gateway,
    facts: &PaymentFacts,
    now: Moment,
    random: &Random,
) -> Result<Paid, PayRefusal> {
    let transaction_id = match &facts.transaction_id {
        Some(id) if gateway.book.by_transaction(id).is_some() => {
            return Err(PayRefusal::TransactionIdUsed);
        }
        Some(id) => id.clone(),
        None => free_transaction_id(gateway, now, random).map_err(|_| PayRefusal::Internal)?,
    };
    Ok(Paid {
        transaction_id,
        time_end: facts.time_end.unwrap_or_else(|| now.beijing()),
        openid: known(facts.openid.as_ref(), PAYER)?,
        bank_type: known(facts.bank_type.as_ref(), "OTHERS")?,
        notify: None,
    })
}

/// What was given, or else the simulator's own.
fn known<T: Clone + std::str::FromStr>(given: Option<&T>, own: &str) -> Result<T, PayRefusal> {
    match given {
        Some(given) => Ok(given.clone()),
        None => own.parse().map_err(|_| PayRefusal::Internal),
    }
}

/// 28 digits in the shape of the gateway's: a prefix, the day in Beijing, and ten digits that no other payment has.
fn free_transaction_id(
    gateway: &Gateway,
    now: Moment,
    random: &Random,
) -> Result<TransactionId, TextError> {
    const RANGE: u64 = 10_000_000_000;
    let day = &now.beijing().to_string()[..8];
    let mut number = random.number() % RANGE;
    loop {
        let id: TransactionId = format!("4200000051{day}{number:010}").parse()?;
        if gateway.book.by_transaction(&id).is_none() {
            return Ok(id);
        }
        // The book holds fewer payments than there are numbers, so this ends.
        number = (number + 1) % RANGE;
    }
}

/// The notify, with the fields and in the order that the gateway's have; it names no sign type.
fn notify_body(
    gateway: &Gateway,
    order: &Order,
    paid: &Paid,
    random: &Random,
) -> Result<String, PayRefusal> {
    let account = gateway
        .account(&order.appid, &order.key.mch_id)
        .ok_or(PayRefusal::Internal)?;
    let mut fields = order_query::payment(order, paid);
    fields.extend([
        ("appid", order.appid.to_string()),
        ("mch_id", order.key.mch_id.to_string()),
        ("nonce_str", random.nonce()),
        ("result_code", "SUCCESS".to_owned()),
        ("return_code", "SUCCESS".to_owned()),
    ]);
    fields.sort_unstable();
    envelope::write(fields, account, order.sign_type).map_err(|_| PayRefusal::Internal)
}
