//! The ledger, through its public face alone.

use std::{path::Path, sync::Arc};

use anyhow::{Result, ensure};
use order_store::{
    By, Confirmation, Create, MarkPaid, OrderKey, OrderStoreExt as _, Outcome, SledOptions,
    SledStore, Timestamp,
};
use wxpay_core::{FeeType, Fen, SignType};

use crate::{engine::Payments, run};

/// The first order's time, in milliseconds since 1970; each later one is a millisecond younger.
const FIRST: i64 = 1_553_063_806_000;
/// Callers while orders are made: more in flight than the bench has, to be done sooner.
const LOADERS: u32 = 512;

/// A ledger in a folder.
pub(crate) struct Ledger {
    pub(crate) store: SledStore,
}

impl Ledger {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let store = SledStore::open(folder, SledOptions::default())?;
        Ok(Self { store })
    }

    /// Makes the orders `from..to`.
    pub(crate) async fn load(self: &Arc<Self>, from: u32, to: u32) -> Result<()> {
        run::each(self, LOADERS, from..to, |ledger, n| async move {
            ledger.store.create(create(n)?).await?;
            Ok(())
        })
        .await
    }
}

impl Payments for Ledger {
    async fn pay(&self, n: u32) -> Result<()> {
        let done = self.store.mark_paid(mark_paid(n)?).await?;
        ensure!(done.outcome == Outcome::Applied, "order {n} was paid");
        Ok(())
    }
}

fn key(n: u32) -> Result<OrderKey> {
    Ok(OrderKey {
        mch_id: "1473426802".parse()?,
        out_trade_no: format!("bench-{n:08}").parse()?,
    })
}

fn at(n: u32) -> Timestamp {
    Timestamp::from_millis(FIRST + i64::from(n))
}

fn create(n: u32) -> Result<Create> {
    Ok(Create {
        key: key(n)?,
        appid: "wx8397f8696b538317".parse()?,
        sign_type: SignType::HmacSha256,
        body: "Longjing tea".parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        attach: None,
        product_id: "tea-1".parse()?,
        spbill_create_ip: "192.0.2.1".parse()?,
        notify_base: "https://desk.example/wxpay/notify".parse()?,
        expires_after: None,
        by: By::Shop,
        now: at(n),
    })
}

fn mark_paid(n: u32) -> Result<MarkPaid> {
    let paid_at = at(n) + std::time::Duration::from_secs(20);
    Ok(MarkPaid {
        key: key(n)?,
        attempt: format!("bench-{n:08}").parse()?,
        transaction_id: format!("42000002642019032{n:011}").parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        time_end: paid_at.beijing(),
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now: paid_at,
    })
}
