//! `paydesk export`: the whole ledger on standard output.

use order_store::DumpSummary;
use tokio::io::BufWriter;

use super::{
    Exit,
    bar::Bar,
    fault,
    look::{block_on, close, must_be_there, open},
};
use crate::{
    config::{self, RawSettings, StoreSetting},
    operator::export_running,
};

/// Writes every record, from the running desk where one holds the folder.
pub(super) fn export(raw: RawSettings) -> Exit {
    match export_to_stdout(raw) {
        Ok(said) => {
            eprintln!("paydesk: {said}");
            Exit::Clean
        }
        Err(reason) => fault(&reason),
    }
}

fn export_to_stdout(raw: RawSettings) -> Result<String, String> {
    let setting = raw
        .with_file()
        .and_then(|raw| config::store(&raw))
        .map_err(|error| error.to_string())?;
    must_be_there(&setting)?;
    let mut bar = Bar::on_stderr();
    let mut progress = |progress| bar.show(progress);
    block_on(async {
        let mut out = BufWriter::new(tokio::io::stdout());
        if let StoreSetting::Sled(folder) = &setting
            && let Some(done) = export_running(folder, &mut out, &mut progress).await
        {
            return done.map(|end| {
                format!(
                    "{} records, as the running desk's ledger was when this began; sha256 {}",
                    end.records, end.sha256
                )
            });
        }
        let store = open(&setting).await?;
        let done = order_store::export(store.as_ref(), &mut out, &mut progress).await;
        close(&store).await?;
        done.map(|summary| said(&summary))
            .map_err(|error| error.to_string())
    })
}

/// What a dump held, for people.
pub(super) fn said(summary: &DumpSummary) -> String {
    let records = &summary.records;
    format!(
        "{} orders, {} rows of the outbox, {} notifies; sha256 {}",
        records.orders, records.outbox, records.inbox, summary.sha256
    )
}
