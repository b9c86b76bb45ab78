//! Rows of the outbox: seen, made ready again, set aside.

use std::time::Duration;

use order_store::{
    Dump, OutboxHold, OutboxId, OutboxRecord, OutboxStatus, RECORDS_MAX, RelayId, StoreError,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{cli::OutboxFilter, random};

/// How long an operator's claim holds. What is claimed beside the wanted row is free again after it.
const LEASE: Duration = Duration::from_secs(5);
/// Rows of one claim.
const BATCH: usize = 500;
/// A relay may hold the row for one try: so long it is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(200);

/// The rows that wait, in the order in which they go out, and the counts of all.
pub(super) async fn list(
    store: &dyn Dump,
    filter: OutboxFilter,
    limit: usize,
) -> Result<Value, StoreError> {
    let mut rows = Vec::new();
    let mut after = None;
    while rows.len() < limit {
        let page = store.dump_outbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OutboxRecord::place) else {
            break;
        };
        let wanted = page.iter().filter(|record| match filter {
            OutboxFilter::All => true,
            OutboxFilter::Parked => record.hold == OutboxHold::Parked,
        });
        rows.extend(wanted.take(limit - rows.len()).map(row));
        after = Some(last);
    }
    let status = store.outbox_status().await?;
    Ok(json!({"rows": rows, "status": counts(&status)}))
}

fn row(record: &OutboxRecord) -> Value {
    let OutboxRecord { row, hold } = record;
    let (state, until) = match hold {
        OutboxHold::None => ("waiting", None),
        OutboxHold::Until(at) => ("put_off", Some(at.to_string())),
        OutboxHold::Parked => ("parked", None),
    };
    json!({
        "id": row.id,
        "out_trade_no": row.key.out_trade_no,
        "kind": row.kind.as_str(),
        "state": state,
        "until": until,
        "created_at": row.created_at.to_string(),
        "attempts": row.attempts,
        "last_error": row.last_error,
    })
}

fn counts(status: &OutboxStatus) -> Value {
    json!({
        "waiting": status.waiting,
        "put_off": status.put_off,
        "leased": status.leased,
        "parked": status.parked,
        "oldest": status.oldest.map(|at| at.to_string()),
        "next_retry": status.next_retry.map(|at| at.to_string()),
    })
}

/// Makes rows ready again: those named, or all that are set aside when none is.
pub(super) async fn retry(store: &dyn Dump, ids: &[String]) -> Result<Value, StoreError> {
    let (mut ready, mut unknown) = (Vec::new(), Vec::new());
    let mut requeue = async |id: &OutboxId| match store.requeue(id).await {
        Ok(()) => {
            ready.push(id.to_string());
            Ok(())
        }
        Err(StoreError::NoSuchRow { .. }) => {
            unknown.push(id.to_string());
            Ok(())
        }
        Err(error) => Err(error),
    };
    for id in ids {
        requeue(&OutboxId::from_text(id)).await?;
    }
    if ids.is_empty() {
        // What becomes ready is not among them any more; a row that someone else took is not asked for again.
        let mut asked = std::collections::HashSet::new();
        loop {
            let parked = store.parked(BATCH).await?;
            let fresh: Vec<_> = parked
                .into_iter()
                .map(|row| row.id)
                .filter(|id| asked.insert(id.clone()))
                .collect();
            if fresh.is_empty() {
                break;
            }
            for id in &fresh {
                requeue(id).await?;
            }
        }
    }
    Ok(json!({"ready": ready, "unknown": unknown}))
}

/// Sets one row aside, so that the later ones of its order can be decided on; it is kept until `retry`.
pub(super) async fn park(store: &dyn Dump, id: &str, reason: &str) -> Result<Value, String> {
    let id = OutboxId::from_text(id);
    let text = |error: StoreError| error.to_string();
    let owner = RelayId::new(&format!("operator-{}", random::hex::<4>()));
    let deadline = Instant::now() + PATIENCE;
    loop {
        match find(store, &id).await.map_err(text)? {
            None => return Err(format!("the outbox has no row {id}; it may have gone out")),
            Some(record) if record.hold == OutboxHold::Parked => {
                return Ok(json!({"id": id, "state": "parked"}));
            }
            Some(record) if record.hold != OutboxHold::None => match store.requeue(&id).await {
                Ok(()) | Err(StoreError::NoSuchRow { .. }) => {}
                Err(error) => return Err(text(error)),
            },
            Some(_) => {}
        }
        let claims = store
            .claim(owner.clone(), LEASE, BATCH)
            .await
            .map_err(text)?;
        for claim in claims {
            if claim.row.id == id {
                match store.park(claim.token, reason.to_owned()).await {
                    Ok(()) | Err(StoreError::LeaseLost { .. }) => {}
                    Err(error) => return Err(text(error)),
                }
            }
        }
        if Instant::now() >= deadline {
            return Err(format!(
                "row {id} is on loan to a relay, or stands behind another row of its order"
            ));
        }
        sleep(PAUSE).await;
    }
}

async fn find(store: &dyn Dump, id: &OutboxId) -> Result<Option<OutboxRecord>, StoreError> {
    let mut after = None;
    loop {
        let page = store.dump_outbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OutboxRecord::place) else {
            return Ok(None);
        };
        if let Some(found) = page.into_iter().find(|record| record.row.id == *id) {
            return Ok(Some(found));
        }
        after = Some(last);
    }
}
