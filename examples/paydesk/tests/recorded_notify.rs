//! The recorded notify of the real gateway, byte for byte: it pays its order once, however often it comes, and no
//! changed byte of it pays anything.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{
    Paydesk,
    feed::{self, Feed},
    paid_rows,
    recorded::{self, OUT_TRADE_NO, SUCCESS, TRANSACTION_ID},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_notify_pays_its_order_once() {
    let desk = Paydesk::start_with(recorded::merchant);
    let mut services = Feed::embedded(&desk.url, feed::order_pay()).await;
    let mut fanout = Feed::embedded(&desk.url, feed::fanout()).await;
    recorded::paid_at_the_gateway(&desk).await;
    assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid");

    let notify = recorded::notify();
    assert_eq!(desk.notify("/wxpay/notify", &notify).await, SUCCESS);

    let (_, order) = desk.get(&format!("/api/orders/{OUT_TRADE_NO}")).await;
    assert_eq!(order["state"], "paid");
    assert_eq!(order["transaction_id"], TRANSACTION_ID);
    assert_eq!(order["paid_at"], "2019-03-20T14:36:46+08:00");
    assert_eq!(order["attention"], json!([]));
    let message = services.next().await;
    assert_eq!(
        serde_json::from_slice::<Value>(&message.body).unwrap(),
        json!({"orderId": OUT_TRADE_NO, "transactionId": TRANSACTION_ID})
    );
    assert!(message.header("x-outbox-id").is_some());
    assert_eq!(fanout.next().await.body, OUT_TRADE_NO.as_bytes());
    let log = desk.log(OUT_TRADE_NO).await;
    assert_eq!(paid_rows(&log), 1);

    let again = (0..20).map(|_| desk.notify("/wxpay/notify", &notify));
    for reply in futures_util::future::join_all(again).await {
        assert_eq!(reply, SUCCESS);
    }
    assert_eq!(desk.log(OUT_TRADE_NO).await, log);
    services.assert_quiet().await;
    fanout.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_pay_once_from_the_start() {
    let desk = Paydesk::start_with(recorded::merchant);
    let mut services = Feed::embedded(&desk.url, feed::order_pay()).await;
    recorded::paid_at_the_gateway(&desk).await;
    let notify = recorded::notify();
    let all = (0..20).map(|_| desk.notify("/wxpay/notify", &notify));
    for reply in futures_util::future::join_all(all).await {
        assert_eq!(reply, SUCCESS);
    }
    assert_eq!(paid_rows(&desk.log(OUT_TRADE_NO).await), 1);
    services.next().await;
    services.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_changed_byte_of_any_value_is_refused() {
    let desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    let before = desk.log(OUT_TRADE_NO).await;
    let notify = recorded::notify();
    let positions = recorded::value_bytes(&notify);
    assert_eq!(positions.len(), 204, "every byte of every value");
    for at in positions {
        let mut changed = notify.clone();
        changed[at] = if changed[at] == b'7' { b'8' } else { b'7' };
        let reply = desk.notify("/wxpay/notify", &changed).await;
        assert!(reply.contains("<![CDATA[FAIL]]>"), "byte {at}: {reply}");
    }
    assert_eq!(desk.state(OUT_TRADE_NO).await, "unpaid");
    assert_eq!(desk.log(OUT_TRADE_NO).await, before);
    // The unchanged one still pays.
    assert_eq!(desk.notify("/wxpay/notify", &notify).await, SUCCESS);
    assert_eq!(desk.state(OUT_TRADE_NO).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hangs_up_early_is_still_heard_to_the_end() {
    let desk = Paydesk::start_with(recorded::merchant);
    recorded::paid_at_the_gateway(&desk).await;
    // The query takes its whole second and a half, so the notify is still being handled when the line goes.
    desk.sim("/sim/faults", &json!({"orderquery": "silent"}))
        .await;
    let notify = recorded::notify();
    let mut socket = TcpStream::connect(desk.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = format!(
        "POST /wxpay/notify HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        notify.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&notify).await.unwrap();
    desk.wait_for_log("notify received");
    drop(socket);
    desk.wait_for_state(OUT_TRADE_NO, "paid").await;
    desk.wait_for_log("notify accepted");
}
