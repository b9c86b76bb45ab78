//! What the desk asks the gateway.

use std::time::Duration;

use wxpay_core::{
    OutTradeNo, SignType,
    api::{AnswerError, ErrorCode, OrderQuery, OrderQueryResponse, OrderRef},
    client::CallError,
};

use super::Desk;

/// The gateway's own signed no, if that is what came back.
pub(super) fn refusal(error: &CallError) -> Option<&ErrorCode> {
    match error {
        CallError::Answer(AnswerError::Business { code, .. }) => Some(code),
        _ => None,
    }
}

impl Desk {
    /// Asks the gateway what it knows of a number.
    pub(super) async fn query(
        &self,
        number: &OutTradeNo,
        sign_type: SignType,
        patience: Duration,
    ) -> Result<OrderQueryResponse, CallError> {
        let request = OrderQuery {
            by: OrderRef::OutTradeNo(number.clone()),
        };
        self.client.call_within(&request, sign_type, patience).await
    }
}
