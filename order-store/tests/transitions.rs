//! `docs/transitions.md` is what `decide` does, and nothing else: the table is made here and held against the file.
//!
//! `ORDER_STORE_WRITE_DOCS=1 cargo test -p order-store --test transitions` writes the file anew.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod support;

use std::{env, fmt::Write as _, fs, path::Path};

use order_store::{
    Attention, CODE_URL_LIFE, Command, Confirmation, ExtraPaymentPolicy, Facts, GatewayClose,
    MerchantCertificate, Order, OrderState, OutboxKind, Outcome, RefundGround, RefundState,
    Timestamp, decide,
};
use support::{
    T0, attach_prepay, begin_attempt, begin_close, begin_refund, clear_attention, close_result,
    confirm, contradict, create, defer, mark_paid, random, refund_by_rule, refund_result, secs,
};
use wxpay_core::Fen;

const NO: &str = "20190320-1";
const SECOND: &str = "20190320-1-2";
/// All commands come now: the code of the first attempt is dead, that of the second lives.
const NOW: Timestamp = Timestamp::from_millis(T0.millis() + 7_300_000);

const HEAD: &str = "\
# Transitions

Made from `decide` by `tests/transitions.rs`; do not edit. `ORDER_STORE_WRITE_DOCS=1 cargo test -p order-store --test transitions`
writes it anew.

Each table is one command; each row is what it comes to on an order that is so. *Outcome* is an `Outcome` or, in italics, the
code of a `Refusal`. *Log* is the row that is written with it, *outbox* the messages. A row without a log changes nothing, but for
`defer`, which sets a due time.

Orders have two attempts, `…-1` and `…-1-2`, where they have any; the second has a code that lives. They cost 3 fen.
";

fn step(order: Option<&Order>, command: impl Into<Command>) -> Order {
    let decision = decide(order, &Facts::default(), &command.into(), &random(7));
    assert!(decision.outcome.is_ok_and(Outcome::is_new));
    decision.change.unwrap().order
}

fn fee(fen: u64) -> Fen {
    Fen::new(fen).unwrap()
}

fn made() -> order_store::Create {
    let mut create = create(NO);
    create.total_fee = fee(3);
    create
}

fn paid(attempt: &str, id: &str) -> order_store::MarkPaid {
    let mut paid = mark_paid(NO, attempt, id);
    paid.total_fee = fee(3);
    paid.now = NOW;
    paid
}

fn refund(number: &str, fen: u64) -> order_store::BeginRefund {
    let mut begin = begin_refund(NO, number, "t1", NOW);
    begin.refund_fee = fee(fen);
    begin
}

fn by_rule(certificate: MerchantCertificate) -> order_store::BeginRefund {
    let mut begin = refund_by_rule(NO, "r3", "t2", NOW);
    begin.refund_fee = fee(3);
    begin.ground = RefundGround::ExtraPayment(ExtraPaymentPolicy {
        certificate,
        cap: fee(3),
    });
    begin
}

fn told(state: RefundState) -> order_store::RefundResult {
    let mut result = refund_result(NO, "r1", state, NOW);
    result.refund_fee = fee(2);
    result
}

fn orders() -> Vec<(&'static str, Option<Order>)> {
    let order = step(None, made());
    let begun = step(Some(&order), begin_attempt(NO, T0));
    let coded = step(Some(&begun), attach_prepay(NO, NO, T0));
    let dead = step(Some(&coded), begin_attempt(NO, T0 + CODE_URL_LIFE));
    let unpaid = step(Some(&dead), attach_prepay(NO, SECOND, NOW - secs(60)));
    let closing = step(Some(&coded), begin_close(NO, NOW));
    let closed = step(Some(&closing), close_result(NO, GatewayClose::Closed, NOW));
    let closed_here = step(Some(&unpaid), begin_close(NO, NOW));
    let first = step(Some(&unpaid), paid(NO, "t1"));
    let mut unconfirmed = paid(NO, "t1");
    unconfirmed.confirmation = Confirmation::Unconfirmed;
    let unconfirmed = step(Some(&unpaid), unconfirmed);
    let extra = step(Some(&first), paid(SECOND, "t2"));
    let earlier = NOW - secs(600);
    let mut part_back = refund("r1", 2);
    part_back.now = earlier;
    let refunding = step(Some(&first), part_back);
    let change = step(Some(&refunding), told(RefundState::Change));
    let part = step(Some(&refunding), told(RefundState::Success));
    let failed = step(Some(&refunding), told(RefundState::Closed));
    let mut rest = refund("r2", 1);
    rest.now = NOW - secs(300);
    let mut done = refund_result(NO, "r2", RefundState::Success, NOW);
    done.refund_fee = fee(1);
    let refunded = step(Some(&step(Some(&part), rest)), done);
    vec![
        ("no order", None),
        ("unpaid, made just now", Some(order)),
        ("unpaid, two attempts", Some(unpaid)),
        ("unpaid, being closed", Some(closing)),
        ("closed here", Some(closed_here)),
        ("closed", Some(closed)),
        ("paid by t1", Some(first)),
        ("paid by t1, unconfirmed", Some(unconfirmed)),
        ("paid by t1, and by t2 as well", Some(extra)),
        ("refunding, r1 of 2 fen", Some(refunding)),
        ("refunding, r1 waits for a person", Some(change)),
        ("paid, r1 of 2 fen succeeded", Some(part)),
        ("paid, r1 failed", Some(failed)),
        ("refunded", Some(refunded)),
    ]
}

fn commands() -> Vec<(&'static str, Command)> {
    let mut other = made();
    other.total_fee = fee(9);
    let mut other_fee = paid(NO, "t1");
    other_fee.total_fee = fee(9);
    vec![
        ("create", made().into()),
        ("create, other content", other.into()),
        ("begin_attempt", begin_attempt(NO, NOW).into()),
        ("attach_prepay", attach_prepay(NO, SECOND, NOW).into()),
        ("mark_paid, the first attempt by t1", paid(NO, "t1").into()),
        (
            "mark_paid, the second attempt by t2",
            paid(SECOND, "t2").into(),
        ),
        ("mark_paid, the first attempt by t2", paid(NO, "t2").into()),
        ("mark_paid, another amount", other_fee.into()),
        ("confirm_payment t1", confirm(NO, NO, "t1").into()),
        ("contradict t1", contradict(NO, NO, "t1").into()),
        ("begin_close", begin_close(NO, NOW).into()),
        (
            "close_result, closed",
            close_result(NO, GatewayClose::Closed, NOW).into(),
        ),
        (
            "close_result, unknown there",
            close_result(NO, GatewayClose::NotExisting, NOW).into(),
        ),
        (
            "close_result, paid there",
            close_result(NO, GatewayClose::Paid, NOW).into(),
        ),
        ("begin_refund r1, 2 fen of t1", refund("r1", 2).into()),
        ("begin_refund r1, 1 fen of t1", refund("r1", 1).into()),
        ("begin_refund r2, 1 fen of t1", refund("r2", 1).into()),
        ("begin_refund r2, 2 fen of t1", refund("r2", 2).into()),
        (
            "begin_refund r3 of t2 by rule, certificate at hand",
            by_rule(MerchantCertificate::AtHand).into(),
        ),
        (
            "begin_refund r3 of t2 by rule, certificate missing",
            by_rule(MerchantCertificate::Missing).into(),
        ),
        (
            "refund_result r1, processing",
            told(RefundState::Processing).into(),
        ),
        (
            "refund_result r1, success",
            told(RefundState::Success).into(),
        ),
        ("refund_result r1, closed", told(RefundState::Closed).into()),
        ("refund_result r1, change", told(RefundState::Change).into()),
        (
            "clear_attention, extra_payment",
            clear_attention(NO, Attention::ExtraPayment, NOW).into(),
        ),
        ("defer", defer(NO, NOW + secs(3_600)).into()),
    ]
}

fn table() -> String {
    let orders = orders();
    let mut text = HEAD.to_owned();
    for (name, command) in commands() {
        write!(
            text,
            "\n## {name}\n| order | outcome | state after | log | outbox |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for (so, order) in &orders {
            let decision = decide(order.as_ref(), &Facts::default(), &command, &random(7));
            let outcome = match &decision.outcome {
                Ok(outcome) => outcome.code().to_owned(),
                Err(refusal) => format!("*{}*", refusal.code()),
            };
            let change = decision.change.as_ref();
            let after = change.map(|change| &change.order).or(order.as_ref());
            let state = after.map_or("", |order| order.state().as_str());
            let log = change.and_then(|change| change.log.as_ref());
            let log = log.map_or("", |entry| entry.what.name());
            let outbox: Vec<&str> = change
                .map(|change| change.outbox.iter().map(|row| row.kind.as_str()).collect())
                .unwrap_or_default();
            let outbox = outbox.join(", ");
            writeln!(text, "| {so} | {outcome} | {state} | {log} | {outbox} |").unwrap();
        }
    }
    text
}

#[test]
fn the_table_in_the_docs_is_what_decide_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/transitions.md");
    let table = table();
    if env::var_os("ORDER_STORE_WRITE_DOCS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written == table,
        "docs/transitions.md is old: run with ORDER_STORE_WRITE_DOCS=1"
    );
    // Every command and every state is in it, or the table says less than it seems to.
    for name in Command::NAMES {
        assert!(table.contains(&format!("\n## {name}")), "{name}");
    }
    for state in OrderState::ALL {
        assert!(table.contains(&format!("| {state} |")), "{state}");
    }
    for kind in [OutboxKind::PayNotify, OutboxKind::OrderPay] {
        assert!(table.contains(kind.as_str()));
    }
}
