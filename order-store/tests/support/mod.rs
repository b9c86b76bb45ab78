//! Commands and records that tests are made of.
#![allow(dead_code, reason = "each test file uses some of these")]

#[cfg(feature = "sled")]
pub(crate) mod said;

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use order_store::{
    AttachPrepay, BeginAttempt, BeginClose, By, Clock, CloseResult, ConfirmPayment, Confirmation,
    Contradict, Create, Defer, GatewayClose, MarkPaid, NotifySecret, OrderKey, PageTicket, Random,
    Timestamp,
};
use wxpay_core::{BeijingTime, FeeType, Fen, SignType};

/// 2019-03-20T14:36:46+08:00.
pub(crate) const T0: Timestamp = Timestamp::from_millis(1_553_063_806_000);
pub(crate) const MCH_ID: &str = "1473426802";

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn key(number: &str) -> OrderKey {
    OrderKey {
        mch_id: MCH_ID.parse().unwrap(),
        out_trade_no: number.parse().unwrap(),
    }
}

pub(crate) fn random(seed: u8) -> Random {
    Random {
        page_ticket: PageTicket::from_bytes([seed; 16]),
        notify_secret: NotifySecret::from_bytes([seed ^ 0xff; 16]),
    }
}

pub(crate) fn create(number: &str) -> Create {
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

pub(crate) fn begin_attempt(number: &str, now: Timestamp) -> BeginAttempt {
    BeginAttempt {
        key: key(number),
        by: By::Shop,
        now,
    }
}

pub(crate) fn attach_prepay(number: &str, attempt: &str, now: Timestamp) -> AttachPrepay {
    AttachPrepay {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        prepay_id: "wx201903201436".parse().unwrap(),
        code_url: "weixin://wxpay/bizpayurl?pr=abc".parse().unwrap(),
        by: By::Shop,
        now,
    }
}

pub(crate) fn mark_paid(number: &str, attempt: &str, transaction_id: &str) -> MarkPaid {
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

pub(crate) fn confirm(number: &str, attempt: &str, transaction_id: &str) -> ConfirmPayment {
    ConfirmPayment {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        by: By::Sweeper,
        now: T0 + secs(40),
    }
}

pub(crate) fn contradict(number: &str, attempt: &str, transaction_id: &str) -> Contradict {
    Contradict {
        key: key(number),
        attempt: attempt.parse().unwrap(),
        transaction_id: transaction_id.parse().unwrap(),
        reason: "the gateway says NOTPAY".to_owned(),
        by: By::Query,
        now: T0 + secs(40),
    }
}

pub(crate) fn begin_close(number: &str, now: Timestamp) -> BeginClose {
    BeginClose {
        key: key(number),
        by: By::Sweeper,
        now,
    }
}

pub(crate) fn close_result(number: &str, result: GatewayClose, now: Timestamp) -> CloseResult {
    CloseResult {
        key: key(number),
        result,
        by: By::Sweeper,
        now,
    }
}

pub(crate) fn defer(number: &str, due: Timestamp) -> Defer {
    Defer {
        key: key(number),
        due,
        by: By::Sweeper,
        now: T0,
    }
}

/// A folder in memory where there is such a thing: for tests that end processes, for which a sync need not reach a disk.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Says what was acknowledged, to whoever watches this process die.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A clock that tests put forward.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(T0.millis())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that follow from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}
