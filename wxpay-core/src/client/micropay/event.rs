//! What the result of a call means to a micropay's flow.

use crate::{
    api::{
        AnswerError, Class, Endpoint, ErrorCode, MicroPay, OrderQueryResponse, Payment, Reverse,
        ReverseResponse, TradeState,
    },
    client::{CallError, Outcome},
    micropay::Event,
};

pub(super) fn pay_event(
    result: Result<Payment, CallError>,
    payment: &mut Option<Payment>,
    cause: &mut Option<CallError>,
) -> Event {
    let error = match result {
        Ok(paid) => {
            *payment = Some(paid);
            return Event::Paid;
        }
        Err(error) => error,
    };
    let event = match &error {
        CallError::Answer(AnswerError::Business { code, .. }) => match code {
            ErrorCode::UserPaying => Event::Pending,
            // INVALID_REQUEST is also the answer to a number that came with other parameters before.
            ErrorCode::OrderPaid | ErrorCode::OutTradeNoUsed | ErrorCode::InvalidRequest => {
                Event::NumberTaken
            }
            code => match MicroPay::class(code) {
                Class::Final | Class::Caller | Class::Done => Event::Refused,
                Class::RetrySame | Class::QueryFirst => Event::NoAnswer,
            },
        },
        error if error.outcome() == Outcome::NotSent => Event::NotSent,
        _ => Event::NoAnswer,
    };
    *cause = Some(error);
    event
}

pub(super) fn query_event(
    result: Result<OrderQueryResponse, CallError>,
    payment: &mut Option<Payment>,
    cause: &mut Option<CallError>,
) -> Event {
    let error = match result {
        Ok(answer) => {
            *payment = answer.payment;
            return match answer.trade_state {
                TradeState::Success if payment.is_some() => Event::Paid,
                TradeState::Refund => Event::Refunded,
                TradeState::Closed | TradeState::Revoked => Event::Reversed,
                TradeState::PayError => Event::Failed,
                TradeState::NotPay | TradeState::UserPaying | TradeState::Accept => Event::Pending,
                _ => Event::NoAnswer,
            };
        }
        Err(error) => error,
    };
    let event = match &error {
        CallError::Answer(AnswerError::Business {
            code: ErrorCode::OrderNotExist,
            ..
        }) => Event::NotFound,
        error if error.outcome() == Outcome::NotSent => Event::NotSent,
        _ => Event::NoAnswer,
    };
    *cause = Some(error);
    event
}

pub(super) fn reverse_event(
    result: Result<ReverseResponse, CallError>,
    cause: &mut Option<CallError>,
) -> Event {
    let error = match result {
        Ok(answer) if answer.recall => return Event::Recall,
        Ok(_) => return Event::Reversed,
        Err(error) => error,
    };
    let event = match &error {
        CallError::Answer(AnswerError::Business { code, .. }) => match Reverse::class(code) {
            Class::RetrySame => Event::NoAnswer,
            Class::QueryFirst | Class::Final | Class::Caller | Class::Done => Event::Refused,
        },
        CallError::NoCertificate | CallError::Request(_) => Event::Refused,
        error if error.outcome() == Outcome::NotSent => Event::NotSent,
        _ => Event::NoAnswer,
    };
    *cause = Some(error);
    event
}
