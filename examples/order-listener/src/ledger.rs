//! This service's own orders: what a message does to them.

use std::sync::Arc;

use order_store::{
    By, Clock as _, Confirmation, Create, ExecuteError, MarkPaid, OrderKey, OrderState, OrderStore,
    OrderStoreExt as _, Outcome, Refusal, StoreError, SystemClock,
};
use thiserror::Error;
use wxpay_core::{AppId, BeijingTime, Body, FeeType, Fen, MchId, OutTradeNo, SignType};

use crate::{
    desk::{Desk, DeskError, DeskOrder},
    message::{OrderPay, Unreadable},
};

/// Why a message can never be taken, however often it comes.
#[derive(Debug, Error)]
pub(crate) enum Bad {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("this service has no order {0}")]
    UnknownOrder(OutTradeNo),
    #[error("the desk has no order {0}")]
    UnknownAtDesk(OutTradeNo),
    #[error("the desk says that the order is {0}, not paid")]
    NotPaid(OrderState),
    #[error("the desk says that another transaction paid the order")]
    OtherTransaction,
    #[error("the ledger refuses it: {0}")]
    Refused(#[from] Refusal),
}

impl Bad {
    /// A stable name.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::UnknownOrder(_) => "unknown_order",
            Self::UnknownAtDesk(_) => "unknown_at_desk",
            Self::NotPaid(_) => "not_paid",
            Self::OtherTransaction => "other_transaction",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

/// Why a message was not taken.
#[derive(Debug, Error)]
pub(crate) enum NotTaken {
    /// For good.
    #[error(transparent)]
    Bad(#[from] Bad),
    /// For now: it is tried again.
    #[error("{0}")]
    Later(String),
    /// The ledger is done for: the process must end, and its messages go back to the broker.
    #[error(transparent)]
    Fatal(StoreError),
}

impl From<DeskError> for NotTaken {
    fn from(error: DeskError) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::NoAnswer | StoreError::Unavailable { .. } => {
                Self::Later(error.to_string())
            }
            error => Self::Fatal(error),
        }
    }
}

impl From<ExecuteError> for NotTaken {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => Bad::Refused(refusal).into(),
            ExecuteError::Store(error) => error.into(),
        }
    }
}

/// An order to be taken in.
#[derive(Clone, Debug)]
pub(crate) struct NewOrder {
    pub(crate) number: OutTradeNo,
    pub(crate) total_fee: Fen,
    pub(crate) body: Option<Body>,
}

/// The orders of one merchant.
pub(crate) struct Ledger {
    pub(crate) store: Arc<dyn OrderStore>,
    pub(crate) mch_id: MchId,
    pub(crate) appid: AppId,
    pub(crate) desk: Option<Desk>,
}

/// What of a payment is not in the message.
struct Payment {
    total_fee: Fen,
    time_end: BeijingTime,
    confirmation: Confirmation,
}

impl Ledger {
    fn key(&self, number: &OutTradeNo) -> OrderKey {
        OrderKey {
            mch_id: self.mch_id.clone(),
            out_trade_no: number.clone(),
        }
    }

    /// Marks the order of a message paid. When this answers, it is on disk; the same message again is
    /// [`Outcome::AlreadyApplied`], with nothing written.
    pub(crate) async fn take(&self, message: &OrderPay) -> Result<Outcome, NotTaken> {
        let key = self.key(&message.order_id);
        let known = self.store.get(&key).await?;
        // What is known already needs no look-up.
        if let Some(order) = &known
            && let Some(payment) = order.first_payment()
            && payment.transaction_id == message.transaction_id
        {
            return Ok(Outcome::AlreadyApplied);
        }
        let payment = match (&self.desk, &known) {
            (Some(desk), _) => {
                let order = desk.order(&message.order_id).await?;
                let order = order.ok_or_else(|| Bad::UnknownAtDesk(message.order_id.clone()))?;
                if known.is_none() {
                    let total_fee = order.total_fee;
                    let body = Some(order.body.clone());
                    let number = message.order_id.clone();
                    let _ = self
                        .add(NewOrder {
                            number,
                            total_fee,
                            body,
                        })
                        .await?;
                }
                checked(&order, message)?
            }
            // The desk held the amount against the order before it published; the message does not repeat it.
            (None, Some(order)) => Payment {
                total_fee: order.terms.total_fee,
                time_end: SystemClock.now().beijing(),
                confirmation: Confirmation::Unconfirmed,
            },
            (None, None) => return Err(Bad::UnknownOrder(message.order_id.clone()).into()),
        };
        let paid = MarkPaid {
            attempt: key.out_trade_no.clone(),
            key,
            transaction_id: message.transaction_id.clone(),
            total_fee: payment.total_fee,
            fee_type: FeeType::cny(),
            time_end: payment.time_end,
            confirmation: payment.confirmation,
            by: By::Shop,
            now: SystemClock.now(),
        };
        Ok(self.store.mark_paid(paid).await?.outcome)
    }

    /// Takes an order in. The same again changes nothing.
    pub(crate) async fn add(&self, order: NewOrder) -> Result<Outcome, NotTaken> {
        let fixed = "a fixed value fits its field";
        let create = Create {
            key: self.key(&order.number),
            appid: self.appid.clone(),
            body: order.body.unwrap_or_else(|| "order".parse().expect(fixed)),
            total_fee: order.total_fee,
            fee_type: FeeType::cny(),
            attach: None,
            product_id: "order".parse().expect(fixed),
            // This service asks the gateway for nothing: what only a request needs goes nowhere.
            sign_type: SignType::HmacSha256,
            spbill_create_ip: "127.0.0.1".parse().expect(fixed),
            notify_base: "https://order-listener.invalid".parse().expect(fixed),
            expires_after: None,
            by: By::Shop,
            now: SystemClock.now(),
        };
        Ok(self.store.create(create).await?.outcome)
    }
}

/// Holds a message against what the desk says.
fn checked(order: &DeskOrder, message: &OrderPay) -> Result<Payment, Bad> {
    if !order.state.has_payment() {
        return Err(Bad::NotPaid(order.state));
    }
    if order.transaction_id.as_ref() != Some(&message.transaction_id) {
        return Err(Bad::OtherTransaction);
    }
    Ok(Payment {
        total_fee: order.total_fee,
        time_end: order
            .time_end()
            .unwrap_or_else(|| SystemClock.now().beijing()),
        confirmation: if order.confirmed == Some(true) {
            Confirmation::Confirmed
        } else {
            Confirmation::Unconfirmed
        },
    })
}
