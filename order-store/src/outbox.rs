//! The outbox: what others must be told, kept until they were.

use std::{fmt, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};
use wxpay_core::TransactionId;

use crate::{OrderKey, PageTicket, Timestamp};

/// A row's name: made of its order, transition and kind, so it is the same however often the row is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutboxId(String);

impl OutboxId {
    /// The name of `kind` for the order's becoming paid.
    pub(crate) fn paid(key: &OrderKey, kind: OutboxKind) -> Self {
        Self(format!("{key}/paid/{}", kind.as_str()))
    }

    /// The name that this text is. Any text may be asked for; one that names no row is found by no row.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, at most 92 bytes of ASCII: merchant, order, `paid` and the kind, with slashes between.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is to be told. Rows of one change go out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutboxKind {
    /// The order's page.
    PayNotify,
    /// Other services.
    OrderPay,
}

impl OutboxKind {
    /// The name on the outside, such as `pay_notify`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayNotify => "pay_notify",
            Self::OrderPay => "order_pay",
        }
    }
}

/// What a row tells. The ledger knows no broker: who relays it renders destination and body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxFacts {
    /// The transaction that paid the order.
    pub transaction_id: TransactionId,
    /// The ticket of the order's page.
    pub page_ticket: PageTicket,
}

/// One message to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its name; whoever receives it can tell a repeat by it.
    pub id: OutboxId,
    /// The order it is about.
    pub key: OrderKey,
    /// Who is to be told.
    pub kind: OutboxKind,
    /// What.
    pub facts: OutboxFacts,
    /// When the change was made that it tells of.
    pub created_at: Timestamp,
    /// How many tries have failed.
    #[serde(default)]
    pub attempts: u32,
    /// Why the last try failed, cut to [`REASON_MAX_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// The most bytes of a reason that a row keeps.
pub const REASON_MAX_BYTES: usize = 120;

/// Who claims rows; for people to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelayId(String);

impl RelayId {
    /// The most bytes of a name.
    pub const MAX_BYTES: usize = 64;

    /// A relay of this name; what is longer than [`RelayId::MAX_BYTES`] is cut.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(crate::cut(name, Self::MAX_BYTES).to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row on loan: until the lease is over no one else gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The row.
    pub row: OutboxRow,
    /// Proof of the lease, for `ack`, `retry_later` and `park`.
    pub token: ClaimToken,
    /// When the lease is over, by the store's clock.
    pub until: Timestamp,
}

/// Proof that a row is on loan to whoever holds it. Each claim has another fence, so a late relay cannot settle a row that
/// someone else has by now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimToken {
    pub(crate) id: OutboxId,
    /// Where the backend finds the row.
    pub(crate) address: u128,
    pub(crate) fence: u64,
}

impl ClaimToken {
    /// The row's name.
    #[must_use]
    pub fn id(&self) -> &OutboxId {
        &self.id
    }
}

/// How full the outbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Rows that are on loan to no one: those ready, those behind another row of their order, and those put off.
    pub waiting: usize,
    /// Of these, those that were put off and whose wait is not over.
    pub put_off: usize,
    /// Rows on loan.
    pub leased: usize,
    /// Rows set aside, by a relay or after [`DeadLetter`] tries.
    pub parked: usize,
    /// When the oldest row that is not parked was written.
    pub oldest: Option<Timestamp>,
    /// When the first of the rows that were put off is ready again.
    pub next_retry: Option<Timestamp>,
}

/// The longest that a row can be put off or on loan.
pub const WAIT_MAX: Duration = Duration::from_hours(24);

/// After how many failed tries a row is set aside, so that it holds up its order no longer unnoticed.
///
/// A setting of the store: [`OrderStore::retry_later`](crate::OrderStore::retry_later) with the last try parks the row instead of
/// putting it off. It is counted in [`OutboxStatus::parked`] and listed by [`OrderStore::parked`](crate::OrderStore::parked)
/// until an operator requeues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// After so many tries; at least one.
    After(NonZeroU32),
    /// Never: the relay decides.
    Never,
}

/// After 10 000 tries: a week at one a minute, longer than a broker should be away.
impl Default for DeadLetter {
    fn default() -> Self {
        Self::After(const { NonZeroU32::new(10_000).unwrap() })
    }
}

impl DeadLetter {
    /// Whether a row is set aside that has failed so often.
    #[must_use]
    pub const fn is_due(self, tries: u32) -> bool {
        match self {
            Self::After(most) => tries >= most.get(),
            Self::Never => false,
        }
    }
}

/// A reason without what JSON would write longer, cut to its limit.
pub(crate) fn plain(reason: &str) -> String {
    crate::cut(reason, REASON_MAX_BYTES)
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}
