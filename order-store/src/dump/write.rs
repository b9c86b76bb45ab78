//! Export.

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{
    Dump, DumpSize, OrderRecord, OutboxRecord, RECORDS_MAX, Record,
    text::{DumpError, DumpSummary, Frame, Progress, Running, VERSION},
};

/// Writes the ledger: JSON, a line a record, in an order that does not depend on the backend, with a hash in the last line.
///
/// The text holds the secrets of orders and, in notifies, the payers' `openid`: keep it as the ledger itself. Refused notifies,
/// leases and totals are not in it: they are no facts of the ledger, or follow from it. It is of one moment, whatever is written
/// meanwhile; see [`Snapshot`](super::Snapshot).
///
/// # Errors
/// [`DumpError::Store`] and [`DumpError::Io`].
pub async fn export<W: AsyncWrite + Unpin + Send>(
    store: &dyn Dump,
    out: &mut W,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<DumpSummary, DumpError> {
    let mut writer = Writer {
        out,
        hash: Running::new(),
        line: Vec::new(),
    };
    let snapshot = store.snapshot().await?;
    let total = snapshot.size().total();
    let mut records = DumpSize::default();
    writer.line(&Frame::Ledger { version: VERSION }).await?;
    let mut report = |records: DumpSize| {
        progress(Progress {
            done: records.total(),
            total: Some(total),
        });
    };

    let mut after = None;
    loop {
        let page = snapshot.orders(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OrderRecord::place) else {
            break;
        };
        for record in page {
            writer.line(&Record::Order(Box::new(record))).await?;
            records.orders += 1;
        }
        after = Some(last);
        report(records);
    }
    let mut after = None;
    loop {
        let page = snapshot.outbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(OutboxRecord::place) else {
            break;
        };
        for record in page {
            writer.line(&Record::Outbox(Box::new(record))).await?;
            records.outbox += 1;
        }
        after = Some(last);
        report(records);
    }
    let mut after = 0;
    loop {
        let page = snapshot.inbox(after, RECORDS_MAX).await?;
        let Some(last) = page.last().map(|record| record.n) else {
            break;
        };
        for record in page {
            writer.line(&Record::Inbox(Box::new(record))).await?;
            records.inbox += 1;
        }
        after = last;
        report(records);
    }
    let sha256 = writer.end(records.total()).await?;
    Ok(DumpSummary { records, sha256 })
}

struct Writer<'a, W> {
    out: &'a mut W,
    hash: Running,
    line: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    async fn line(&mut self, record: &impl Serialize) -> Result<(), DumpError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, record).map_err(std::io::Error::from)?;
        self.line.push(b'\n');
        self.hash.take(&self.line);
        self.out.write_all(&self.line).await?;
        Ok(())
    }

    async fn end(mut self, records: u64) -> Result<String, DumpError> {
        let sha256 = std::mem::replace(&mut self.hash, Running::new()).end();
        let frame = Frame::End {
            records,
            sha256: sha256.clone(),
        };
        self.line(&frame).await?;
        self.out.flush().await?;
        Ok(sha256)
    }
}
