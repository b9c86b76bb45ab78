//! Asking a ledger: the running desk that holds it, or the ledger itself.

use std::future::Future;

use order_store::StoreError;
use serde_json::Value;

use super::{bar::Bar, serve::offline_desk};
use crate::{
    config::{RawSettings, Settings, StoreSetting},
    ledger::{self, Ledger},
    operator::{self, Question, ask_running},
};

/// Asks, and gives the answer or the reason in one line. On a terminal a line says how far a long answer is.
pub(super) fn look(raw: RawSettings, question: Question) -> Result<Value, String> {
    let mut bar = Bar::on_stderr();
    let mut progress = |progress| bar.show(progress);
    let settings = Settings::resolve(raw).map_err(|error| error.to_string())?;
    must_be_there(&settings.store)?;
    block_on(async {
        if let StoreSetting::Sled(folder) = &settings.store
            && let Some(answer) = ask_running(folder, &question, &mut progress).await
        {
            return answer;
        }
        let store = match (&question, ledger::open(&settings.store).await) {
            (_, Ok(store)) => store,
            (Question::Check, Err(error)) => {
                return operator::damage(&error).ok_or_else(|| not_opened(&error));
            }
            (_, Err(error)) => return Err(not_opened(&error)),
        };
        let desk = offline_desk(&settings, store.clone())?;
        let result = operator::answer(&desk, question, &mut progress).await;
        close(&store).await?;
        result
    })
}

/// A folder that is not there is a mistyped name: it is not made for a look.
pub(super) fn must_be_there(setting: &StoreSetting) -> Result<(), String> {
    match setting {
        StoreSetting::Sled(folder) if !folder.is_dir() => Err(format!(
            "--store: there is no ledger at {}",
            folder.display()
        )),
        _ => Ok(()),
    }
}

/// Opens the ledger; the reason why not names the option.
pub(super) async fn open(setting: &StoreSetting) -> Result<Ledger, String> {
    ledger::open(setting)
        .await
        .map_err(|error| not_opened(&error))
}

fn not_opened(error: &StoreError) -> String {
    match error {
        StoreError::Locked { path } => format!(
            "--store: the ledger at {} is held by another process",
            path.display()
        ),
        error => format!("--store: {error}"),
    }
}

pub(super) async fn close(store: &Ledger) -> Result<(), String> {
    store
        .close()
        .await
        .map_err(|error| format!("--store: {error}"))
}

/// Runs a sub-command's work to its end.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(work)
}
