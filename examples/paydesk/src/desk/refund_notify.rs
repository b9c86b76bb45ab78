//! A refund notify: its cipher proves little, so it is a hint, and what the gateway answers to a query is written down.

use order_store::{By, Outcome};
use wxpay_core::notify::UnverifiedRefundNotify;

use super::{
    Desk,
    notify::{QUERY_PATIENCE, Refused},
    refunds::RefundUnknown,
};

impl Desk {
    pub(super) async fn refund_told(
        &self,
        notify: UnverifiedRefundNotify<'_>,
    ) -> Result<Outcome, Refused> {
        let hint = notify.decrypt(&self.account)?;
        let order = self
            .store
            .find_refund(&self.account.mch_id, &hint.out_refund_no)
            .await?
            .ok_or(Refused::UnknownRefund)?;
        let _flight = self.turn(&order.key).await?;
        let said = self
            .client
            .call_within(&hint.query(), order.terms.sign_type, QUERY_PATIENCE)
            .await
            .map_err(|error| Refused::Unconfirmed(error.to_string()))?;
        let refund = said
            .refund(&hint.out_refund_no)
            .ok_or_else(|| Refused::Contradicted("the gateway knows no such refund".into()))?;
        let executed = match self.refund_said(&order, refund, By::Notify).await {
            Ok(executed) => executed,
            Err(RefundUnknown::Silent(reason)) => return Err(Refused::Unconfirmed(reason)),
            Err(RefundUnknown::Execute(error)) => return Err(error.into()),
        };
        match hint.confirm(&said) {
            Ok(_) => Ok(executed.outcome),
            Err(differs) => Err(Refused::Contradicted(differs.to_string())),
        }
    }
}
