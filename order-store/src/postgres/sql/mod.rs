//! The statements. `{s}` is the schema; the tables stand in `migrations/`.
//!
//! Each writes a table at most once, takes its keys as arrays in ascending order, so that two writers never wait for each
//! other crosswise, and needs no isolation above READ COMMITTED.

use std::borrow::Cow;

use crate::OrderState;

mod dump;
mod group;
mod inbox;
mod orders;
mod outbox;

pub(super) use self::group::{Part, Parts};

/// A statement, prepared once on each connection that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sql {
    Now,
    ReadOrders,
    ReadFacts,
    WriteGroup(Parts),
    ReadBack,
    Get,
    FindAttempt,
    FindTransaction,
    FindRefund,
    Log,
    List,
    ListState,
    Due,
    Accounts,
    OpenOrders,
    Totals,
    RollUp,
    ClaimAgain,
    ClaimFresh,
    ClaimTake,
    Ack,
    Hold,
    SettledBefore,
    HeldBack,
    Requeue,
    Parked,
    OutboxStatus,
    OutboxReady,
    KeepNotifies,
    KeptNotifies,
    ListNotifies,
    Notify,
    DumpOrders,
    DumpOutbox,
    DumpInbox,
    DumpSize,
    OutboxOf,
    LogsOf,
    NotifiesOf,
    NextNotify,
    Release,
    LoadInbox,
}

impl Sql {
    /// Its text in this schema.
    pub(super) fn text(self, schema: &str) -> String {
        let states = match self {
            Self::ListState => "(SELECT $6::text) AS s(state)".to_owned(),
            _ => format!(
                "(VALUES {}) AS s(state)",
                OrderState::ALL
                    .map(|state| format!("('{}')", state.as_str()))
                    .join(", ")
            ),
        };
        let template = match self {
            Self::WriteGroup(parts) => Cow::Owned(group::write(parts)),
            _ => Cow::Borrowed(self.template()),
        };
        template
            .replace("{s}", &format!("\"{schema}\""))
            .replace("{now}", NOW)
            .replace("{states}", &states)
    }

    fn template(self) -> &'static str {
        match self {
            Self::Now => "SELECT COALESCE($1::bigint, {now})",
            Self::ReadOrders => group::READ_ORDERS,
            Self::ReadFacts => group::READ_FACTS,
            Self::WriteGroup(_) => "",
            Self::ReadBack => {
                "SELECT commit_id FROM {s}.log \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND n = $4"
            }
            Self::Get => {
                "SELECT doc FROM {s}.orders WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3"
            }
            Self::FindAttempt => {
                "SELECT mch_id, out_trade_no FROM {s}.numbers \
                 WHERE shard = $1 AND mch_id = $2 AND number = $3"
            }
            Self::FindTransaction => {
                "SELECT mch_id, out_trade_no FROM {s}.transactions \
                 WHERE shard = $1 AND transaction_id = $2"
            }
            Self::FindRefund => {
                "SELECT mch_id, out_trade_no FROM {s}.refunds \
                 WHERE shard = $1 AND mch_id = $2 AND out_refund_no = $3"
            }
            Self::Log => {
                "SELECT doc FROM {s}.log WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 \
                 ORDER BY n"
            }
            Self::List | Self::ListState => orders::LIST,
            Self::Due => orders::DUE,
            Self::Accounts => "SELECT mch_id, appid FROM {s}.accounts",
            Self::OpenOrders => {
                "SELECT mch_id, appid, count(*) FROM {s}.orders WHERE open GROUP BY mch_id, appid"
            }
            Self::Totals => orders::TOTALS,
            Self::RollUp => orders::ROLL_UP,
            Self::ClaimAgain => outbox::CLAIM_AGAIN,
            Self::ClaimFresh => outbox::CLAIM_FRESH,
            Self::ClaimTake => outbox::CLAIM_TAKE,
            Self::Ack => outbox::ACK,
            Self::Hold => outbox::HOLD,
            Self::SettledBefore => {
                "SELECT fence, owner IS NULL FROM {s}.outbox \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND n = $4"
            }
            Self::HeldBack => {
                "SELECT id, owner IS NULL AND (ready_at IS NULL OR ready_at > 0) FROM {s}.outbox \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3"
            }
            Self::Requeue => {
                "UPDATE {s}.outbox SET ready_at = 0, attempts = 0, last_error = NULL \
                 WHERE shard = $1 AND mch_id = $2 AND out_trade_no = $3 AND id = $4 \
                 AND owner IS NULL AND (ready_at IS NULL OR ready_at > 0) RETURNING n"
            }
            Self::Parked => {
                "SELECT attempts, last_error, doc FROM {s}.outbox WHERE ready_at IS NULL \
                 ORDER BY created_at, mch_id, out_trade_no, n LIMIT $1"
            }
            Self::OutboxStatus => outbox::OUTBOX_STATUS,
            Self::OutboxReady => outbox::OUTBOX_READY,
            Self::KeepNotifies => inbox::KEEP_NOTIFIES,
            Self::KeptNotifies => {
                "SELECT n FROM {s}.inbox WHERE kind = $1 AND commit_id = $2 AND n >= \
                 (SELECT next - $3 FROM {s}.inbox_next WHERE kind = $1) ORDER BY n"
            }
            Self::ListNotifies => {
                "SELECT n, head FROM {s}.inbox WHERE kind = $1 AND at <= $2 AND (at < $2 OR n < $3) \
                 ORDER BY at DESC, n DESC LIMIT $4"
            }
            Self::Notify => "SELECT head, body FROM {s}.inbox WHERE kind = $1 AND n = $2",
            Self::DumpOrders => dump::DUMP_ORDERS,
            Self::DumpOutbox => dump::DUMP_OUTBOX,
            Self::DumpInbox => {
                "SELECT n, head, body FROM {s}.inbox WHERE kind = 'accepted' AND n > $1 \
                 ORDER BY n LIMIT $2"
            }
            Self::DumpSize => {
                "SELECT (SELECT count(*) FROM {s}.orders), (SELECT count(*) FROM {s}.outbox), \
                 (SELECT count(*) FROM {s}.inbox WHERE kind = 'accepted')"
            }
            Self::OutboxOf => dump::OUTBOX_OF,
            Self::LogsOf => dump::LOGS_OF,
            Self::NotifiesOf => {
                "SELECT n, head, body FROM {s}.inbox WHERE kind = 'accepted' AND n = ANY($1::bigint[])"
            }
            Self::NextNotify => "SELECT next FROM {s}.inbox_next WHERE kind = 'accepted'",
            Self::Release => {
                "UPDATE {s}.outbox SET ready_at = 0, owner = NULL WHERE right(owner, 32) = $1"
            }
            Self::LoadInbox => inbox::LOAD_INBOX,
        }
    }
}

/// The database's clock in milliseconds.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
