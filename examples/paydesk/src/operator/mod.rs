//! What an operator can ask of a ledger, beside a running desk or without one.
//!
//! One process holds the ledger's folder. When that is a running desk, it answers on a socket in the folder; otherwise
//! the sub-command opens the ledger itself. Either way [`answer`] does the work.

mod check;
mod outbox;
mod reconcile;
mod refunds;
mod socket;
mod totals;

use order_store::{
    Kept, NotifyId, NotifyQuery, NotifyRecord, NotifySummary, OrderStore, Progress, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use check::damage;
pub(crate) use socket::{Operator, ask_running, export_running, is_running};

use crate::{
    cli::OutboxFilter,
    desk::{Desk, Incoming, Via},
    http::{ListQuery, order_view},
};

/// One question.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    Orders(ListQuery),
    Notifies {
        limit: usize,
    },
    Notify {
        id: String,
    },
    Replay {
        id: String,
    },
    Outbox {
        filter: OutboxFilter,
        limit: usize,
    },
    /// No ids: all rows that are set aside.
    OutboxRetry {
        ids: Vec<String>,
    },
    OutboxPark {
        id: String,
        reason: String,
    },
    Refunds {
        out_trade_no: Option<String>,
        state: Option<String>,
        limit: usize,
    },
    Reconcile {
        date: String,
        bill: Option<String>,
    },
    Totals {
        from: String,
        to: String,
    },
    Check,
    /// Answered with the dump's own lines.
    Export,
}

/// Answers with JSON, or with the reason why not. What reads the whole ledger says how far it is.
pub(crate) async fn answer(
    desk: &Desk,
    question: Question,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Value, String> {
    let store = desk.store.as_ref();
    match question {
        Question::Orders(query) => {
            let query = query
                .checked()
                .map_err(|problem| problem.detail().to_owned())?;
            let page = store.list(query).await.map_err(|error| error.to_string())?;
            Ok(json!({
                "orders": page.orders.iter().map(|order| order_view(order, None)).collect::<Vec<_>>(),
                "next_cursor": page.next.map(|cursor| cursor.to_string()),
            }))
        }
        Question::Notifies { limit } => {
            let query = NotifyQuery {
                kept: Kept::All,
                before: None,
                limit,
            };
            let rows = store
                .notifies(query)
                .await
                .map_err(|error| error.to_string())?;
            Ok(rows.iter().map(row).collect())
        }
        Question::Notify { id } => {
            let found = find(store, &id).await?;
            let (accepted, verdict) = verdict(&found.verdict);
            Ok(json!({
                "id": id,
                "at": found.at.to_string(),
                "peer": found.peer.to_string(),
                "accepted": accepted,
                "verdict": verdict,
                "ms": found.millis,
                "answer": found.answer,
                "body": String::from_utf8_lossy(&found.body),
            }))
        }
        Question::Replay { id } => {
            let found = find(store, &id).await?;
            let incoming = Incoming {
                body: found.body.into(),
                peer: found.peer,
                via: Via::Replay,
            };
            let answered = desk.notified(incoming).await;
            Ok(json!({
                "accepted": answered.outcome.is_ok(),
                "outcome": match answered.outcome {
                    Ok(outcome) => outcome.code().to_owned(),
                    Err(reason) => reason,
                },
            }))
        }
        Question::Outbox { filter, limit } => outbox::list(store, filter, limit)
            .await
            .map_err(|error| error.to_string()),
        Question::OutboxRetry { ids } => outbox::retry(store, &ids)
            .await
            .map_err(|error| error.to_string()),
        Question::OutboxPark { id, reason } => outbox::park(store, &id, &reason).await,
        Question::Refunds {
            out_trade_no,
            state,
            limit,
        } => refunds::list(desk, out_trade_no.as_deref(), state.as_deref(), limit).await,
        Question::Reconcile { date, bill } => {
            reconcile::reconcile(desk, &date, bill.as_deref()).await
        }
        Question::Totals { from, to } => totals::totals(store, &from, &to).await,
        Question::Check => check::check(store, progress).await,
        Question::Export => Err("an export is asked for by itself".to_owned()),
    }
}

async fn find(store: &dyn OrderStore, id: &str) -> Result<NotifyRecord, String> {
    let id: NotifyId = id
        .parse()
        .map_err(|_| format!("'{id}' is no notify's id"))?;
    store
        .notify(id)
        .await
        .map_err(|error| error.to_string())?
        .ok_or_else(|| {
            format!("there is no notify {id}; it may have been overwritten by later ones")
        })
}

fn verdict(verdict: &Verdict) -> (bool, &str) {
    match verdict {
        Verdict::Accepted { outcome } => (true, outcome.code()),
        Verdict::Refused { reason } => (false, reason),
    }
}

fn row(row: &NotifySummary) -> Value {
    let (accepted, verdict) = verdict(&row.verdict);
    json!({
        "id": row.id.to_string(),
        "at": row.at.to_string(),
        "peer": row.peer.to_string(),
        "accepted": accepted,
        "verdict": verdict,
        "ms": row.millis,
        "bytes": row.body_bytes,
    })
}
