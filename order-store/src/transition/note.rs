//! `defer` and `clear_attention`: what moves no money and no state.

use super::{Change, Decision, REASON_MAX_BYTES, already, applied, change, next_due};
use crate::{Attention, ClearAttention, Defer, Order, Role, RuleVerdict, What, cut};

pub(super) fn defer(order: &Order, defer: &Defer) -> Decision {
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
        refund: None,
    })
}

pub(super) fn clear_attention(order: &Order, clear: &ClearAttention) -> Decision {
    let mut after = order.clone();
    if !after.attention.remove(&clear.attention) {
        return already();
    }
    if clear.attention == Attention::ExtraPayment {
        // A person has decided, so the rule has nothing to decide any more.
        for payment in &mut after.payments {
            if payment.role == Role::Extra {
                payment.rule.get_or_insert(RuleVerdict::LeftToOperator);
            }
        }
        after.due = next_due(&after, clear.now);
    }
    let what = What::AttentionCleared {
        attention: clear.attention,
        note: cut(&clear.note, REASON_MAX_BYTES).to_owned(),
    };
    applied(change(order, after, clear.by, clear.now, what))
}
