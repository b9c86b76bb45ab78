//! Orders: made by the shop, prepared at the gateway, closed.

use std::net::IpAddr;

use order_store::{
    AttachPrepay, Attempt, BeginAttempt, By, Confirmation, Create, ExecuteError, Executed, Order,
    OrderKey, OrderState, OrderStoreExt as _, Prepay, Refusal, StoreError,
};
use sha2::{Digest, Sha256};
use wxpay_core::{
    Attach, Body, FeeType, Fen, OutTradeNo, ProductId,
    api::{
        CloseOrder, ErrorCode, OrderDetails, OrderQueryResponse, Trade, TradeState, UnifiedOrder,
    },
    client::CallError,
};

use super::{Desk, GATEWAY_PATIENCE, TURN_PATIENCE, gateway::refusal};
use crate::{hex, random};

/// What the shop wants paid.
pub(crate) struct NewOrder {
    pub(crate) total_fee: Fen,
    pub(crate) body: Body,
    pub(crate) out_trade_no: Option<OutTradeNo>,
    pub(crate) attach: Option<Attach>,
    /// The shop's own key of this request: the same key makes the same order.
    pub(crate) idempotency_key: Option<String>,
    pub(crate) ip: IpAddr,
}

/// Why an order has no code to scan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error("there is no such order")]
    UnknownOrder,
    #[error("the order is {}", .0.as_str())]
    NotUnpaid(OrderState),
    #[error("another request prepares this order")]
    Busy,
    #[error("{0}")]
    Gateway(String),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}

impl From<StoreError> for PrepareError {
    fn from(error: StoreError) -> Self {
        Self::Execute(error.into())
    }
}

/// An order that can be scanned and paid.
pub(crate) struct Prepared {
    pub(crate) order: Order,
    pub(crate) prepay: Prepay,
}

impl Desk {
    /// Makes an order, or finds the one that the same request made before.
    pub(crate) async fn create(&self, new: NewOrder) -> Result<Executed, ExecuteError> {
        let now = self.clock.now();
        let out_trade_no = match (new.out_trade_no, &new.idempotency_key) {
            (Some(number), _) => number,
            (None, Some(key)) => self.number_of(key),
            (None, None) => random::order_number(now.beijing()),
        };
        // NATIVE demands a product; ours is the order itself.
        let product_id: ProductId = out_trade_no
            .as_str()
            .parse()
            .expect("an order number is a product id");
        self.store
            .create(Create {
                key: self.key(out_trade_no),
                appid: self.account.appid.clone(),
                sign_type: self.sign_type,
                body: new.body,
                total_fee: new.total_fee,
                fee_type: FeeType::cny(),
                attach: new.attach,
                product_id,
                spbill_create_ip: new
                    .ip
                    .to_canonical()
                    .to_string()
                    .parse()
                    .expect("an address is short and visible"),
                notify_base: self.notify_url.clone(),
                expires_after: None,
                by: By::Shop,
                now,
            })
            .await
    }

    /// The number that stands for a key of the shop's.
    fn number_of(&self, idempotency_key: &str) -> OutTradeNo {
        let digest = Sha256::new()
            .chain_update(self.account.mch_id.as_str())
            .chain_update([0])
            .chain_update(idempotency_key)
            .finalize();
        let number = format!("K{}", hex::lower(&digest[..13]));
        OutTradeNo::for_order(&number).expect("hex digits make an order number")
    }

    /// Gets the order a code to scan: the one it has, while it lives, or one from the gateway.
    pub(crate) async fn prepare(&self, key: &OrderKey) -> Result<Prepared, PrepareError> {
        let _flight = self
            .flights
            .enter(key, TURN_PATIENCE)
            .await
            .ok_or(PrepareError::Busy)?;
        let order = self
            .store
            .get(key)
            .await?
            .ok_or(PrepareError::UnknownOrder)?;
        if let Some(prepay) = order.live_prepay(self.clock.now()).cloned() {
            return Ok(Prepared { order, prepay });
        }
        // A code that died is closed at the gateway before another number takes its place.
        if order.state() == OrderState::Unpaid
            && order.closing.is_none()
            && let Some(dead) = order
                .current_attempt()
                .filter(|attempt| attempt.prepay.is_some())
        {
            self.close_attempt(&order, dead).await?;
        }
        let begun = self
            .store
            .begin_attempt(BeginAttempt {
                key: key.clone(),
                by: By::Shop,
                now: self.clock.now(),
            })
            .await;
        let order = match begun {
            Ok(executed) => executed.order,
            Err(ExecuteError::Refused(Refusal::Closed | Refusal::Closing)) => {
                return Err(PrepareError::NotUnpaid(OrderState::Closed));
            }
            Err(ExecuteError::Refused(Refusal::AlreadyPaid)) => {
                return Err(PrepareError::NotUnpaid(OrderState::Paid));
            }
            Err(error) => return Err(error.into()),
        };
        let attempt = order
            .current_attempt()
            .ok_or(PrepareError::UnknownOrder)?
            .clone();
        self.unified_order(order, attempt).await
    }

    async fn unified_order(
        &self,
        order: Order,
        attempt: Attempt,
    ) -> Result<Prepared, PrepareError> {
        let terms = &order.terms;
        let request = UnifiedOrder {
            body: terms.body.clone(),
            out_trade_no: attempt.number.clone(),
            total_fee: terms.total_fee,
            fee_type: terms.fee_type.clone(),
            spbill_create_ip: terms.spbill_create_ip.clone(),
            notify_url: terms.notify_url.clone(),
            trade: Trade::Native {
                product_id: terms.product_id.clone(),
            },
            attach: terms.attach.clone(),
            time_start: Some(attempt.time_start),
            time_expire: Some(attempt.time_expire),
            more: OrderDetails::default(),
        };
        let answer = self
            .client
            .call_within(&request, terms.sign_type, GATEWAY_PATIENCE)
            .await;
        let response = match answer {
            Ok(response) => response,
            Err(error) => return Err(self.not_prepared(&order, &attempt.number, error).await),
        };
        let code_url = response
            .code_url
            .ok_or_else(|| PrepareError::Gateway("the gateway's answer has no code_url".into()))?;
        let executed = self
            .store
            .attach_prepay(AttachPrepay {
                key: order.key.clone(),
                attempt: attempt.number,
                prepay_id: response.prepay_id,
                code_url,
                by: By::Shop,
                now: self.clock.now(),
            })
            .await?;
        let order = executed.order;
        match order.live_prepay(self.clock.now()).cloned() {
            Some(prepay) => Ok(Prepared { order, prepay }),
            None => Err(PrepareError::NotUnpaid(order.state())),
        }
    }

    /// The gateway gave no code. Where it says that the number is paid or used, what it knows of it comes first.
    async fn not_prepared(
        &self,
        order: &Order,
        attempt: &OutTradeNo,
        error: CallError,
    ) -> PrepareError {
        tracing::warn!(out_trade_no = %attempt, %error, "unifiedorder gave no code");
        if matches!(
            refusal(&error),
            Some(ErrorCode::OrderPaid | ErrorCode::OutTradeNoUsed)
        ) {
            match self.learn(order, attempt, By::Query).await {
                Ok(Learned::Paid(order)) => return PrepareError::NotUnpaid(order.state()),
                Ok(_) => {}
                Err(Unlearned::Execute(error)) => return error.into(),
                Err(Unlearned::Silent(reason)) => tracing::warn!(reason, "the query is silent"),
            }
        }
        PrepareError::Gateway(error.to_string())
    }

    /// Asks the gateway about an attempt and writes a payment down if it tells of one.
    pub(super) async fn learn(
        &self,
        order: &Order,
        attempt: &OutTradeNo,
        by: By,
    ) -> Result<Learned, Unlearned> {
        let answer = self
            .query(attempt, order.terms.sign_type, GATEWAY_PATIENCE)
            .await;
        match answer {
            Ok(OrderQueryResponse {
                trade_state: TradeState::Success | TradeState::Refund,
                payment: Some(payment),
                ..
            }) => {
                let paid = self
                    .mark_paid(order, &payment, Confirmation::Confirmed, by)
                    .await?;
                Ok(Learned::Paid(Box::new(paid.order)))
            }
            Ok(OrderQueryResponse {
                trade_state: TradeState::Closed,
                ..
            }) => Ok(Learned::Closed),
            Ok(_) => Ok(Learned::Unpaid),
            Err(error) => match refusal(&error) {
                Some(ErrorCode::OrderNotExist) => Ok(Learned::NotExisting),
                _ => Err(Unlearned::Silent(error.to_string())),
            },
        }
    }

    /// Closes one number at the gateway. A number that it does not know, or closed before, is closed.
    pub(super) async fn close_attempt(
        &self,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<(), PrepareError> {
        let request = CloseOrder {
            out_trade_no: attempt.number.clone(),
        };
        let answer = self
            .client
            .call_within(&request, order.terms.sign_type, GATEWAY_PATIENCE)
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match refusal(&error) {
                Some(ErrorCode::OrderClosed | ErrorCode::OrderNotExist) => Ok(()),
                _ => Err(self.not_prepared(order, &attempt.number, error).await),
            },
        }
    }
}

/// What a query taught.
pub(super) enum Learned {
    /// A payment, which is written down now.
    Paid(Box<Order>),
    /// The number can still be paid.
    Unpaid,
    /// The number is closed.
    Closed,
    /// The gateway does not know the number.
    NotExisting,
}

/// Why a query taught nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unlearned {
    #[error("{0}")]
    Silent(String),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
}
