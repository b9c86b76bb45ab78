//! One order from its making to the message that it is paid: `cargo run --example ledger`.

use std::{error::Error, time::Duration};

use order_store::{
    AttachPrepay, BeginAttempt, By, Clock as _, Confirmation, Create, MarkPaid, OrderKey,
    OrderStore as _, OrderStoreExt as _, RelayId, SledOptions, SledStore, SystemClock,
};
use wxpay_core::{FeeType, Fen, OutTradeNo, SignType};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let store = SledStore::open(folder.path().join("ledger"), SledOptions::default())?;
    let key = OrderKey {
        mch_id: "1473426802".parse()?,
        out_trade_no: OutTradeNo::for_order("20190320-0001")?,
    };
    let now = SystemClock.now();

    let create = Create {
        key: key.clone(),
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
        now,
    };
    println!("create: {:?}", store.create(create.clone()).await?.outcome);
    println!("create again: {:?}", store.create(create).await?.outcome);

    // The intent is on disk before the gateway is asked.
    let begin = BeginAttempt {
        key: key.clone(),
        by: By::Shop,
        now,
    };
    let order = store.begin_attempt(begin).await?.order;
    let attempt = order.current_attempt().ok_or("an attempt was begun")?;
    let attach = AttachPrepay {
        key: key.clone(),
        attempt: attempt.number.clone(),
        prepay_id: "wx20190320143646".parse()?,
        code_url: "weixin://wxpay/bizpayurl?pr=2bGvPQ8".parse()?,
        by: By::Shop,
        now,
    };
    let order = store.attach_prepay(attach).await?.order;
    println!("show: {:?}", order.live_code_url(now));

    let paid = MarkPaid {
        key: key.clone(),
        attempt: key.out_trade_no.clone(),
        transaction_id: "4200000264201903206108914932".parse()?,
        total_fee: Fen::new(1990)?,
        fee_type: FeeType::cny(),
        time_end: "20190320143700".parse()?,
        confirmation: Confirmation::Confirmed,
        by: By::Notify,
        now,
    };
    println!("pay: {:?}", store.mark_paid(paid.clone()).await?.outcome);
    println!("pay again: {:?}", store.mark_paid(paid).await?.outcome);

    for claim in store
        .claim(RelayId::new("example"), Duration::from_secs(30), 10)
        .await?
    {
        println!("tell {:?}: {}", claim.row.kind, claim.row.id);
        store.ack(claim.token).await?;
    }
    for entry in store.log(&key).await? {
        println!("{} {} by {}: {}", entry.at, entry.to, entry.by, entry.what);
    }
    store.close().await?;
    Ok(())
}
