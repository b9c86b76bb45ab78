//! A micropay driven to its end.

use std::time::Instant;

use super::{CallError, Client, Outcome};
use crate::{
    OutTradeNo, SignType,
    api::{
        AnswerError, Class, Endpoint, ErrorCode, MicroPay, OrderQuery, OrderQueryResponse,
        OrderRef, Payment, Reverse, ReverseResponse, TradeState,
    },
    micropay::{Event, MicropayEnd, MicropayFlow, Step, Timing},
};

impl Client {
    /// Takes a payment by the payer's barcode, and does not let go before it is decided: pays once, queries while the payer
    /// is typing or nothing is known, and reverses what is still open when the time is over. [`MicropayFlow`] has the rules.
    ///
    /// It may take a minute and a half. If the program ends in between, the number stays: query it, and reverse it if it
    /// is not to be paid.
    ///
    /// # Errors
    /// [`MicropayError`] when it is not proven that *this* amount was paid; its `end` says what is known. Without a client
    /// certificate nothing is sent, since nothing could be reversed.
    pub async fn micropay_with_poll(
        &self,
        request: &MicroPay,
        sign_type: SignType,
        timing: Timing,
    ) -> Result<Payment, MicropayError> {
        self.check_certificate::<Reverse>()
            .map_err(|cause| MicropayError {
                end: MicropayEnd::NotSent,
                cause: Some(cause),
            })?;
        let epoch = Instant::now();
        let mut flow = MicropayFlow::new(timing, epoch.elapsed());
        let mut payment = None;
        let mut cause = None;
        loop {
            let event = match flow.step() {
                Step::Pay => {
                    let result = self.call(request, sign_type).await;
                    pay_event(result, &mut payment, &mut cause)
                }
                Step::Query { after } => {
                    tokio::time::sleep(after).await;
                    let query = OrderQuery {
                        by: reference(&request.out_trade_no),
                    };
                    let result = self.call(&query, sign_type).await;
                    query_event(result, &mut payment, &mut cause)
                }
                Step::Reverse { after } => {
                    tokio::time::sleep(after).await;
                    let reverse = Reverse {
                        by: reference(&request.out_trade_no),
                    };
                    reverse_event(self.call(&reverse, sign_type).await, &mut cause)
                }
                Step::Done(end) => {
                    return match payment {
                        Some(payment) if end == MicropayEnd::Paid => Ok(payment),
                        _ => Err(MicropayError { end, cause }),
                    };
                }
            };
            if let (Event::Paid, Some(paid)) = (event, &payment)
                && paid.total_fee != request.total_fee
            {
                return Err(MicropayError {
                    end: MicropayEnd::NumberTaken,
                    cause,
                });
            }
            tracing::debug!(?event, "micropay");
            let _ = flow.next(event, epoch.elapsed());
        }
    }
}

fn reference(out_trade_no: &OutTradeNo) -> OrderRef {
    OrderRef::OutTradeNo(out_trade_no.clone())
}

fn pay_event(
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

fn query_event(
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

fn reverse_event(
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

/// A micropay did not end with the money proven to be there.
#[derive(Debug, thiserror::Error)]
#[error("the micropay was not proven to be paid: {}", end.as_str())]
#[non_exhaustive]
pub struct MicropayError {
    /// What is known.
    pub end: MicropayEnd,
    /// The last answer on the way that was an error, such as the gateway's refusal.
    #[source]
    pub cause: Option<CallError>,
}
