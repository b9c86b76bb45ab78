//! The gateway's decisions: pure, in memory, and told the time and the random bytes.
//!
//! A [`Gateway`] takes the bytes of a request and gives the bytes of the answer; it takes what the payer does and
//! keeps the notifies that follow. What has to happen outside is a value, [`Post`]: the driver does it and hands
//! back the [`PostResult`].

mod book;
mod close_order;
mod envelope;
mod moment;
mod notify;
mod order;
mod order_query;
mod pay;
mod random;
mod refund;
mod refund_query;
mod unified_order;

#[cfg(test)]
mod tests;

pub use envelope::fail;
pub use moment::Moment;
pub use notify::{INTERVALS_S, Notify, NotifyId, NotifyState, Post, PostResult, Try, Verdict};
pub use order::{
    CLOSE_AFTER, CODE_LIFETIME, EXPIRE_AT_LEAST, EXPIRE_AT_MOST, ORDER_LIFETIME, Order, OrderKey,
    OrderState, Paid,
};
pub use pay::{NotifyWanted, PayOutcome, PayRefusal, Payable, Payment, PaymentFacts};
pub use random::Random;
pub use refund::{REFUND_TAKES, Refund};

use wxpay_core::{Account, AppId, CodeUrl, MchId, OutTradeNo};

use crate::Merchant;

/// An endpoint of the real gateway that the simulator serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayEndpoint {
    /// `/pay/unifiedorder`
    UnifiedOrder,
    /// `/pay/orderquery`
    OrderQuery,
    /// `/pay/closeorder`
    CloseOrder,
    /// `/secapi/pay/refund`
    Refund,
    /// `/pay/refundquery`
    RefundQuery,
}

/// Which orders to show.
#[derive(Clone, Debug)]
pub enum OrderFilter {
    /// All of them.
    All,
    /// Those that can be paid.
    NotPay,
    /// The one that a code belongs to, also when the code was replaced since.
    Code(CodeUrl),
    /// Those with this number.
    Number(OutTradeNo),
}

/// The state of the gateway.
#[derive(Debug)]
pub struct Gateway {
    merchants: Vec<Merchant>,
    book: book::OrderBook,
    notifies: notify::Notifies,
}

impl Gateway {
    /// A gateway that knows these merchants and keeps at most `max_orders` orders: when it is full, the one that was
    /// finished first makes room.
    #[must_use]
    pub fn new(merchants: Vec<Merchant>, max_orders: usize) -> Self {
        Self {
            merchants,
            book: book::OrderBook::new(max_orders),
            notifies: notify::Notifies::default(),
        }
    }

    /// Answers a request to an endpoint, XML to XML.
    #[must_use]
    pub fn answer(
        &mut self,
        endpoint: GatewayEndpoint,
        body: &[u8],
        now: Moment,
        random: &Random,
    ) -> String {
        // Taken out and put back, so that a request can borrow its account while orders change.
        let merchants = std::mem::take(&mut self.merchants);
        let answer = match envelope::open(body, &merchants) {
            Err(envelope::BadMessage(return_msg)) => fail(&return_msg),
            Ok(request) => {
                let result = match endpoint {
                    GatewayEndpoint::UnifiedOrder => {
                        unified_order::answer(self, &request, now, random)
                    }
                    GatewayEndpoint::OrderQuery => order_query::answer(self, &request, now),
                    GatewayEndpoint::CloseOrder => close_order::answer(self, &request, now),
                    GatewayEndpoint::Refund => refund::answer(self, &request, now, random),
                    GatewayEndpoint::RefundQuery => refund_query::answer(self, &request, now),
                };
                envelope::seal(request.account, request.sign_type, result, random.nonce())
            }
        };
        self.merchants = merchants;
        answer
    }

    /// The payer pays, or fails to. A notify that follows is due at once.
    ///
    /// # Errors
    /// [`PayRefusal`] when the order or its code cannot be paid; nothing changed then.
    pub fn pay(
        &mut self,
        what: &Payable,
        payment: Payment,
        now: Moment,
        random: &Random,
    ) -> Result<PayOutcome, PayRefusal> {
        pay::pay(self, what, payment, now, random)
    }

    /// When the next try of a notify is due, if one is waiting.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.notifies.next_due()
    }

    /// Takes at most `max` tries that are due, the longest due first. Each must be handed back to [`Gateway::tried`].
    #[must_use]
    pub fn take_due(&mut self, now: Moment, max: usize) -> Vec<Post> {
        self.notifies.take_due(now, max)
    }

    /// Takes what came of a try, which may have been posted more than once.
    pub fn tried(&mut self, id: NotifyId, results: Vec<PostResult>) {
        self.notifies.tried(id, results);
    }

    /// A notify, while it is kept.
    #[must_use]
    pub fn notify(&self, id: NotifyId) -> Option<&Notify> {
        self.notifies.get(id)
    }

    /// The latest tries, oldest first.
    #[must_use]
    pub fn tries(&self) -> impl DoubleEndedIterator<Item = &Try> {
        self.notifies.tries()
    }

    /// At most `limit` orders, newest first.
    #[must_use]
    pub fn orders(&self, filter: &OrderFilter, now: Moment, limit: usize) -> Vec<&Order> {
        match filter {
            OrderFilter::All => self.book.newest().take(limit).collect(),
            OrderFilter::NotPay => self
                .book
                .newest_unpaid()
                .take_while(|order| matches!(order.state(now), OrderState::NotPay))
                .take(limit)
                .collect(),
            OrderFilter::Code(code) => self.book.by_code(code).into_iter().collect(),
            OrderFilter::Number(number) => self.book.all_by_number(number).take(limit).collect(),
        }
    }

    fn account(&self, appid: &AppId, mch_id: &MchId) -> Option<&Account> {
        self.merchants
            .iter()
            .map(Merchant::account)
            .find(|account| account.appid == *appid && account.mch_id == *mch_id)
    }
}
