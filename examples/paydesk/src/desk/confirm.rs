//! Whether the gateway's own answer agrees with what a notify said. Pure.

use wxpay_core::{
    api::{ErrorCode, OrderQueryResponse, Payment, TradeState},
    client::CallError,
};

use super::gateway::refusal;

/// What a query says of a notify.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The same payment.
    Agrees,
    /// No answer that proves anything.
    Silent(String),
    /// A verified answer that says otherwise.
    Contradicts(String),
}

/// Holds a notify against the answer of `orderquery` for the same number.
pub(crate) fn judge(told: &Payment, answer: &Result<OrderQueryResponse, CallError>) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        // A signed business error is an answer; everything else is none.
        Err(error) => {
            return match refusal(error) {
                Some(code @ ErrorCode::OrderNotExist) => {
                    Finding::Contradicts(format!("the gateway says {code}"))
                }
                _ => Finding::Silent(error.to_string()),
            };
        }
    };
    match (&answer.trade_state, &answer.payment) {
        (TradeState::Success | TradeState::Refund, Some(found)) => compare(told, found),
        (state, _) => Finding::Contradicts(format!("the gateway says {state}")),
    }
}

fn compare(told: &Payment, found: &Payment) -> Finding {
    let differs = [
        (
            "transaction_id",
            told.transaction_id != found.transaction_id,
        ),
        ("out_trade_no", told.out_trade_no != found.out_trade_no),
        ("total_fee", told.total_fee != found.total_fee),
        ("fee_type", told.fee_type != found.fee_type),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        Some((field, _)) => {
            Finding::Contradicts(format!("the gateway's answer has another {field}"))
        }
        None => Finding::Agrees,
    }
}
