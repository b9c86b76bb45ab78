//! `paydesk compact`: gives the space of a folder back that its ledger no longer needs.

use order_store::{SledOptions, SledStore};

use super::{
    Exit, fault,
    look::{block_on, must_be_there},
    print,
};
use crate::{
    config::{self, RawSettings, StoreSetting},
    operator::is_running,
};

/// Rebuilds the files of a ledger that nobody has open.
pub(super) fn compact(raw: RawSettings) -> Exit {
    match compacted(raw) {
        Ok(said) => print(&said),
        Err(reason) => fault(&reason),
    }
}

fn compacted(raw: RawSettings) -> Result<String, String> {
    let setting = raw
        .with_file()
        .and_then(|raw| config::store(&raw))
        .map_err(|error| error.to_string())?;
    must_be_there(&setting)?;
    let StoreSetting::Sled(folder) = &setting else {
        return Err("--store: PostgreSQL gives its space back by itself".to_owned());
    };
    block_on(async {
        if is_running(folder).await {
            return Err(format!(
                "--store: a desk runs on {setting}; stop it before its files are rebuilt"
            ));
        }
        let done = SledStore::compact(folder, &SledOptions::default())
            .map_err(|error| format!("--store: {error}"))?;
        Ok(format!(
            "{} records; {} bytes before, {} after\n",
            done.records, done.bytes_before, done.bytes_after
        ))
    })
}
