//! `parked`: messages that were set aside.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::{AT_ONCE, found, ledger, print};
use crate::{
    cli::Settings,
    ledger::{Bad, NotTaken},
    message::OrderPay,
    parked::{Parked, ParkedFile},
};

pub(super) fn list(settings: &Settings) -> Result<ExitCode> {
    let all = ParkedFile::new(&settings.data).read().context("--data")?;
    for parked in &all {
        print(&format!("{}\n", serde_json::to_string(parked)?))?;
    }
    Ok(found(all.len()))
}

pub(super) async fn retry(settings: &Settings) -> Result<ExitCode> {
    // The ledger's lock keeps a running listener out while the file is rewritten.
    let ledger = ledger(settings, AT_ONCE)?;
    let file = ParkedFile::new(&settings.data);
    let all = file.read().context("--data")?;
    let total = all.len();
    let mut rest = Vec::new();
    for parked in all {
        let taken = match OrderPay::read(parked.body.as_bytes()) {
            Ok(message) => ledger.take(&message).await,
            Err(error) => Err(Bad::from(error).into()),
        };
        match taken {
            Ok(_) => {}
            Err(NotTaken::Bad(bad)) => rest.push(Parked {
                code: bad.code().to_owned(),
                reason: bad.to_string(),
                ..parked
            }),
            Err(error) => return Err(error.into()),
        }
    }
    file.replace(&rest).context("--data")?;
    ledger.store.close().await?;
    let left = rest.len();
    print(&format!(
        "{total} messages tried, {} taken, {left} left\n",
        total - left
    ))?;
    Ok(found(left))
}
