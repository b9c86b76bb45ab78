//! Totals by day.

use order_store::{Day, OrderStore, TotalsQuery};
use serde_json::{Value, json};

/// What came in and went back on the days from `from` to `to`.
pub(super) async fn totals(store: &dyn OrderStore, from: &str, to: &str) -> Result<Value, String> {
    let day = |option: &str, text: &str| {
        text.parse::<Day>()
            .map_err(|_| format!("{option}: '{text}' is no day as in 2019-03-20"))
    };
    let query = TotalsQuery {
        from: day("--from", from)?,
        to: day("--to", to)?,
        mch_id: None,
    };
    let totals = store
        .totals(query)
        .await
        .map_err(|error| error.to_string())?;
    Ok(totals
        .iter()
        .map(|day| {
            json!({
                "day": day.day.to_string(),
                "mch_id": day.mch_id,
                "payments": day.payments,
                "paid": day.paid,
                "refunds": day.refunds,
                "refunded": day.refunded,
            })
        })
        .collect())
}
