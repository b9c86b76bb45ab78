//! `paydesk import`: an export from standard input into a ledger.

use tokio::io::BufReader;

use super::{
    Exit,
    bar::Bar,
    export::said,
    fault,
    look::{block_on, close, open},
};
use crate::{
    cli::ImportArgs,
    config::{self, RawSettings, StoreSetting},
    ledger::Ledger,
    operator::is_running,
};

/// Reads every record into a ledger that has none.
pub(super) fn import(raw: RawSettings, args: &ImportArgs) -> Exit {
    match import_from_stdin(raw, args) {
        Ok(said) => {
            eprintln!("paydesk: {said}");
            Exit::Clean
        }
        Err(reason) => fault(&reason),
    }
}

fn import_from_stdin(raw: RawSettings, args: &ImportArgs) -> Result<String, String> {
    let setting = raw
        .with_file()
        .and_then(|raw| config::store(&raw))
        .map_err(|error| error.to_string())?;
    block_on(async {
        if let StoreSetting::Sled(folder) = &setting
            && is_running(folder).await
        {
            return Err(format!(
                "--store: a desk runs on {setting}; stop it before an import"
            ));
        }
        let store = open(&setting).await?;
        let done = load(&store, &setting, args).await;
        close(&store).await?;
        done
    })
}

async fn load(store: &Ledger, setting: &StoreSetting, args: &ImportArgs) -> Result<String, String> {
    let size = store.dump_size().await.map_err(|error| error.to_string())?;
    if size.total() > 0 && !args.resume {
        return Err(format!(
            "--store: {setting} is not empty: it has {} orders, {} rows of the outbox and {} notifies; an import that was cut off goes on with --resume",
            size.orders, size.outbox, size.inbox
        ));
    }
    let mut input = BufReader::new(tokio::io::stdin());
    let mut bar = Bar::on_stderr();
    order_store::import(store.as_ref(), &mut input, &mut |progress| {
        bar.show(progress);
    })
    .await
    .map(|summary| said(&summary))
    .map_err(|error| error.to_string())
}
