//! The ledger, in whichever store the settings name.

use std::{sync::Arc, time::Duration};

use order_store::{
    Dump, FailureCause, PostgresOptions, PostgresStore, SledOptions, SledStore, StoreError,
};

use crate::config::StoreSetting;

/// A ledger of either kind: what serves orders, and what gives and takes all records.
pub(crate) type Ledger = Arc<dyn Dump>;

/// A desk that was killed may hold its folder a moment longer than it lives, and is started again at once.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Opens it; a folder that is not there, or a schema, is made.
///
/// # Errors
/// [`StoreError`]; its text names the place, and no password.
pub(crate) async fn open(setting: &StoreSetting) -> Result<Ledger, StoreError> {
    match setting {
        StoreSetting::Sled(folder) => {
            let folder = folder.clone();
            let opened = tokio::task::spawn_blocking(move || {
                let options = SledOptions {
                    lock_patience: LOCK_PATIENCE,
                    ..SledOptions::default()
                };
                SledStore::open(&folder, options)
            });
            let store = opened.await.unwrap_or_else(|error| {
                Err(StoreError::Failed {
                    cause: FailureCause::Ended,
                    why: error.to_string(),
                })
            })?;
            Ok(Arc::new(store))
        }
        StoreSetting::Postgres(url) => {
            let store = PostgresStore::open(url, PostgresOptions::default()).await?;
            Ok(Arc::new(store))
        }
    }
}
