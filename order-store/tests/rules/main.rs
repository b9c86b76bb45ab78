//! The rules of the ledger, one by one, on the pure function.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

mod attempts;
mod closing;
mod creation;
mod payments;
mod refunds;
#[path = "../support/mod.rs"]
mod support;

use order_store::{Command, Decision, Facts, Order, Outcome, Refusal, decide};
use support::{T0, attach_prepay, begin_attempt, create, mark_paid, random};

const NO: &str = "20190320-1";

const MS: std::time::Duration = std::time::Duration::from_millis(1);

fn ask(order: Option<&Order>, command: impl Into<Command>) -> Decision {
    decide(order, &Facts::default(), &command.into(), &random(7))
}

fn after(order: Option<&Order>, command: impl Into<Command>) -> Order {
    let decision = ask(order, command);
    assert!(decision.outcome.is_ok_and(Outcome::is_new));
    decision.change.unwrap().order
}

fn made() -> Order {
    after(None, create(NO))
}

fn with_code() -> Order {
    let begun = after(Some(&made()), begin_attempt(NO, T0));
    after(Some(&begun), attach_prepay(NO, NO, T0))
}

fn paid() -> Order {
    after(Some(&with_code()), mark_paid(NO, NO, "t1"))
}

fn refusal(order: &Order, command: impl Into<Command>) -> Refusal {
    ask(Some(order), command).outcome.unwrap_err()
}
