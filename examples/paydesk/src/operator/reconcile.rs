//! The ledger against one day's bill of the gateway.

use order_store::{BillRow, Certainty, Day, Difference, DifferenceKind, Reconciliation};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use wxpay_core::{
    api::{AnswerError, BillDate, BillType, DownloadBill, ErrorCode, OnlyMd5},
    bill::{BillError, BillReader, Trade},
    client::CallError,
    transport::Limited,
};

use crate::desk::Desk;

/// The longest bill that is downloaded: some hundred thousand rows. A longer one is fetched by other means and given as a file.
const DOWNLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes read of a file at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Differences that are listed; all are counted.
const LISTED_MAX: usize = 10_000;

/// Compares; `file` is read by whichever process holds the ledger.
pub(super) async fn reconcile(
    desk: &Desk,
    date: &str,
    file: Option<&str>,
) -> Result<Value, String> {
    let day: Day = date
        .parse()
        .map_err(|_| format!("--date: '{date}' is no day as in 2019-03-20"))?;
    let mut found = Found::default();
    let store = desk.store.as_ref();
    let mut ledger = Reconciliation::new(store, desk.account.mch_id.clone(), day, day);
    match file {
        Some(path) => {
            let bill = tokio::fs::File::open(path)
                .await
                .map_err(|error| format!("--bill: cannot read {path}: {error}"))?;
            read(bill, &mut ledger, &mut found)
                .await
                .map_err(|reason| format!("--bill: {path}: {reason}"))?;
        }
        None => {
            if let Some(bill) = download(desk, date).await? {
                read(bill.as_slice(), &mut ledger, &mut found).await?;
            }
        }
    }
    let mut missing = ledger.finish();
    while let Some(difference) = missing.next().await.map_err(|error| error.to_string())? {
        found.take(&difference);
    }
    Ok(json!({
        "date": day.to_string(),
        "rows": found.rows,
        "found": found.sure,
        "near_edge": found.near_edge,
        "differences": found.listed,
    }))
}

/// The day's bill; nothing when nothing happened on that day.
async fn download(desk: &Desk, date: &str) -> Result<Option<Vec<u8>>, String> {
    let bill_date: BillDate = date
        .replace('-', "")
        .parse()
        .map_err(|error| format!("--date: {error}"))?;
    let request = DownloadBill {
        bill_date,
        bill_type: BillType::All,
        tar_type: None,
    };
    let mut bytes = Vec::new();
    let mut sink = Limited::new(&mut bytes, DOWNLOAD_BYTES_MAX);
    let answer = desk.client.download(&request, OnlyMd5, &mut sink).await;
    match answer {
        Ok(_) => Ok(Some(bytes)),
        Err(CallError::Answer(
            AnswerError::Business { code, .. } | AnswerError::Unproven { code, .. },
        )) if code == ErrorCode::NoBillExist => Ok(None),
        Err(error) => Err(format!(
            "the bill cannot be downloaded: {error}; give --bill FILE"
        )),
    }
}

/// Goes through a bill to its line of sums, without which nothing of it counts.
async fn read(
    mut source: impl AsyncRead + Unpin,
    ledger: &mut Reconciliation<'_>,
    found: &mut Found,
) -> Result<(), String> {
    let text = |error: BillError| error.to_string();
    let mut bill = BillReader::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = source
            .read(&mut piece)
            .await
            .map_err(|error| error.to_string())?;
        if read == 0 {
            break;
        }
        bill.push(&piece[..read]).map_err(text)?;
        while let Some(row) = bill.next_row().map_err(text)? {
            let row = BillRow::try_from(&Trade::try_from(row).map_err(text)?);
            found.rows += 1;
            match row {
                Ok(row) => {
                    let difference = ledger.row(&row).await.map_err(|error| error.to_string())?;
                    if let Some(difference) = difference {
                        found.take(&difference);
                    }
                }
                Err(error) => found.unreadable(&error.to_string()),
            }
        }
    }
    bill.finish().map(drop).map_err(text)
}

#[derive(Default)]
struct Found {
    rows: u64,
    sure: u64,
    /// What stands near midnight, and may be on the bill of the day beside.
    near_edge: u64,
    listed: Vec<Value>,
}

impl Found {
    fn take(&mut self, difference: &Difference) {
        let near = matches!(
            difference.kind,
            DifferenceKind::MissingThere {
                certainty: Certainty::NearEdge,
                ..
            }
        );
        *(if near {
            &mut self.near_edge
        } else {
            &mut self.sure
        }) += 1;
        self.list(view(difference));
    }

    /// A row that this program cannot hold against the ledger is one that nobody has looked at.
    fn unreadable(&mut self, why: &str) {
        self.sure += 1;
        let row = self.rows;
        self.list(json!({"kind": "unreadable", "here": Value::Null, "there": format!("row {row}: {why}")}));
    }

    fn list(&mut self, difference: Value) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(difference);
        }
    }
}

fn view(difference: &Difference) -> Value {
    let (kind, here, there) = match &difference.kind {
        DifferenceKind::MissingHere => ("missing_here", Value::Null, json!("on the bill")),
        DifferenceKind::MissingThere { at, certainty } => (
            match certainty {
                Certainty::Sure => "missing_there",
                Certainty::NearEdge => "missing_there_near_midnight",
            },
            json!(at.to_string()),
            Value::Null,
        ),
        DifferenceKind::Amount { here, there } => ("amount", json!(here), json!(there)),
        DifferenceKind::State { here, there } => {
            ("state", json!(here.to_string()), json!(there.to_string()))
        }
        DifferenceKind::Twice => ("twice", Value::Null, json!("twice on the bill")),
        DifferenceKind::OtherNumber { here } => {
            ("other_number", json!(here), json!(difference.out_trade_no))
        }
        DifferenceKind::OtherPayment { here } => (
            "other_payment",
            json!(here),
            json!(difference.transaction_id),
        ),
        // One that this program has no word for yet.
        other => ("differs", json!(other.to_string()), Value::Null),
    };
    json!({
        "kind": kind,
        "out_trade_no": difference.out_trade_no,
        "transaction_id": difference.transaction_id,
        "out_refund_no": difference.out_refund_no,
        "here": here,
        "there": there,
    })
}
