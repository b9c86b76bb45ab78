//! The transitions, checked to exhaustion: every sequence of commands up to a depth, over a ledger that is a plain map.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod invariants;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, HashSet, VecDeque};

use order_store::{
    Attention, Command, Confirmation, Decision, ExtraPaymentPolicy, Facts, GatewayClose, LogEntry,
    Lookups, MerchantCertificate, Order, OrderKey, OrderState, Outcome, RefundGround, RefundState,
    Refusal, Timestamp, decide,
};
use support::{
    T0, attach_prepay, begin_attempt, begin_close, begin_refund, clear_attention, close_result,
    confirm, contradict, create, defer, key, mark_paid, random, refund_by_rule, refund_result,
    secs,
};
use wxpay_core::{Fen, OutRefundNo, OutTradeNo, TransactionId};

use crate::invariants::check;

/// The longest sequence; each step is one command or a jump in time. `ORDER_STORE_MODEL_DEPTH` sets another.
const DEPTH: usize = 4;
/// What the order costs: three fen, so that a part of it can be given back.
const FEE: u64 = 3;
const NO: &str = "20190320-1";
const SECOND: &str = "20190320-1-2";

/// A ledger with one order under test, and what others own.
#[derive(Clone)]
struct World {
    now: Timestamp,
    order: Option<Order>,
    numbers: BTreeMap<OutTradeNo, OrderKey>,
    transactions: BTreeMap<TransactionId, OrderKey>,
    refunds: BTreeMap<OutRefundNo, OrderKey>,
    log: Vec<LogEntry>,
    paid_rows: usize,
    outbox_rows: usize,
}

impl World {
    fn new() -> Self {
        let other = key("another");
        Self {
            now: T0,
            order: None,
            numbers: [(other.out_trade_no.clone(), other.clone())].into(),
            transactions: [("taken".parse().unwrap(), other.clone())].into(),
            refunds: [("taken".parse().unwrap(), other)].into(),
            log: Vec::new(),
            paid_rows: 0,
            outbox_rows: 0,
        }
    }

    /// One attempt's code has died, and another was begun.
    fn with_two_attempts() -> Self {
        let mut world = Self::new();
        world.run(made());
        world.run(begin_attempt(NO, T0));
        world.run(attach_prepay(NO, NO, T0));
        world.now = T0 + secs(7201);
        world.run(begin_attempt(NO, world.now));
        world
    }

    /// Paid, and nothing else.
    fn with_a_payment() -> Self {
        let mut world = Self::new();
        world.run(made());
        world.run(paid(NO, "t1"));
        world
    }

    /// Both of two attempts were paid.
    fn with_two_payments() -> Self {
        let mut world = Self::with_two_attempts();
        world.run(paid(NO, "t1"));
        world.run(paid(SECOND, "t2"));
        world
    }

    fn run(&mut self, command: impl Into<Command>) {
        let command = at(&command.into(), self.now);
        let decision = self.decide(&command);
        assert!(
            decision.outcome.clone().is_ok_and(Outcome::is_new),
            "{command:?}"
        );
        self.apply(&decision);
    }

    fn decide(&self, command: &Command) -> Decision {
        let lookups = Lookups::of(self.order.as_ref(), command);
        let facts = Facts {
            number_owners: lookups
                .numbers
                .into_iter()
                .filter_map(|number| {
                    let owner = self.numbers.get(&number)?.clone();
                    Some((number, owner))
                })
                .collect(),
            transaction_owner: lookups
                .transaction
                .and_then(|id| self.transactions.get(&id).cloned()),
            refund_owner: lookups
                .refund
                .and_then(|number| self.refunds.get(&number).cloned()),
        };
        decide(self.order.as_ref(), &facts, command, &random(7))
    }

    fn apply(&mut self, decision: &Decision) {
        let Some(change) = &decision.change else {
            return;
        };
        let key = change.order.key.clone();
        if let Some(number) = &change.number {
            let before = self.numbers.insert(number.clone(), key.clone());
            assert_eq!(before, None, "a number is owned once");
        }
        if let Some(id) = &change.transaction {
            let before = self.transactions.insert(id.clone(), key.clone());
            assert_eq!(before, None, "a transaction is owned once");
        }
        if let Some(number) = &change.refund {
            let before = self.refunds.insert(number.clone(), key);
            assert_eq!(before, None, "a refund's number is owned once");
        }
        if let Some(log) = &change.log {
            let becomes_paid =
                log.to.has_payment() && !log.from.is_some_and(OrderState::has_payment);
            self.paid_rows += usize::from(becomes_paid);
            self.log.push(log.clone());
        }
        self.outbox_rows += change.outbox.len();
        self.order = Some(change.order.clone());
    }
}

enum Step {
    Do(Box<Command>),
    Wait(u64),
}

fn made() -> order_store::Create {
    let mut create = create(NO);
    create.total_fee = Fen::new(FEE).unwrap();
    create
}

fn paid(attempt: &str, id: &str) -> order_store::MarkPaid {
    let mut paid = mark_paid(NO, attempt, id);
    paid.total_fee = Fen::new(FEE).unwrap();
    paid
}

fn refund_commands() -> Vec<Command> {
    let part = |number, fee| {
        let mut begin = begin_refund(NO, number, "t1", T0);
        begin.refund_fee = Fen::new(fee).unwrap();
        begin
    };
    let by_rule = |certificate| {
        let mut begin = refund_by_rule(NO, "r3", "t2", T0);
        begin.refund_fee = Fen::new(FEE).unwrap();
        begin.ground = RefundGround::ExtraPayment(ExtraPaymentPolicy {
            certificate,
            cap: Fen::new(FEE).unwrap(),
        });
        begin
    };
    let told = |number, fee, state| {
        let mut result = refund_result(NO, number, state, T0);
        result.refund_fee = Fen::new(fee).unwrap();
        result
    };
    let mut unheard = told("r1", 2, RefundState::Closed);
    unheard.refund_id = None;
    let mut other_id = told("r1", 2, RefundState::Processing);
    other_id.refund_id = Some("another".parse().unwrap());
    vec![
        part("r1", 2).into(),
        part("r1", 1).into(),
        part("r2", 1).into(),
        part("r2", 2).into(),
        part("taken", 1).into(),
        begin_refund(NO, "r4", "t9", T0).into(),
        by_rule(MerchantCertificate::AtHand).into(),
        by_rule(MerchantCertificate::Missing).into(),
        told("r1", 2, RefundState::Processing).into(),
        told("r1", 2, RefundState::Success).into(),
        told("r1", 2, RefundState::Closed).into(),
        told("r1", 2, RefundState::Change).into(),
        told("r1", 1, RefundState::Success).into(),
        told("r2", 1, RefundState::Success).into(),
        told("r3", FEE, RefundState::Success).into(),
        told("r9", 1, RefundState::Success).into(),
        unheard.into(),
        other_id.into(),
        clear_attention(NO, Attention::ExtraPayment, T0).into(),
        clear_attention(NO, Attention::RefundMismatch, T0).into(),
    ]
}

fn steps() -> Vec<Step> {
    let mut other_fee = paid(NO, "t1");
    other_fee.total_fee = Fen::new(2).unwrap();
    let mut other_currency = paid(NO, "t1");
    other_currency.fee_type = "USD".parse().unwrap();
    let mut unconfirmed = paid(NO, "t1");
    unconfirmed.confirmation = Confirmation::Unconfirmed;
    let mut other_body = made();
    other_body.body = "coffee".parse().unwrap();
    let commands: Vec<Command> = vec![
        made().into(),
        other_body.into(),
        begin_attempt(NO, T0).into(),
        attach_prepay(NO, NO, T0).into(),
        attach_prepay(NO, SECOND, T0).into(),
        paid(NO, "t1").into(),
        paid(NO, "t2").into(),
        paid(SECOND, "t2").into(),
        paid(SECOND, "t1").into(),
        paid(NO, "taken").into(),
        paid("another", "t1").into(),
        other_fee.into(),
        other_currency.into(),
        unconfirmed.into(),
        confirm(NO, NO, "t1").into(),
        confirm(NO, SECOND, "t2").into(),
        contradict(NO, NO, "t1").into(),
        begin_close(NO, T0).into(),
        close_result(NO, GatewayClose::Closed, T0).into(),
        close_result(NO, GatewayClose::NotExisting, T0).into(),
        close_result(NO, GatewayClose::Paid, T0).into(),
        defer(NO, T0 + secs(3600)).into(),
    ];
    commands
        .into_iter()
        .chain(refund_commands())
        .map(|command| Step::Do(Box::new(command)))
        .chain([Step::Wait(61), Step::Wait(301), Step::Wait(7201)])
        .collect()
}

/// The command as it would come now.
fn at(command: &Command, now: Timestamp) -> Command {
    let mut command = command.clone();
    match &mut command {
        Command::Create(c) => c.now = now,
        Command::BeginAttempt(c) => c.now = now,
        Command::AttachPrepay(c) => c.now = now,
        Command::MarkPaid(c) => c.now = now,
        Command::ConfirmPayment(c) => c.now = now,
        Command::Contradict(c) => c.now = now,
        Command::BeginClose(c) => c.now = now,
        Command::CloseResult(c) => c.now = now,
        Command::BeginRefund(c) => c.now = now,
        Command::RefundResult(c) => c.now = now,
        Command::ClearAttention(c) => c.now = now,
        Command::Defer(c) => c.now = now,
    }
    command
}

#[test]
fn every_sequence_keeps_the_invariants() {
    let steps = steps();
    let mut seen = HashSet::new();
    let depth_max = std::env::var("ORDER_STORE_MODEL_DEPTH")
        .map_or(DEPTH, |depth| depth.parse().expect("a depth is a number"));
    let mut queue = VecDeque::from(
        [
            World::new(),
            World::with_two_attempts(),
            World::with_a_payment(),
            World::with_two_payments(),
        ]
        .map(|world| (0, world)),
    );
    let mut decided = 0_u32;
    let (mut outcomes, mut refusals) = (HashSet::new(), HashSet::new());
    while let Some((depth, world)) = queue.pop_front() {
        for step in &steps {
            let mut next = world.clone();
            match step {
                Step::Wait(seconds) => next.now = world.now + secs(*seconds),
                Step::Do(command) => {
                    let command = at(command, world.now);
                    let decision = world.decide(&command);
                    next.apply(&decision);
                    check(&world, &command, &decision, &next);
                    decided += 1;
                    match &decision.outcome {
                        Ok(outcome) => outcomes.insert((command.name(), *outcome)),
                        Err(refusal) => refusals.insert((command.name(), refusal.code())),
                    };
                }
            }
            if depth + 1 == depth_max || (next.now == world.now && next.order == world.order) {
                continue;
            }
            // Two ways to the same ledger at the same time go on alike.
            let print = (next.now, serde_json::to_string(&next.order).unwrap());
            if seen.insert(print) {
                queue.push_back((depth + 1, next));
            }
        }
    }
    println!("{} ledgers, {decided} decisions", seen.len());
    for expected in [
        Outcome::Applied,
        Outcome::PaidAfterClose,
        Outcome::AppliedExtra,
        Outcome::AlreadyApplied,
    ] {
        assert!(outcomes.contains(&("mark_paid", expected)), "{expected:?}");
    }
    for expected in [
        "no_such_attempt",
        "amount_mismatch",
        "currency_mismatch",
        "other_transaction",
        "transaction_of_other_attempt",
        "transaction_of_other_order",
        "unknown_order",
    ] {
        assert!(refusals.contains(&("mark_paid", expected)), "{expected}");
    }
    for expected in [
        ("create", "other_content"),
        ("begin_attempt", "closed"),
        ("begin_attempt", "closing"),
        ("begin_attempt", "already_paid"),
        ("attach_prepay", "no_such_attempt"),
        ("confirm_payment", "no_such_payment"),
        ("begin_close", "already_paid"),
        ("close_result", "not_closing"),
        ("close_result", "already_paid"),
        ("begin_refund", "not_paid"),
        ("begin_refund", "other_refund"),
        ("begin_refund", "refund_number_taken"),
        ("begin_refund", "no_such_payment"),
        ("begin_refund", "refund_exceeds"),
        ("begin_refund", "refund_too_soon"),
        ("begin_refund", "beyond_rule"),
        ("refund_result", "no_such_refund"),
        ("refund_result", "refund_amount_mismatch"),
        ("refund_result", "other_refund_id"),
        ("refund_result", "other_refund_state"),
    ] {
        assert!(refusals.contains(&expected), "{expected:?}");
    }
}

#[test]
fn a_stranger_gets_nothing_from_an_unknown_order() {
    let world = World::new();
    let decision = world.decide(&mark_paid(NO, NO, "t1").into());
    assert_eq!(decision.outcome, Err(Refusal::UnknownOrder));
    assert_eq!(decision.change, None);
}
