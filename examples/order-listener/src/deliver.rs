//! What this service does once an order is paid: here, a line of JSON for whoever ships.
//!
//! The row stands in the ledger's own outbox, born in the transaction that made the order paid: a crash loses none,
//! and can at most print one twice, under the same id.

use std::{sync::Arc, time::Duration};

use order_store::{Claim, OrderStore, OutboxKind, RelayId, StoreError};
use serde_json::json;
use tokio::{
    io::{AsyncWriteExt, stdout},
    sync::watch,
    time::timeout,
};

const BATCH: usize = 64;
const LEASE: Duration = Duration::from_secs(30);
/// The floor under the wake-up.
const POLL: Duration = Duration::from_secs(1);

/// Hands orders on until `stop`, then what is left.
///
/// # Errors
/// When the ledger cannot be read, or nobody reads the lines.
pub(crate) async fn run(
    store: Arc<dyn OrderStore>,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let owner = RelayId::new("order-listener");
    let mut wakeup = store.outbox_wakeup();
    loop {
        let claims = store.claim(owner.clone(), LEASE, BATCH).await?;
        if claims.is_empty() {
            if *stop.borrow() {
                return Ok(());
            }
            tokio::select! {
                _ = stop.changed() => {}
                _ = timeout(POLL, wakeup.changed()) => {}
            }
        }
        for claim in claims {
            hand_on(store.as_ref(), claim).await?;
        }
    }
}

async fn hand_on(store: &dyn OrderStore, claim: Claim) -> anyhow::Result<()> {
    let row = &claim.row;
    // The other kind is for pages that wait, which this service has none of.
    if row.kind == OutboxKind::OrderPay {
        let line = json!({
            "paid": row.key.out_trade_no,
            "transactionId": row.facts.transaction_id,
            "id": row.id.as_str(),
        });
        let mut out = stdout();
        out.write_all(format!("{line}\n").as_bytes()).await?;
        out.flush().await?;
    }
    match store.ack(claim.token).await {
        Err(StoreError::LeaseLost { .. }) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
