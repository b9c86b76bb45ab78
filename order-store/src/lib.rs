//! An order ledger that never loses or doubles a payment.
//!
//! For programs that are paid through WeChat Pay V2 and must not forget it: an order is made once, paid once, and told to
//! others at least once, whatever repeats, races or crashes come in between.
//!
//! - [`OrderStore`] is the face of every backend, and [`OrderStoreExt`] has a method for each [`Command`].
//! - [`decide`] is every transition, as one pure function. A backend makes its [`Change`] atomic and durable.
//! - [`SledStore`] is the backend for one machine, `PostgresStore` (feature `postgres`) for many; `MemoryStore` (feature
//!   `memory`) is for tests.
//! - [`Reconciliation`] holds the ledger against the gateway's bill, [`check`] against itself; [`export`] and [`import`] take it
//!   from any backend to any other.
//!
//! ```
//! use order_store::{By, Create, OrderKey, OrderState, OrderStore, OrderStoreExt, Outcome, SledOptions, SledStore, Timestamp};
//! use wxpay_core::{FeeType, Fen, SignType};
//!
//! # async fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let store = SledStore::open(folder, SledOptions::default())?;
//! let key = OrderKey { mch_id: "1473426802".parse()?, out_trade_no: "20190320-0001".parse()? };
//! let create = Create {
//!     key: key.clone(),
//!     appid: "wx8397f8696b538317".parse()?,
//!     sign_type: SignType::HmacSha256,
//!     body: "Longjing tea".parse()?,
//!     total_fee: Fen::new(1990)?,
//!     fee_type: FeeType::cny(),
//!     attach: None,
//!     product_id: "tea-1".parse()?,
//!     spbill_create_ip: "192.0.2.1".parse()?,
//!     notify_base: "https://desk.example/wxpay/notify".parse()?,
//!     expires_after: None,
//!     by: By::Shop,
//!     now: Timestamp::from_millis(1_553_063_806_000),
//! };
//! assert_eq!(store.create(create.clone()).await?.outcome, Outcome::Applied);
//! assert_eq!(store.create(create).await?.outcome, Outcome::AlreadyApplied);
//! assert_eq!(store.get(&key).await?.map(|order| order.state()), Some(OrderState::Unpaid));
//! store.close().await?;
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(example(folder.path())).unwrap();
//! ```
//!
//! # Core and driver
//! `decide` has no clock, no randomness and no I/O: order, facts, command and random bytes in; outcome and change out. So the
//! model test can try every sequence of commands, and backends cannot differ. The time of a fact is in its command; leases
//! and waits of the outbox take theirs from the store's [`Clock`].
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `sled` (default) | `SledStore`, `SledOptions` |
//! | `postgres` | `PostgresStore`, `PostgresOptions`: a ledger for many machines |
//! | `memory` | `MemoryStore`, `MemoryOptions`: the same answers, nothing on disk; for tests |
//! | `conformance` | `conformance`: what every backend must do, as tests for yours |
//! | `fault-points` | `SledOptions::faults`: tests make the disk fail or freeze, or end the process, at every step |
#![cfg_attr(
    not(all(feature = "sled", feature = "memory")),
    allow(dead_code, reason = "what only backends use")
)]

// The suite's sample commands are shared with this crate's own tests, which name the crate.
#[cfg(feature = "conformance")]
extern crate self as order_store;

mod attempt;
mod check;
mod command;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dump;
mod error;
mod hash;
mod inbox;
mod index;
mod lease;
mod log;
#[cfg(feature = "memory")]
mod memory;
mod order;
mod outbox;
mod payment;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod random;
mod reconcile;
mod refund;
mod refusal;
mod replay;
mod secret;
#[cfg(feature = "sled")]
mod sled;
mod sound;
mod state;
mod store;
mod terms;
mod timestamp;
mod totals;
mod transition;

#[cfg(any(feature = "sled", feature = "memory", feature = "postgres"))]
pub(crate) use self::inbox::NotifyHead;
pub(crate) use self::inbox::inbox_body;
#[cfg(feature = "memory")]
pub use self::memory::{MemoryOptions, MemoryStore};
#[cfg(feature = "postgres")]
pub use self::postgres::{
    LeaseClock, PostgresOptions, PostgresStore, PostgresUrl, PostgresUrlError, Schema, SchemaError,
};
#[cfg(feature = "sled")]
pub use self::sled::{
    Compacted, SledOptions, SledStore, Verification, Verify, VerifyHook, VerifyProgress,
};
#[cfg(feature = "fault-points")]
pub use self::sled::{Fault, FaultHook, Side, Step};
pub use self::{
    attempt::{Attempt, Prepay},
    check::{CHECK_FINDINGS_MAX, CheckReport, Finding, check},
    command::{
        AttachPrepay, BeginAttempt, BeginClose, BeginRefund, ClearAttention, CloseResult, Command,
        ConfirmPayment, Contradict, Create, Defer, MarkPaid, Outcome, RefundResult,
    },
    dump::{
        Dump, DumpError, DumpSize, DumpSummary, InboxRecord, OrderRecord, OutboxHold, OutboxPlace,
        OutboxRecord, Progress, RECORDS_MAX, Record, Snapshot, export, import, verify,
    },
    error::{ExecuteError, FailureCause, StoreError},
    inbox::{
        ACCEPTED_MAX_BYTES, ACCEPTED_MAX_COUNT, Kept, NOTE_MAX_BYTES, NotifyId, NotifyIdError,
        NotifyPlace, NotifyQuery, NotifyRecord, NotifySummary, REFUSED_MAX_BYTES,
        REFUSED_MAX_COUNT, Verdict,
    },
    log::{LogEntry, RefundCause, What},
    order::{CODE_URL_LIFE, Closing, GatewayClose, Order},
    outbox::{
        Claim, ClaimToken, DeadLetter, OutboxFacts, OutboxId, OutboxKind, OutboxRow, OutboxStatus,
        REASON_MAX_BYTES, RelayId, WAIT_MAX,
    },
    payment::{Confirmation, Payment, Role, RuleVerdict},
    query::{Account, Cursor, CursorError, OrderQuery, PAGE_MAX, Page},
    reconcile::{
        BillEntry, BillRow, BillRowError, Certainty, Difference, DifferenceKind, Missing,
        RECONCILE_ROWS_MAX, ReconcileError, Reconciliation, Standing,
    },
    refund::{ExtraPaymentPolicy, MerchantCertificate, Refund, RefundGround, RefundState},
    refusal::{BeyondRule, Refusal},
    replay::{ReplayError, Replayed, ReplayedPayment, ReplayedRefund, replay},
    secret::{NotifySecret, PageTicket, SecretError},
    sound::Problem,
    state::{Attention, By, OrderState, UnknownState},
    store::{Executed, Health, OrderStore, OrderStoreExt},
    terms::{OrderKey, Terms},
    timestamp::{Clock, SystemClock, Timestamp},
    totals::{Day, DayError, DayTotals, TOTALS_DAYS_MAX, TotalsQuery},
    transition::{
        ATTEMPTS_MAX, CLOSE_AT_GATEWAY_AFTER, CONFIRM_AFTER, Change, Decision, EXPIRY_DEFAULT,
        EXPIRY_MAX, EXPIRY_MIN, Facts, Lookups, QUERY_AFTER, REFUND_CHANGE_QUERY_AFTER,
        REFUND_INTERVAL, REFUND_QUERY_AFTER, REFUND_WITHIN, REFUNDS_MAX, REFUSALS_MAX, Random,
        UNFINISHED_AFTER, decide,
    },
};

/// The longest beginning of `text` that has at most `max_bytes` and ends between two characters.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}
