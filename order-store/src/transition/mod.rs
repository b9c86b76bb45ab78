//! Every transition of the ledger, as one pure function.
//!
//! [`decide`] sees an order, what the backend looked up, a command and random bytes, and says what becomes of the order.
//! It has no clock and does no I/O: the time is in the command. Backends make its [`Change`] atomic and durable and decide
//! nothing themselves, so that they cannot differ.

mod attempt;
mod close;
mod create;
mod note;
mod pay;
mod refund;

use std::{collections::BTreeMap, time::Duration};

use wxpay_core::{OutRefundNo, OutTradeNo, TransactionId};

use crate::{
    By, Command, LogEntry, NotifySecret, Order, OrderKey, OutboxRow, Outcome, PageTicket,
    RefundState, Refusal, Timestamp, What,
};

/// How long a payer has when the client asks for nothing.
pub const EXPIRY_DEFAULT: Duration = Duration::from_mins(30);
/// The least that a client may ask for.
pub const EXPIRY_MIN: Duration = Duration::from_mins(2);
/// The most that a client may ask for.
pub const EXPIRY_MAX: Duration = Duration::from_hours(2);
/// The gateway closes no number that is younger.
pub const CLOSE_AT_GATEWAY_AFTER: Duration = Duration::from_mins(5);
/// An effect outside that has no result after so long was cut off, and is the sweeper's to finish.
pub const UNFINISHED_AFTER: Duration = Duration::from_secs(15);
/// An order with a code is asked about after so long, in case its notify never comes.
pub const QUERY_AFTER: Duration = Duration::from_secs(15);
/// An unconfirmed payment is asked about after so long.
pub const CONFIRM_AFTER: Duration = Duration::from_secs(10);
/// A refund that the gateway has taken on is asked about after so long, in case its notify never comes.
pub const REFUND_QUERY_AFTER: Duration = Duration::from_mins(1);
/// A refund that waits for a person is asked about after so long.
pub const REFUND_CHANGE_QUERY_AFTER: Duration = Duration::from_hours(6);
/// The gateway takes one refund of an order in so long.
pub const REFUND_INTERVAL: Duration = Duration::from_mins(1);
/// The gateway refunds no payment that is older: a year.
pub const REFUND_WITHIN: Duration = Duration::from_hours(365 * 24);
/// The most refunds of an order, whatever became of them.
pub const REFUNDS_MAX: u32 = 50;
/// The most attempts of an order.
pub const ATTEMPTS_MAX: u32 = 20;
/// The most refusals and contradictions that an order's log takes; later ones are refused all the same.
pub const REFUSALS_MAX: usize = 32;
/// How many numbers are tried for one attempt.
const NUMBER_TRIES: u32 = 16;
/// The most bytes of a contradiction's reason.
const REASON_MAX_BYTES: usize = 200;

/// What [`decide`] wants to know about the rest of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Numbers to look up in the index of attempts, all of the command's merchant.
    pub numbers: Vec<OutTradeNo>,
    /// A transaction to look up in the index of transactions.
    pub transaction: Option<TransactionId>,
    /// A number to look up in the index of refunds, of the command's merchant.
    pub refund: Option<OutRefundNo>,
}

impl Lookups {
    /// What to look up for this command on this order.
    #[must_use]
    pub fn of(order: Option<&Order>, command: &Command) -> Self {
        let mut lookups = Self::default();
        match (command, order) {
            (Command::Create(create), None) => {
                lookups.numbers.push(create.key.out_trade_no.clone());
            }
            (Command::BeginAttempt(_), Some(order)) => lookups
                .numbers
                .extend(attempt::next_numbers(order).map(|(_, number)| number)),
            (Command::MarkPaid(paid), Some(_)) => {
                lookups.transaction = Some(paid.transaction_id.clone());
            }
            (Command::BeginRefund(begin), Some(_)) => {
                lookups.refund = Some(begin.out_refund_no.clone());
            }
            _ => {}
        }
        lookups
    }
}

/// What the backend found of [`Lookups`], inside the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The owners of those numbers that have one.
    pub number_owners: BTreeMap<OutTradeNo, OrderKey>,
    /// The owner of the transaction, if it has one.
    pub transaction_owner: Option<OrderKey>,
    /// The owner of the refund's number, if it has one.
    pub refund_owner: Option<OrderKey>,
}

/// Random bytes for an order that may be made: fresh for each command.
#[derive(Clone, Debug)]
pub struct Random {
    /// The ticket of its page.
    pub page_ticket: PageTicket,
    /// The secret of its notifies.
    pub notify_secret: NotifySecret,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// What the caller is told, once the change is durable.
    pub outcome: Result<Outcome, Refusal>,
    /// What is written, all of it or nothing.
    pub change: Option<Change>,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The order afterwards.
    pub order: Order,
    /// The row of its log. Only a new due time comes without.
    pub log: Option<LogEntry>,
    /// The rows of the outbox.
    pub outbox: Vec<OutboxRow>,
    /// A number that the order owns from now on.
    pub number: Option<OutTradeNo>,
    /// A transaction that the order owns from now on.
    pub transaction: Option<TransactionId>,
    /// A number of a refund that the order owns from now on.
    pub refund: Option<OutRefundNo>,
}

/// Says what becomes of `order` (nothing when there is none) under `command`.
///
/// The same facts again are [`Outcome::AlreadyApplied`] and change nothing; other facts are a [`Refusal`].
/// `facts` are what was found of [`Lookups::of`] the same order and command.
pub fn decide(
    order: Option<&Order>,
    facts: &Facts,
    command: &Command,
    random: &Random,
) -> Decision {
    let order = match (command, order) {
        (Command::Create(create), None) => return create::make(create, facts, random),
        (_, None) => return refused(Refusal::UnknownOrder),
        (_, Some(order)) => order,
    };
    match command {
        Command::Create(create) => match create::other_content(order, create) {
            None => already(),
            Some(field) => refused(Refusal::OtherContent {
                field: field.to_owned(),
            }),
        },
        Command::BeginAttempt(begin) => attempt::begin_attempt(order, facts, begin),
        Command::AttachPrepay(attach) => attempt::attach_prepay(order, attach),
        Command::MarkPaid(paid) => pay::mark_paid(order, facts, paid),
        Command::ConfirmPayment(confirm) => pay::confirm_payment(order, confirm),
        Command::Contradict(contradict) => pay::contradict(order, contradict),
        Command::BeginClose(begin) => close::begin_close(order, begin),
        Command::CloseResult(result) => close::close_result(order, result),
        Command::BeginRefund(begin) => refund::begin_refund(order, facts, begin),
        Command::RefundResult(result) => refund::refund_result(order, result),
        Command::ClearAttention(clear) => note::clear_attention(order, clear),
        Command::Defer(defer) => note::defer(order, defer),
    }
}

fn refused(refusal: Refusal) -> Decision {
    Decision {
        outcome: Err(refusal),
        change: None,
    }
}

fn already() -> Decision {
    Decision {
        outcome: Ok(Outcome::AlreadyApplied),
        change: None,
    }
}

/// The change from `before` to `after`, with its row of the log.
fn change(before: &Order, after: Order, by: By, at: Timestamp, what: What) -> Change {
    let log = LogEntry {
        at,
        from: Some(before.state()),
        to: after.state(),
        by,
        what,
    };
    Change {
        order: after,
        log: Some(log),
        outbox: Vec::new(),
        number: None,
        transaction: None,
        refund: None,
    }
}

fn applied(change: Change) -> Decision {
    Decision {
        outcome: Ok(Outcome::Applied),
        change: Some(change),
    }
}

/// The order with one fingerprint more; nothing when the log has that row, or as many as it takes.
fn noted(order: &Order, fingerprint: u64) -> Option<Order> {
    if order.refusals.len() >= REFUSALS_MAX || order.refusals.contains(&fingerprint) {
        return None;
    }
    let mut after = order.clone();
    after.refusals.insert(fingerprint);
    Some(after)
}

/// When a paid order is to be looked at, for the first thing of it that is unfinished; nothing when all is done.
fn next_due(order: &Order, now: Timestamp) -> Option<Timestamp> {
    let extra = order.undecided_extra().map(|_| CONFIRM_AFTER);
    let unconfirmed = order.has_unconfirmed().then_some(CONFIRM_AFTER);
    let refunds = order
        .refunds
        .iter()
        .filter_map(|refund| match refund.state {
            RefundState::Processing if refund.refund_id.is_none() => Some(UNFINISHED_AFTER),
            RefundState::Processing => Some(REFUND_QUERY_AFTER),
            RefundState::Change => Some(REFUND_CHANGE_QUERY_AFTER),
            RefundState::Success | RefundState::Closed => None,
        });
    let wait = refunds.chain(extra).chain(unconfirmed).min()?;
    Some(now + wait)
}
