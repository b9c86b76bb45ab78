//! Refunds: written down before the gateway is asked, repeated under their own number, and done when it says so.

use order_store::{
    BeginRefund, By, ExecuteError, Executed, MerchantCertificate, Order, OrderKey,
    OrderStoreExt as _, Outcome, Refund, RefundGround, RefundResult, RefundState, Refusal,
    StoreError,
};
use wxpay_core::{
    Fen, NotifyUrl, OutRefundNo, TransactionId,
    api::{self, ErrorCode, OrderRef, RefundDesc, RefundQuery, RefundRef, RefundStatus},
};

use super::{Desk, GATEWAY_PATIENCE, TURN_PATIENCE, fault, gateway::refusal};

/// What the shop wants back.
pub(crate) struct NewRefund {
    pub(crate) key: OrderKey,
    pub(crate) out_refund_no: OutRefundNo,
    pub(crate) refund_fee: Fen,
    pub(crate) reason: Option<RefundDesc>,
    /// Which payment; the first when it is not said.
    pub(crate) transaction_id: Option<TransactionId>,
}

/// Why no refund was begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefundError {
    #[error("there is no such order")]
    UnknownOrder,
    #[error("the gateway takes refunds only with the merchant's certificate; give WXPAY_CERT_FILE")]
    NoCertificate,
    #[error("the order is being looked after by another request")]
    Busy,
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

impl From<StoreError> for RefundError {
    fn from(error: StoreError) -> Self {
        Self::Execute(error.into())
    }
}

/// Why the gateway's word on a refund could not be had or written down.
#[derive(Debug, thiserror::Error)]
pub(super) enum RefundUnknown {
    #[error("{0}")]
    Silent(String),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

impl Desk {
    /// Begins a refund and asks the gateway for it. Whatever the gateway says or does not say, the sweeper ends it.
    pub(crate) async fn refund(&self, new: NewRefund) -> Result<Executed, RefundError> {
        if self.certificate == MerchantCertificate::Missing {
            return Err(RefundError::NoCertificate);
        }
        let _flight = self
            .flights
            .enter(&new.key, TURN_PATIENCE)
            .await
            .ok_or(RefundError::Busy)?;
        let order = self
            .store
            .get(&new.key)
            .await?
            .ok_or(RefundError::UnknownOrder)?;
        let first = || order.transaction_id().cloned();
        let transaction_id = new
            .transaction_id
            .or_else(first)
            .ok_or(ExecuteError::Refused(Refusal::NotPaid))?;
        let begun = self
            .store
            .begin_refund(BeginRefund {
                key: new.key,
                out_refund_no: new.out_refund_no.clone(),
                transaction_id,
                refund_fee: new.refund_fee,
                reason: new.reason,
                ground: RefundGround::Asked,
                by: By::Shop,
                now: self.clock.now(),
            })
            .await?;
        let Some(refund) = begun
            .order
            .refund(&new.out_refund_no)
            .filter(|refund| unsent(refund))
        else {
            return Ok(begun);
        };
        match self.send_refund(&begun.order, refund, By::Shop).await {
            Ok(sent) => Ok(Executed {
                outcome: begun.outcome,
                order: sent.order,
            }),
            Err(error) => {
                tracing::warn!(out_refund_no = %new.out_refund_no, %error, "the refund is not confirmed yet; the sweeper goes on with it");
                Ok(begun)
            }
        }
    }

    /// Asks the gateway for a refund that is written down. The same number again is the same refund there.
    async fn send_refund(
        &self,
        order: &Order,
        refund: &Refund,
        by: By,
    ) -> Result<Executed, RefundUnknown> {
        let payment = order
            .payment(&refund.transaction_id)
            .ok_or_else(|| RefundUnknown::Silent("its payment is not in the ledger".into()))?;
        fault::point("before_refund").await;
        let request = api::Refund {
            by: OrderRef::TransactionId(refund.transaction_id.clone()),
            out_refund_no: refund.out_refund_no.clone(),
            total_fee: payment.total_fee,
            refund_fee: refund.refund_fee,
            refund_fee_type: None,
            refund_desc: refund.reason.clone(),
            refund_account: None,
            notify_url: self.refund_notify_url(),
        };
        let answer = self
            .client
            .call_within(&request, order.terms.sign_type, GATEWAY_PATIENCE)
            .await;
        fault::point("after_refund").await;
        match answer {
            Ok(taken) => {
                let state = RefundState::Processing;
                self.refund_result(order, refund, Some(taken.refund_id), state, by)
                    .await
            }
            Err(error) => match refusal(&error) {
                // An earlier try may have been taken on for all that: only the query tells.
                Some(code) if is_final(code) => {
                    tracing::error!(out_refund_no = %refund.out_refund_no, %error, "the gateway refuses the refund");
                    self.query_refund(order, refund, by).await
                }
                _ => Err(RefundUnknown::Silent(error.to_string())),
            },
        }
    }

    /// Asks how far a refund is, and writes it down. One that the gateway does not know after it refused it is closed.
    async fn query_refund(
        &self,
        order: &Order,
        refund: &Refund,
        by: By,
    ) -> Result<Executed, RefundUnknown> {
        let query = RefundQuery::new(RefundRef::OutRefundNo(refund.out_refund_no.clone()));
        let answer = self
            .client
            .call_within(&query, order.terms.sign_type, GATEWAY_PATIENCE)
            .await;
        match answer {
            Ok(said) => match said.refund(&refund.out_refund_no) {
                Some(said) => self.refund_said(order, said, by).await,
                None => Err(RefundUnknown::Silent(
                    "the answer names no such refund".into(),
                )),
            },
            Err(error) => match refusal(&error) {
                Some(ErrorCode::RefundNotExist) if unsent(refund) => {
                    self.refund_result(order, refund, None, RefundState::Closed, by)
                        .await
                }
                _ => Err(RefundUnknown::Silent(error.to_string())),
            },
        }
    }

    /// Writes down what the gateway's own answer says of a refund.
    pub(super) async fn refund_said(
        &self,
        order: &Order,
        said: &api::RefundState,
        by: By,
    ) -> Result<Executed, RefundUnknown> {
        let state = match &said.refund_status {
            RefundStatus::Success => RefundState::Success,
            RefundStatus::RefundClose => RefundState::Closed,
            RefundStatus::Processing => RefundState::Processing,
            RefundStatus::Change => RefundState::Change,
            other => {
                return Err(RefundUnknown::Silent(format!(
                    "the gateway calls the refund {other}"
                )));
            }
        };
        let told = RefundResult {
            key: order.key.clone(),
            out_refund_no: said.out_refund_no.clone(),
            refund_id: Some(said.refund_id.clone()),
            refund_fee: said.refund_fee,
            state,
            by,
            now: self.clock.now(),
        };
        self.written(told).await
    }

    async fn refund_result(
        &self,
        order: &Order,
        refund: &Refund,
        refund_id: Option<api::RefundId>,
        state: RefundState,
        by: By,
    ) -> Result<Executed, RefundUnknown> {
        let told = RefundResult {
            key: order.key.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            refund_id,
            refund_fee: refund.refund_fee,
            state,
            by,
            now: self.clock.now(),
        };
        self.written(told).await
    }

    async fn written(&self, told: RefundResult) -> Result<Executed, RefundUnknown> {
        let (number, state) = (told.out_refund_no.clone(), told.state);
        let executed = self.store.refund_result(told).await?;
        if executed.outcome != Outcome::AlreadyApplied {
            tracing::info!(out_refund_no = %number, refund = %state, order = executed.order.state().as_str(), "refund");
        }
        Ok(executed)
    }

    /// Goes on with every refund of an order that is under way; gives the order as it is afterwards.
    pub(super) async fn go_on_with_refunds(&self, order: Order) -> Order {
        let mut order = order;
        for refund in order.refunds.clone() {
            if !refund.state.is_live() {
                continue;
            }
            let result = if unsent(&refund) {
                self.send_refund(&order, &refund, By::Sweeper).await
            } else {
                self.query_refund(&order, &refund, By::Sweeper).await
            };
            match result {
                Ok(executed) => order = executed.order,
                Err(error) => {
                    tracing::warn!(out_refund_no = %refund.out_refund_no, %error, "the refund is not at its end");
                }
            }
        }
        order
    }

    /// Public URL of `/wxpay/refund_notify`, beside the one of pay notifies.
    fn refund_notify_url(&self) -> Option<NotifyUrl> {
        let base = self.notify_url.as_str().strip_suffix("/notify")?;
        format!("{base}/refund_notify").parse().ok()
    }
}

/// Whether the gateway is not known to have taken it on.
fn unsent(refund: &Refund) -> bool {
    refund.state == RefundState::Processing && refund.refund_id.is_none()
}

/// A refusal of this very refund that no repeat can change. Too little balance is mended by a top-up, and what is wrong
/// with key, certificate or rights is mended by an operator: these wait.
fn is_final(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::OrderNotExist
            | ErrorCode::TradeStateError
            | ErrorCode::InvalidTransactionId
            | ErrorCode::InvalidRequest
            | ErrorCode::ParamError
            | ErrorCode::TradeOverdue
            | ErrorCode::UserAccountAbnormal
            | ErrorCode::Error
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_can_mend_does_not_end_a_refund() {
        for code in [
            ErrorCode::NotEnough,
            ErrorCode::SystemError,
            ErrorCode::BizErrNeedRetry,
            ErrorCode::InvalidReqTooMuch,
            ErrorCode::NoAuth,
            ErrorCode::SignError,
        ] {
            assert!(!is_final(&code), "{code}");
        }
        assert!(is_final(&ErrorCode::UserAccountAbnormal));
    }
}
