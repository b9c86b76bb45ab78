//! The desk: what happens to orders, between the ledger and the gateway. Knows no HTTP server and no pages.

mod confirm;
mod fault;
mod flight;
mod gateway;
mod notify;
mod orders;
mod refund_notify;
mod refunds;
mod relay;
mod sweeper;

use std::time::Duration;

use order_store::{
    By, Confirmation, ExecuteError, Executed, MarkPaid, MerchantCertificate, Order, OrderKey,
    OrderStoreExt as _,
};
use wxpay_core::{Account, NotifyUrl, OutTradeNo, SignType, api::Payment, client::Client};

pub(crate) use flight::Flights;
pub(crate) use notify::{Incoming, Via};
pub(crate) use orders::{NewOrder, PrepareError};
pub(crate) use refunds::{NewRefund, RefundError};
pub(crate) use relay::{Relay, RelayStatus, publisher as relay_publisher};
pub(crate) use sweeper::Sweeper;

use crate::{clock::Clock, config::Confirm, ledger::Ledger};

/// How long an answer of the gateway is waited for while a person or the gateway itself waits for ours.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(6);

/// How long a request waits while another acts on the same order.
const TURN_PATIENCE: Duration = Duration::from_secs(8);

/// Everything that acts on orders.
pub(crate) struct Desk {
    pub(crate) store: Ledger,
    pub(crate) client: Client,
    pub(crate) account: Account,
    pub(crate) sign_type: SignType,
    pub(crate) confirm: Confirm,
    pub(crate) clock: Clock,
    /// Public URL of `/wxpay/notify`; an order's own has its secret behind it.
    pub(crate) notify_url: NotifyUrl,
    pub(crate) flights: Flights,
    /// Whether refunds can be asked for: without TLS the gateway sees no certificate and demands none.
    pub(crate) certificate: MerchantCertificate,
}

impl Desk {
    /// The key of one of our orders.
    pub(crate) fn key(&self, out_trade_no: OutTradeNo) -> OrderKey {
        OrderKey {
            mch_id: self.account.mch_id.clone(),
            out_trade_no,
        }
    }

    /// Writes a payment down, whoever told of it: a notify and a query go through this one door.
    async fn mark_paid(
        &self,
        order: &Order,
        payment: &Payment,
        confirmation: Confirmation,
        by: By,
    ) -> Result<Executed, ExecuteError> {
        self.store
            .mark_paid(MarkPaid {
                key: order.key.clone(),
                attempt: payment.out_trade_no.clone(),
                transaction_id: payment.transaction_id.clone(),
                total_fee: payment.total_fee,
                fee_type: payment.fee_type.clone(),
                time_end: payment.time_end,
                confirmation,
                by,
                now: self.clock.now(),
            })
            .await
    }
}
