//! kill -9 between the ledger's commit and the publication: after the restart the messages go out.
#![allow(clippy::unwrap_used, missing_docs)]
// The fault points are compiled into debug builds only.
#![cfg(debug_assertions)]

mod support;

use serde_json::{Value, json};
use support::{
    Paydesk,
    feed::{self, Feed},
    paid_rows,
    recorded::{self, OUT_TRADE_NO, SUCCESS, TRANSACTION_ID},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_not_published_is_published_after_the_restart() {
    let desk = Paydesk::start_with(|command| {
        recorded::merchant(command);
        command.env("PAYDESK_FAULT_POINT", "before_publish");
    });
    recorded::paid_at_the_gateway(&desk).await;
    assert_eq!(
        desk.notify("/wxpay/notify", &recorded::notify()).await,
        SUCCESS
    );
    desk.wait_for_log("fault point reached: before_publish");
    let folder = desk.folder.clone();
    let _keep = desk.kill();

    // The embedded broker keeps the queue's messages for whoever comes.
    let desk = Paydesk::start_in(&folder, recorded::merchant);
    let mut services = Feed::embedded(&desk.url, feed::order_pay()).await;
    let message = services.next().await;
    assert_eq!(
        serde_json::from_slice::<Value>(&message.body).unwrap(),
        json!({"orderId": OUT_TRADE_NO, "transactionId": TRANSACTION_ID})
    );
    assert_eq!(desk.state(OUT_TRADE_NO).await, "paid");
    assert_eq!(paid_rows(&desk.log(OUT_TRADE_NO).await), 1);
    services.assert_quiet().await;
}
