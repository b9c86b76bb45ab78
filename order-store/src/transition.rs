//! Every transition of the ledger, as one pure function.
//!
//! [`decide`] sees an order, what the backend looked up, a command and random bytes, and says what becomes of the order.
//! It has no clock and does no I/O: the time is in the command. Backends make its [`Change`] atomic and durable and decide
//! nothing themselves, so that they cannot differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use wxpay_core::{NotifyUrl, OutTradeNo, TransactionId};

use crate::{
    AttachPrepay, Attempt, Attention, BeginAttempt, BeginClose, By, CloseResult, Closing, Command,
    ConfirmPayment, Confirmation, Contradict, Create, Defer, GatewayClose, LogEntry, MarkPaid,
    NotifySecret, Order, OrderKey, OrderState, OutboxFacts, OutboxId, OutboxKind, OutboxRow,
    Outcome, PageTicket, Payment, Prepay, Refusal, Role, Terms, Timestamp, What, cut, hash::fnv1a,
    order::CODE_URL_LIFE,
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
                .extend(next_numbers(order).map(|(_, number)| number)),
            (Command::MarkPaid(paid), Some(_)) => {
                lookups.transaction = Some(paid.transaction_id.clone());
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
        (Command::Create(create), None) => return make(create, facts, random),
        (_, None) => return refused(Refusal::UnknownOrder),
        (_, Some(order)) => order,
    };
    match command {
        Command::Create(create) => match other_content(order, create) {
            None => already(),
            Some(field) => refused(Refusal::OtherContent {
                field: field.to_owned(),
            }),
        },
        Command::BeginAttempt(begin) => begin_attempt(order, facts, begin),
        Command::AttachPrepay(attach) => attach_prepay(order, attach),
        Command::MarkPaid(paid) => mark_paid(order, facts, paid),
        Command::ConfirmPayment(confirm) => confirm_payment(order, confirm),
        Command::Contradict(contradict) => self::contradict(order, contradict),
        Command::BeginClose(begin) => begin_close(order, begin),
        Command::CloseResult(result) => close_result(order, result),
        Command::Defer(defer) => self::defer(order, defer),
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
    }
}

fn applied(change: Change) -> Decision {
    Decision {
        outcome: Ok(Outcome::Applied),
        change: Some(change),
    }
}

fn make(create: &Create, facts: &Facts, random: &Random) -> Decision {
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
    })
}

fn other_content(order: &Order, create: &Create) -> Option<&'static str> {
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

/// The numbers that the order's next attempt may get, in the order in which they are tried.
fn next_numbers(order: &Order) -> impl Iterator<Item = (u32, OutTradeNo)> {
    let first = order.attempts.last().map_or(1, |attempt| attempt.n + 1);
    (first..first.saturating_add(NUMBER_TRIES))
        .filter_map(|n| Some((n, order.key.out_trade_no.for_attempt(n)?)))
}

/// Why nothing new may be begun at the gateway.
fn not_payable(order: &Order) -> Option<Refusal> {
    match order.state() {
        OrderState::Unpaid if order.closing.is_some() => Some(Refusal::Closing),
        OrderState::Unpaid => None,
        OrderState::Closed => Some(Refusal::Closed),
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {
            Some(Refusal::AlreadyPaid)
        }
    }
}

fn begin_attempt(order: &Order, facts: &Facts, begin: &BeginAttempt) -> Decision {
    if let Some(refusal) = not_payable(order) {
        return refused(refusal);
    }
    // Without an answer it may or may not be known at the gateway: it is asked for again, under the same number.
    let goes_on = |attempt: &Attempt| {
        attempt
            .prepay
            .as_ref()
            .is_none_or(|prepay| begin.now.since(prepay.at) < CODE_URL_LIFE)
    };
    if order.current_attempt().is_some_and(goes_on) {
        return already();
    }
    if order.attempts.len() >= ATTEMPTS_MAX as usize {
        return refused(Refusal::TooManyAttempts { most: ATTEMPTS_MAX });
    }
    let free = |number: &OutTradeNo| {
        facts
            .number_owners
            .get(number)
            .is_none_or(|owner| *owner == order.key)
    };
    let Some((n, number)) = next_numbers(order).find(|(_, number)| free(number)) else {
        return refused(Refusal::NumberTaken {
            number: order.key.out_trade_no.clone(),
        });
    };
    let (time_start, time_expire) = if order.attempts.is_empty() {
        (order.terms.time_start, order.terms.time_expire)
    } else {
        let life = order.expires_after.unwrap_or(EXPIRY_DEFAULT);
        (begin.now.beijing(), (begin.now + life).beijing())
    };
    let mut after = order.clone();
    after.attempts.push(Attempt {
        number: number.clone(),
        n,
        time_start,
        time_expire,
        begun_at: begin.now,
        prepay: None,
    });
    after.due = Some(begin.now + UNFINISHED_AFTER);
    let what = What::AttemptBegun {
        attempt: number.clone(),
    };
    applied(Change {
        // The first number was taken when the order was made.
        number: (!order.owns(&number)).then_some(number),
        ..change(order, after, begin.by, begin.now, what)
    })
}

fn attach_prepay(order: &Order, attach: &AttachPrepay) -> Decision {
    let mut after = order.clone();
    let Some(attempt) = after
        .attempts
        .iter_mut()
        .find(|attempt| attempt.number == attach.attempt)
    else {
        return refused(Refusal::NoSuchAttempt {
            number: attach.attempt.clone(),
        });
    };
    if let Some(known) = &attempt.prepay {
        return if known.prepay_id == attach.prepay_id && known.code_url == attach.code_url {
            already()
        } else {
            refused(Refusal::OtherPrepay)
        };
    }
    attempt.prepay = Some(Prepay {
        prepay_id: attach.prepay_id.clone(),
        code_url: attach.code_url.clone(),
        at: attach.now,
    });
    match order.state() {
        OrderState::Unpaid => after.due = Some(attach.now + QUERY_AFTER),
        // The answer came after the close: the gateway has a number now that can be paid.
        OrderState::Closed => {
            if let Some(closing) = &mut after.closing {
                closing.gateway = None;
            }
            after.due = Some(attach.now + CLOSE_AT_GATEWAY_AFTER);
        }
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {}
    }
    let what = What::PrepayAttached {
        attempt: attach.attempt.clone(),
    };
    applied(change(order, after, attach.by, attach.now, what))
}

fn mark_paid(order: &Order, facts: &Facts, paid: &MarkPaid) -> Decision {
    let known = order
        .payments
        .iter()
        .find(|payment| payment.attempt == paid.attempt);
    let refusal = match known {
        _ if !order.owns(&paid.attempt) => Some(Refusal::NoSuchAttempt {
            number: paid.attempt.clone(),
        }),
        _ if paid.total_fee != order.terms.total_fee => Some(Refusal::AmountMismatch {
            expected: order.terms.total_fee,
            got: paid.total_fee,
        }),
        _ if paid.fee_type != order.terms.fee_type => Some(Refusal::CurrencyMismatch {
            expected: order.terms.fee_type.clone(),
            got: paid.fee_type.clone(),
        }),
        Some(known) if known.transaction_id == paid.transaction_id => return already(),
        Some(known) => Some(Refusal::OtherTransaction {
            known: known.transaction_id.clone(),
        }),
        None => transaction_taken(order, facts, paid),
    };
    if let Some(refusal) = refusal {
        let command = Verified {
            name: "mark_paid",
            attempt: &paid.attempt,
            transaction_id: &paid.transaction_id,
            by: paid.by,
            now: paid.now,
        };
        return refused_and_logged(order, &command, refusal);
    }
    take_payment(order, paid)
}

fn transaction_taken(order: &Order, facts: &Facts, paid: &MarkPaid) -> Option<Refusal> {
    let same = order
        .payments
        .iter()
        .find(|payment| payment.transaction_id == paid.transaction_id);
    if let Some(payment) = same {
        return Some(Refusal::TransactionOfOtherAttempt {
            attempt: payment.attempt.clone(),
        });
    }
    let owner = facts.transaction_owner.as_ref()?;
    (*owner != order.key).then(|| Refusal::TransactionOfOtherOrder {
        owner: owner.clone(),
    })
}

fn take_payment(order: &Order, paid: &MarkPaid) -> Decision {
    let before = order.state();
    let mut after = order.clone();
    let role = if before.has_payment() {
        Role::Extra
    } else {
        Role::First
    };
    after.payments.push(Payment {
        attempt: paid.attempt.clone(),
        transaction_id: paid.transaction_id.clone(),
        total_fee: paid.total_fee,
        time_end: paid.time_end,
        confirmed: paid.confirmation,
        role,
        noted_at: paid.now,
        by: paid.by,
    });
    let (attempt, transaction_id, total_fee) = (
        paid.attempt.clone(),
        paid.transaction_id.clone(),
        paid.total_fee,
    );
    let (outcome, what) = match role {
        Role::First => {
            let outcome = if before == OrderState::Closed {
                after.attention.insert(Attention::PaidAfterClose);
                Outcome::PaidAfterClose
            } else {
                // A close that was only begun came to nothing.
                after.closing = None;
                Outcome::Applied
            };
            let what = What::Paid {
                attempt,
                transaction_id,
                total_fee,
            };
            (outcome, what)
        }
        Role::Extra => {
            after.attention.insert(Attention::ExtraPayment);
            let what = What::ExtraPayment {
                attempt,
                transaction_id,
                total_fee,
            };
            (Outcome::AppliedExtra, what)
        }
    };
    after.due = due_of_payments(&after, paid.now);
    let outbox = match role {
        Role::First => [OutboxKind::PayNotify, OutboxKind::OrderPay]
            .map(|kind| paid_row(&after, paid, kind))
            .to_vec(),
        Role::Extra => Vec::new(),
    };
    Decision {
        outcome: Ok(outcome),
        change: Some(Change {
            outbox,
            transaction: Some(paid.transaction_id.clone()),
            ..change(order, after, paid.by, paid.now, what)
        }),
    }
}

fn paid_row(order: &Order, paid: &MarkPaid, kind: OutboxKind) -> OutboxRow {
    OutboxRow {
        id: OutboxId::paid(&order.key, kind),
        key: order.key.clone(),
        kind,
        facts: OutboxFacts {
            transaction_id: paid.transaction_id.clone(),
            page_ticket: order.page_ticket.clone(),
        },
        created_at: paid.now,
        attempts: 0,
        last_error: None,
    }
}

/// When a paid order is to be looked at: soon, while a payment wants confirming.
fn due_of_payments(order: &Order, now: Timestamp) -> Option<Timestamp> {
    order.is_open().then(|| now + CONFIRM_AFTER)
}

fn confirm_payment(order: &Order, confirm: &ConfirmPayment) -> Decision {
    let mut after = order.clone();
    let payment = after.payments.iter_mut().find(|payment| {
        payment.attempt == confirm.attempt && payment.transaction_id == confirm.transaction_id
    });
    let Some(payment) = payment else {
        let command = Verified {
            name: "confirm_payment",
            attempt: &confirm.attempt,
            transaction_id: &confirm.transaction_id,
            by: confirm.by,
            now: confirm.now,
        };
        return refused_and_logged(order, &command, Refusal::NoSuchPayment);
    };
    if payment.confirmed == Confirmation::Confirmed {
        return already();
    }
    payment.confirmed = Confirmation::Confirmed;
    after.due = due_of_payments(&after, confirm.now);
    let what = What::PaymentConfirmed {
        attempt: confirm.attempt.clone(),
        transaction_id: confirm.transaction_id.clone(),
    };
    applied(change(order, after, confirm.by, confirm.now, what))
}

fn contradict(order: &Order, contradict: &Contradict) -> Decision {
    let reason = cut(&contradict.reason, REASON_MAX_BYTES);
    let fingerprint = fnv1a([
        b"contradict".as_slice(),
        contradict.attempt.as_str().as_bytes(),
        contradict.transaction_id.as_str().as_bytes(),
        reason.as_bytes(),
    ]);
    let Some(mut after) = noted(order, fingerprint) else {
        return already();
    };
    after.attention.insert(Attention::Contradicted);
    if after.is_open() {
        after.due = Some(contradict.now + QUERY_AFTER);
    }
    let what = What::Contradicted {
        attempt: contradict.attempt.clone(),
        transaction_id: contradict.transaction_id.clone(),
        reason: reason.to_owned(),
    };
    applied(change(order, after, contradict.by, contradict.now, what))
}

/// Of a command whose facts were verified: what a refusal's row tells.
struct Verified<'a> {
    name: &'static str,
    attempt: &'a OutTradeNo,
    transaction_id: &'a TransactionId,
    by: By,
    now: Timestamp,
}

/// Refuses, and leaves a row in the log the first time.
fn refused_and_logged(order: &Order, command: &Verified<'_>, refusal: Refusal) -> Decision {
    // The text of a refusal names all its facts.
    let fingerprint = fnv1a([
        command.name.as_bytes(),
        command.attempt.as_str().as_bytes(),
        command.transaction_id.as_str().as_bytes(),
        refusal.code().as_bytes(),
        refusal.to_string().as_bytes(),
    ]);
    let change = noted(order, fingerprint).map(|mut after| {
        match refusal {
            Refusal::AmountMismatch { .. } | Refusal::CurrencyMismatch { .. } => {
                after.attention.insert(Attention::AmountMismatch);
            }
            Refusal::OtherTransaction { .. }
            | Refusal::TransactionOfOtherAttempt { .. }
            | Refusal::TransactionOfOtherOrder { .. } => {
                after.attention.insert(Attention::TransactionMismatch);
            }
            _ => {}
        }
        let what = What::Refused {
            command: command.name.to_owned(),
            attempt: command.attempt.clone(),
            transaction_id: command.transaction_id.clone(),
            refusal: refusal.clone(),
        };
        change(order, after, command.by, command.now, what)
    });
    Decision {
        outcome: Err(refusal),
        change,
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

fn begin_close(order: &Order, begin: &BeginClose) -> Decision {
    match order.state() {
        OrderState::Closed => return already(),
        OrderState::Unpaid if order.closing.is_some() => return already(),
        OrderState::Unpaid => {}
        OrderState::Paid | OrderState::Refunding | OrderState::Refunded => {
            return refused(Refusal::AlreadyPaid);
        }
    }
    let mut after = order.clone();
    let mut closing = Closing {
        begun_at: begin.now,
        closed_at: None,
        gateway: None,
    };
    let youngest = order
        .current_attempt()
        .map(|attempt| attempt.begun_at.max(order.created_at));
    let what = match youngest {
        // An attempt is stored before the gateway hears of it, so the gateway knows nothing.
        None => {
            closing.closed_at = Some(begin.now);
            closing.gateway = Some(GatewayClose::NotExisting);
            after.due = None;
            What::ClosedHere
        }
        Some(since) if begin.now.since(since) < CLOSE_AT_GATEWAY_AFTER => {
            closing.closed_at = Some(begin.now);
            after.due = Some(since + CLOSE_AT_GATEWAY_AFTER);
            What::ClosedHere
        }
        Some(_) => {
            after.due = Some(begin.now + UNFINISHED_AFTER);
            What::CloseBegun
        }
    };
    after.closing = Some(closing);
    applied(change(order, after, begin.by, begin.now, what))
}

fn close_result(order: &Order, result: &CloseResult) -> Decision {
    if order.state().has_payment() {
        return refused(Refusal::AlreadyPaid);
    }
    let mut after = order.clone();
    let Some(closing) = &mut after.closing else {
        return refused(Refusal::NotClosing);
    };
    let settled = |answer: &GatewayClose| *answer != GatewayClose::Paid;
    match &closing.gateway {
        Some(known) if *known == result.result => return already(),
        // Closed, and unknown since: the same for whoever wants to pay.
        Some(known) if settled(known) && settled(&result.result) => return already(),
        _ => {}
    }
    closing.gateway = Some(result.result);
    let what = match result.result {
        GatewayClose::Paid => {
            after.due = Some(result.now);
            What::PaidAtGateway
        }
        GatewayClose::Closed | GatewayClose::NotExisting => {
            closing.closed_at.get_or_insert(result.now);
            after.due = None;
            if result.result == GatewayClose::Closed {
                What::ClosedAtGateway
            } else {
                What::UnknownAtGateway
            }
        }
    };
    applied(change(order, after, result.by, result.now, what))
}

fn defer(order: &Order, defer: &Defer) -> Decision {
    if !order.is_open() || order.due == Some(defer.due) {
        return already();
    }
    applied(Change {
        order: Order {
            due: Some(defer.due),
            ..order.clone()
        },
        log: None,
        outbox: Vec::new(),
        number: None,
        transaction: None,
    })
}
