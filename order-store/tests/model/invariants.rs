//! What must hold of every single step, and of where it leads.

use order_store::{Command, Decision, Order, OrderState, Outcome, RefundState, What, replay};
use std::collections::HashSet;

use crate::World;
use crate::support::secs;

fn state(order: Option<&Order>) -> Option<OrderState> {
    order.map(Order::state)
}

/// What must hold of every single step.
pub(crate) fn check(before: &World, command: &Command, decision: &Decision, after: &World) {
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
                assert!(matches!(&log.what, What::Refused { refusal: told, .. }
                        | What::RefundRefused { refusal: told, .. } if told == refusal));
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
        let replayed = replay(&after.log).unwrap_or_else(|error| panic!("{error}: {}", context()));
        assert_eq!(replayed.differs(order), None, "{}", context());
        check_refunds(after, order);
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

fn check_refunds(after: &World, order: &Order) {
    for payment in &order.payments {
        let bound: u64 = order
            .refunds
            .iter()
            .filter(|refund| refund.transaction_id == payment.transaction_id)
            .filter(|refund| refund.state != RefundState::Closed)
            .map(|refund| refund.refund_fee.get())
            .sum();
        assert!(
            bound <= payment.total_fee.get(),
            "more goes back than came in"
        );
    }
    let mut numbers = HashSet::new();
    for refund in &order.refunds {
        assert!(numbers.insert(&refund.out_refund_no), "a number once");
        assert_eq!(after.refunds[&refund.out_refund_no], order.key);
        assert!(order.payment(&refund.transaction_id).is_some());
    }
    let mut begun: Vec<_> = order.refunds.iter().map(|refund| refund.begun_at).collect();
    begun.sort_unstable();
    for pair in begun.windows(2) {
        assert!(pair[1].since(pair[0]) >= secs(60), "a minute apart");
    }
}
