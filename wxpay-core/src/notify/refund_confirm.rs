//! From the hint of a refund notify to a refund that is proven.

use alloc::boxed::Box;

use super::RefundHint;
use crate::{
    Fen, OutRefundNo, OutTradeNo, TransactionId,
    api::{RefundQuery, RefundQueryResponse, RefundRef, RefundState, RefundStatus},
    text::RefundId,
};

impl RefundHint {
    /// The question whose answer confirms it: `refundquery` by this refund's own number.
    #[must_use]
    pub fn query(&self) -> RefundQuery {
        RefundQuery::new(RefundRef::OutRefundNo(self.out_refund_no.clone()))
    }

    /// Confirms the hint with a verified answer of `refundquery`.
    ///
    /// ```
    /// use wxpay_core::{Account, SignType, api::{self, RefundQuery}, notify::{RefundHint, Unconfirmed}};
    ///
    /// /// `answer` is what came back from [`RefundHint::query`], prepared and posted.
    /// fn on_refund(hint: &RefundHint, answer: &[u8], account: &Account) -> Result<(), Box<dyn std::error::Error>> {
    ///     let said = api::parse::<RefundQuery>(answer, account, SignType::HmacSha256)?;
    ///     match hint.confirm(&said) {
    ///         Ok(refund) => println!("{} is {}", refund.refund().out_refund_no, refund.refund().refund_status),
    ///         Err(Unconfirmed::Differs { field, .. }) => println!("alert: the two differ in {field}"),
    ///         Err(Unconfirmed::NotInAnswer) => println!("alert: the gateway names no such refund"),
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Unconfirmed`] when the answer does not name the refund, or says another thing of it.
    pub fn confirm(&self, said: &RefundQueryResponse) -> Result<ConfirmedRefund, Unconfirmed> {
        let refund = said
            .refund(&self.out_refund_no)
            .ok_or(Unconfirmed::NotInAnswer)?;
        let confirmed = ConfirmedRefund {
            transaction_id: said.transaction_id.clone(),
            out_trade_no: said.out_trade_no.clone(),
            total_fee: said.total_fee,
            refund: refund.clone(),
        };
        match self.compare(&QueriedRefund::new(said, refund)) {
            Agreement::Agrees => Ok(confirmed),
            Agreement::Differs { field } => Err(Unconfirmed::Differs {
                field,
                said: Box::new(confirmed),
            }),
        }
    }

    /// Compares the hint with what a verified answer of `refundquery` said of the same refund.
    ///
    /// ```
    /// # use wxpay_core::notify::{Agreement, QueriedRefund, RefundHint};
    /// fn confirm(hint: &RefundHint, queried: &QueriedRefund<'_>) {
    ///     match hint.compare(queried) {
    ///         Agreement::Agrees => println!("{} is {}", queried.out_refund_no, queried.refund_status),
    ///         Agreement::Differs { field } => println!("alert: the notify and the query differ in {field}"),
    ///     }
    /// }
    /// ```
    pub fn compare(&self, queried: &QueriedRefund<'_>) -> Agreement {
        let texts = [
            (
                "out_refund_no",
                self.out_refund_no.as_str(),
                queried.out_refund_no.as_str(),
            ),
            (
                "refund_id",
                self.refund_id.as_str(),
                queried.refund_id.as_str(),
            ),
            (
                "out_trade_no",
                self.out_trade_no.as_str(),
                queried.out_trade_no.as_str(),
            ),
            (
                "transaction_id",
                self.transaction_id.as_str(),
                queried.transaction_id.as_str(),
            ),
            (
                "refund_status",
                self.refund_status.as_str(),
                queried.refund_status.as_str(),
            ),
        ];
        let amounts = [
            ("total_fee", self.total_fee, queried.total_fee),
            ("refund_fee", self.refund_fee, queried.refund_fee),
        ];
        let text = texts.iter().find(|(_, hinted, said)| hinted != said);
        let amount = amounts.iter().find(|(_, hinted, said)| hinted != said);
        match text
            .map(|(field, ..)| *field)
            .or(amount.map(|(field, ..)| *field))
        {
            Some(field) => Agreement::Differs { field },
            None => Agreement::Agrees,
        }
    }
}

/// A refund as a verified answer of `refundquery` has it. Only [`RefundHint::confirm`] makes one.
///
/// Its state may be another than SUCCESS: confirmed is what became of the refund, not that it went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedRefund {
    transaction_id: TransactionId,
    out_trade_no: OutTradeNo,
    total_fee: Fen,
    refund: RefundState,
}

impl ConfirmedRefund {
    /// The gateway's number of the payment.
    #[must_use]
    pub const fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    /// The merchant's number of the order.
    #[must_use]
    pub const fn out_trade_no(&self) -> &OutTradeNo {
        &self.out_trade_no
    }

    /// What was paid, in fen.
    #[must_use]
    pub const fn total_fee(&self) -> Fen {
        self.total_fee
    }

    /// The refund: its numbers, its state and its amounts.
    #[must_use]
    pub const fn refund(&self) -> &RefundState {
        &self.refund
    }
}

/// Why a hint is not confirmed. Either is worth an alert; what the answer says stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconfirmed {
    /// The answer names no refund of this number: it answers another question, or the notify is forged.
    #[error("the answer of refundquery names no such refund")]
    NotInAnswer,
    /// The answer says another thing.
    #[error("the refund notify and refundquery differ in {field}")]
    Differs {
        /// The first field in which they differ, by its name in the notify.
        field: &'static str,
        /// What the answer says, which is proven.
        said: Box<ConfirmedRefund>,
    },
}

/// What a verified answer of `refundquery` said of one refund: the other side of [`RefundHint::compare`].
///
/// [`RefundQueryResponse::queried`] takes it out of an answer.
#[derive(Clone, Copy, Debug)]
pub struct QueriedRefund<'a> {
    /// The field `transaction_id`.
    pub transaction_id: &'a TransactionId,
    /// The field `out_trade_no`.
    pub out_trade_no: &'a OutTradeNo,
    /// The field `refund_id_$n`.
    pub refund_id: &'a RefundId,
    /// The field `out_refund_no_$n`.
    pub out_refund_no: &'a OutRefundNo,
    /// The field `total_fee`.
    pub total_fee: Fen,
    /// The field `refund_fee_$n`.
    pub refund_fee: Fen,
    /// The field `refund_status_$n`.
    pub refund_status: &'a RefundStatus,
}

impl<'a> QueriedRefund<'a> {
    fn new(said: &'a RefundQueryResponse, refund: &'a RefundState) -> Self {
        Self {
            transaction_id: &said.transaction_id,
            out_trade_no: &said.out_trade_no,
            refund_id: &refund.refund_id,
            out_refund_no: &refund.out_refund_no,
            total_fee: said.total_fee,
            refund_fee: refund.refund_fee,
            refund_status: &refund.refund_status,
        }
    }
}

impl RefundQueryResponse {
    /// The refund of a number, if the answer has it.
    #[must_use]
    pub fn refund(&self, out_refund_no: &OutRefundNo) -> Option<&RefundState> {
        self.refunds
            .iter()
            .find(|refund| refund.out_refund_no == *out_refund_no)
    }

    /// What the answer says of the refund of a number, to compare a hint with.
    #[must_use]
    pub fn queried(&self, out_refund_no: &OutRefundNo) -> Option<QueriedRefund<'_>> {
        self.refund(out_refund_no)
            .map(|refund| QueriedRefund::new(self, refund))
    }
}

/// Whether a refund notify and `refundquery` say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Agreement {
    /// They do: the query confirms the notify.
    Agrees,
    /// They do not. The query is right: it is signed.
    Differs {
        /// The first field in which they differ, by its name in the notify.
        field: &'static str,
    },
}
