//! An order ledger that never loses or doubles a payment.


mod attempt;
mod command;
mod error;
mod hash;
mod inbox;
mod log;
mod order;
mod outbox;
mod payment;
mod query;
mod refund;
mod refusal;
mod secret;
#[cfg(feature = "sled")]
mod sled;
mod store;
mod terms;
mod timestamp;
mod transition;

pub use self::{
    attempt::{Attempt, Prepay},
    command::{
        AttachPrepay, BeginAttempt, BeginClose, CloseResult, Command, ConfirmPayment, Contradict,
        Create, Defer, MarkPaid, Outcome,
    },
    error::{ExecuteError, StoreError},
    inbox::{
        ACCEPTED_MAX_BYTES, Kept, NOTE_MAX_BYTES, NotifyId, NotifyIdError, NotifyQuery,
        NotifyRecord, NotifySummary, REFUSED_MAX_BYTES, Verdict,
    },
    log::{LogEntry, What},
    order::{
        Attention, By, CODE_URL_LIFE, Closing, GatewayClose, Order, OrderState, UnknownState,
    },
    outbox::{
        Claim, ClaimToken, OutboxFacts, OutboxId, OutboxKind, OutboxRow, OutboxStatus,
        REASON_MAX_BYTES, RelayId, WAIT_MAX,
    },
    payment::{Confirmation, Payment, Role},
    query::{Account, Cursor, CursorError, OrderQuery, PAGE_MAX, Page},
    refund::{Refund, RefundState},
    refusal::Refusal,
    secret::{NotifySecret, PageTicket, SecretError},
    store::{Executed, Health, OrderStore, OrderStoreExt},
    terms::{OrderKey, Terms},
    timestamp::{Clock, SystemClock, Timestamp},
    transition::{
        ATTEMPTS_MAX, CLOSE_AT_GATEWAY_AFTER, CONFIRM_AFTER, Change, Decision, EXPIRY_DEFAULT,
        EXPIRY_MAX, EXPIRY_MIN, Facts, Lookups, QUERY_AFTER, REFUSALS_MAX, Random,
        UNFINISHED_AFTER, decide,
    },
};
#[cfg(feature = "sled")]
pub(crate) use self::inbox::NotifyHead;
#[cfg(feature = "sled")]
pub use self::sled::{SledOptions, SledStore};

/// The longest beginning of `text` that has at most `max_bytes` and ends between two characters.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}
