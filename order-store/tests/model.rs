//! The transitions, checked to exhaustion: every sequence of commands up to a depth, over a ledger that is a plain map.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::collections::{BTreeMap, HashSet, VecDeque};

use order_store::{
    Command, Confirmation, Decision, Facts, GatewayClose, Lookups, Order, OrderKey, OrderState,
    Outcome, Refusal, Timestamp, What, decide,
};
use support::{
    T0, attach_prepay, begin_attempt, begin_close, close_result, confirm, contradict, create,
    defer, key, mark_paid, random, secs,
};
use wxpay_core::{Fen, OutTradeNo, TransactionId};

/// The longest sequence; each step is one command or a jump in time. `ORDER_STORE_MODEL_DEPTH` sets another.
const DEPTH: usize = 5;
const NO: &str = "20190320-1";
const SECOND: &str = "20190320-1-2";

/// A ledger with one order under test, and what others own.
#[derive(Clone)]
struct World {
    now: Timestamp,
    order: Option<Order>,
    numbers: BTreeMap<OutTradeNo, OrderKey>,
    transactions: BTreeMap<TransactionId, OrderKey>,
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
            transactions: [("taken".parse().unwrap(), other)].into(),
            paid_rows: 0,
            outbox_rows: 0,
        }
    }

    /// One attempt's code has died, and another was begun.
    fn with_two_attempts() -> Self {
        let mut world = Self::new();
        world.run(create(NO));
        world.run(begin_attempt(NO, T0));
        world.run(attach_prepay(NO, NO, T0));
        world.now = T0 + secs(7201);
        world.run(begin_attempt(NO, world.now));
        world
    }

    fn run(&mut self, command: impl Into<Command>) {
        let command = command.into();
        let decision = self.decide(&command);
        assert_eq!(decision.outcome, Ok(Outcome::Applied), "{command:?}");
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
            let before = self.transactions.insert(id.clone(), key);
            assert_eq!(before, None, "a transaction is owned once");
        }
        if let Some(log) = &change.log {
            self.paid_rows += usize::from(log.to == OrderState::Paid && log.from != Some(log.to));
        }
        self.outbox_rows += change.outbox.len();
        self.order = Some(change.order.clone());
    }
}

enum Step {
    Do(Box<Command>),
    Wait(u64),
}

fn steps() -> Vec<Step> {
    let paid = |attempt, id| mark_paid(NO, attempt, id);
    let mut other_fee = paid(NO, "t1");
    other_fee.total_fee = Fen::new(2).unwrap();
    let mut other_currency = paid(NO, "t1");
    other_currency.fee_type = "USD".parse().unwrap();
    let mut unconfirmed = paid(NO, "t1");
    unconfirmed.confirmation = Confirmation::Unconfirmed;
    let mut other_body = create(NO);
    other_body.body = "coffee".parse().unwrap();
    let commands: Vec<Command> = vec![
        create(NO).into(),
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
        .map(|command| Step::Do(Box::new(command)))
        .chain([Step::Wait(301), Step::Wait(7201)])
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
        Command::Defer(c) => c.now = now,
    }
    command
}

fn state(order: Option<&Order>) -> Option<OrderState> {
    order.map(Order::state)
}

/// What must hold of every single step.
fn check(before: &World, command: &Command, decision: &Decision, after: &World) {
    let (from, to) = (state(before.order.as_ref()), state(after.order.as_ref()));
    let context = || format!("{command:?}\nfrom {from:?} to {to:?}: {decision:?}");
    if from.is_some_and(OrderState::has_payment) {
        assert!(to.unwrap().has_payment(), "paid stays paid: {}", context());
    }
    match &decision.outcome {
        Ok(Outcome::AlreadyApplied) => {
            assert_eq!(decision.change, None, "{}", context());
        }
        Ok(_) => {
            let change = decision.change.as_ref().unwrap();
            if matches!(command, Command::Defer(_)) {
                assert_eq!(change.log, None);
            } else {
                let log = change.log.as_ref().unwrap();
                assert_eq!((log.from, Some(log.to)), (from, to), "{}", context());
                assert_eq!((log.at, log.by), (command.now(), command.by()));
            }
            let became_paid = !from.is_some_and(OrderState::has_payment)
                && to.is_some_and(OrderState::has_payment);
            assert_eq!(
                change.outbox.len(),
                if became_paid { 2 } else { 0 },
                "{}",
                context()
            );
        }
        Err(refusal) => {
            assert_eq!(from, to, "{}", context());
            if let Some(change) = &decision.change {
                let log = change.log.as_ref().unwrap();
                assert!(
                    matches!(&log.what, What::Refused { refusal: told, .. } if told == refusal)
                );
                assert_eq!((log.from, Some(log.to)), (from, to));
                assert!(change.outbox.is_empty());
            }
        }
    }

    // The same again changes nothing, whatever it came to.
    let again = after.decide(command);
    assert_eq!(again.change, None, "{}", context());
    match &decision.outcome {
        Ok(_) => assert_eq!(again.outcome, Ok(Outcome::AlreadyApplied), "{}", context()),
        Err(refusal) => assert_eq!(again.outcome, Err(refusal.clone()), "{}", context()),
    }

    if let Some(order) = &after.order {
        let mut seen = HashSet::new();
        for payment in &order.payments {
            assert!(
                seen.insert(payment.attempt.clone()),
                "one payment an attempt"
            );
            assert!(seen.insert(payment.transaction_id.as_str().parse().unwrap()));
            assert!(order.owns(&payment.attempt));
            assert_eq!(after.transactions[&payment.transaction_id], order.key);
        }
        for attempt in &order.attempts {
            assert_eq!(after.numbers[&attempt.number], order.key);
        }
        let paid = usize::from(order.state().has_payment());
        assert_eq!(after.paid_rows, paid, "one row to paid: {}", context());
        assert_eq!(after.outbox_rows, 2 * paid, "{}", context());
        assert_eq!(
            order.is_open(),
            order.due.is_some(),
            "work left has a due time, and only that: {}",
            context()
        );
    }
}

#[test]
fn every_sequence_keeps_the_invariants() {
    let steps = steps();
    let mut seen = HashSet::new();
    let depth_max = std::env::var("ORDER_STORE_MODEL_DEPTH")
        .map_or(DEPTH, |depth| depth.parse().expect("a depth is a number"));
    let mut queue = VecDeque::from([(0, World::new()), (0, World::with_two_attempts())]);
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
