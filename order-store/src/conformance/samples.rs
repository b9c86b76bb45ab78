//! Commands and a clock that tests are made of. One merchant; each order is for one fen unless the test says otherwise.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use order_store::{
    AttachPrepay, Attention, BeginAttempt, BeginClose, BeginRefund, By, ClearAttention, Clock,
    CloseResult, ConfirmPayment, Confirmation, Contradict, Create, Defer, ExtraPaymentPolicy,
    GatewayClose, MarkPaid, MerchantCertificate, NotifySecret, OrderKey, PageTicket, Random,
    RefundGround, RefundResult, RefundState, Timestamp,
};
use wxpay_core::{BeijingTime, FeeType, Fen, SignType};

/// 2019-03-20T14:36:46+08:00.
pub const T0: Timestamp = Timestamp::from_millis(1_553_063_806_000);
/// The merchant.
pub const MCH_ID: &str = "1473426802";

/// So many seconds.
#[must_use]
pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The merchant's order of this number.
#[must_use]
pub fn key(number: &str) -> OrderKey {
    OrderKey {
        mch_id: MCH_ID.parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    }
}

/// Secrets that a test can foretell.
#[must_use]
pub fn random(seed: u8) -> Random {
    Random {
        page_ticket: PageTicket::from_bytes([seed; 16]),
        notify_secret: NotifySecret::from_bytes([seed ^ 0xff; 16]),
    }
}

/// An order for one fen, made at [`T0`].
#[must_use]
pub fn create(number: &str) -> Create {
    Create {
        key: key(number),
        appid: "wx8397f8696b538317".parse().unwrap(),
        sign_type: SignType::Md5,
        body: "茶".parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        attach: None,
        product_id: number.parse().unwrap(),
        spbill_create_ip: "192.0.2.1".parse().unwrap(),
        notify_base: "https://desk.example/wxpay/notify".parse().unwrap(),
        expires_after: None,
        by: By::Shop,
        now: T0,
    }
}

/// The shop wants a code.
#[must_use]
pub fn begin_attempt(number: &str, now: Timestamp) -> BeginAttempt {
    BeginAttempt {
        key: key(number),
        by: By::Shop,
        now,
    }
}

/// The gateway's code for an attempt.
#[must_use]
pub fn attach_prepay(number: &str, attempt: &str, now: Timestamp) -> AttachPrepay {
    AttachPrepay {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        prepay_id: "wx201903201436".parse().unwrap(),
        code_url: "weixin://wxpay/bizpayurl?pr=abc".parse().unwrap(),
        by: By::Shop,
        now,
    }
}

/// A confirmed payment of one fen, told twenty seconds after [`T0`].
#[must_use]
pub fn mark_paid(number: &str, attempt: &str, transaction_id: &str) -> MarkPaid {
    MarkPaid {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        total_fee: Fen::new(1).unwrap(),
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse::<BeijingTime>().unwrap(),
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: T0 + secs(20),
    }
}

/// A query agrees.
#[must_use]
pub fn confirm(number: &str, attempt: &str, transaction_id: &str) -> ConfirmPayment {
    ConfirmPayment {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        by: By::Sweeper,
        now: T0 + secs(40),
    }
}

/// A query disagrees.
#[must_use]
pub fn contradict(number: &str, attempt: &str, transaction_id: &str) -> Contradict {
    Contradict {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        reason: "the gateway says NOTPAY".to_owned(),
        by: By::Query,
        now: T0 + secs(40),
    }
}

/// The sweeper closes.
#[must_use]
pub fn begin_close(number: &str, now: Timestamp) -> BeginClose {
    BeginClose {
        key: key(number),
        by: By::Sweeper,
        now,
    }
}

/// What the gateway said to the close.
#[must_use]
pub fn close_result(number: &str, result: GatewayClose, now: Timestamp) -> CloseResult {
    CloseResult {
        key: key(number),
        result,
        by: By::Sweeper,
        now,
    }
}

/// Look again later.
#[must_use]
pub fn defer(number: &str, due: Timestamp) -> Defer {
    Defer {
        key: key(number),
        due,
        by: By::Sweeper,
        now: T0,
    }
}

/// A refund of one fen that someone asked for.
#[must_use]
pub fn begin_refund(
    number: &str,
    refund: &str,
    transaction_id: &str,
    now: Timestamp,
) -> BeginRefund {
    BeginRefund {
        key: key(number),
        out_refund_no: refund.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        refund_fee: Fen::new(1).unwrap(),
        reason: None,
        ground: RefundGround::Asked,
        by: By::Operator,
        now,
    }
}

/// The same by the rule for extra payments, with a certificate and a cap of a hundred fen.
#[must_use]
pub fn refund_by_rule(
    number: &str,
    refund: &str,
    transaction_id: &str,
    now: Timestamp,
) -> BeginRefund {
    BeginRefund {
        ground: RefundGround::ExtraPayment(ExtraPaymentPolicy {
            certificate: MerchantCertificate::AtHand,
            cap: Fen::new(100).unwrap(),
        }),
        by: By::Sweeper,
        ..begin_refund(number, refund, transaction_id, now)
    }
}

/// What the gateway says of a refund of one fen.
#[must_use]
pub fn refund_result(
    number: &str,
    refund: &str,
    state: RefundState,
    now: Timestamp,
) -> RefundResult {
    RefundResult {
        key: key(number),
        out_refund_no: refund.parse().unwrap(),
        refund_id: Some(format!("50000000{refund}").parse().unwrap()),
        refund_fee: Fen::new(1).unwrap(),
        state,
        by: By::Query,
        now,
    }
}

/// An operator has looked at it.
#[must_use]
pub fn clear_attention(number: &str, attention: Attention, now: Timestamp) -> ClearAttention {
    ClearAttention {
        key: key(number),
        attention,
        note: "looked at".to_owned(),
        by: By::Operator,
        now,
    }
}

/// A clock that tests put forward.
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that stands at [`T0`].
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(T0.millis())))
    }

    /// Puts it forward.
    pub fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
