//! Asking a ledger: the running desk that holds it, or the folder itself.

use order_store::OrderStore as _;
use serde_json::Value;

use super::serve::{offline_desk, open_ledger};
use crate::{
    config::{RawSettings, Settings, StoreSetting},
    operator::{self, Question, ask_running},
};

/// Asks, and gives the answer or the reason in one line.
pub(super) fn look(raw: RawSettings, question: Question) -> Result<Value, String> {
    let settings = Settings::resolve(raw).map_err(|error| error.to_string())?;
    let StoreSetting::Sled(folder) = settings.store.clone();
    if !folder.is_dir() {
        return Err(format!(
            "--store: there is no ledger at {}",
            folder.display()
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        if let Some(answer) = ask_running(&folder, &question).await {
            return answer;
        }
        match open_ledger(&folder).await {
            Err(error) => Err(format!("--store: {error}")),
            Ok(store) => {
                let desk = offline_desk(&settings, store.clone())?;
                let result = operator::answer(&desk, question).await;
                store.close().await.map_err(|error| error.to_string())?;
                result
            }
        }
    })
}
