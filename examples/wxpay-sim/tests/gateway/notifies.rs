//! Notifies: the schedule, and where they may go.

use std::time::Duration;

use serde_json::json;
use wxpay_core::{NotifyReply, SignType};

use crate::support::{Desk, Receiver, tea, unix_ms};

#[tokio::test]
async fn a_notify_is_repeated_by_the_clock_until_success_and_never_after() {
    let desk = Desk::start(SignType::HmacSha256).await;
    let fail = NotifyReply::Fail("not yet").to_xml();
    let redirect = "redirect".to_owned();
    let mut receiver = Receiver::start(vec![
        fail,
        "success".to_owned(),
        redirect,
        NotifyReply::Success.to_xml(),
    ])
    .await;
    let order = tea("T20260101000003", &receiver.url());
    desk.call(&order).await.unwrap();
    desk.post("/sim/pay", &json!({ "out_trade_no": "T20260101000003" }))
        .await;
    let first = receiver.next().await;
    // Advanced by less than an interval nothing is due; the state of the schedule says so.
    for (advance_s, due_in_s) in [(0, 15), (15, 15), (15, 30)] {
        desk.post("/sim/clock", &json!({ "advance_s": advance_s }))
            .await;
        if advance_s > 0 {
            assert_eq!(receiver.next().await, first, "the same notify again");
        }
        let notify = desk.settled("T20260101000003").await;
        assert_eq!(notify["state"], "waiting", "{notify}");
        let waits = unix_ms(&notify["next_at"]) - desk.now_ms().await;
        assert!(
            (due_in_s * 1000 - 10_000..=due_in_s * 1000).contains(&waits),
            "{waits} ms of {due_in_s} s"
        );
    }
    desk.post("/sim/clock", &json!({ "advance_s": 30 })).await;
    assert_eq!(receiver.next().await, first);
    assert_eq!(
        desk.settled("T20260101000003").await,
        json!({ "state": "answered", "tries": 4, "next_at": null })
    );

    desk.post("/sim/clock", &json!({ "advance_s": 100_000 }))
        .await;
    // Another order's notify passes through the same sender afterwards, and is the next to arrive.
    desk.call(&tea("T20260101000004", &receiver.url()))
        .await
        .unwrap();
    desk.post("/sim/pay", &json!({ "out_trade_no": "T20260101000004" }))
        .await;
    assert!(
        String::from_utf8(receiver.next().await)
            .unwrap()
            .contains("T20260101000004")
    );
    let tries = desk.get("/sim/notifies?out_trade_no=T20260101000003").await;
    let shown: Vec<_> = tries
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (
                each["try"].clone(),
                each["status"].clone(),
                each["verdict"].clone(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (json!(1), json!(200), json!("not_success")),
            (json!(2), json!(200), json!("not_success")),
            (json!(3), json!(302), json!("not_success")),
            (json!(4), json!(200), json!("answered")),
        ]
    );
    assert_eq!(tries[1]["reply"], "success");
    let at: Vec<i64> = tries
        .as_array()
        .unwrap()
        .iter()
        .map(|each| unix_ms(&each["at"]))
        .collect();
    for (pair, least_ms) in at.windows(2).zip([15_000, 15_000, 30_000]) {
        assert!(pair[1] - pair[0] >= least_ms - 10_000, "{at:?}");
    }
}

#[tokio::test]
async fn a_leap_of_the_clock_brings_every_try_that_it_leapt_over() {
    let desk = Desk::start(SignType::Md5).await;
    let mut receiver = Receiver::start(vec!["no".to_owned()]).await;
    desk.call(&tea("T20260101000005", &receiver.url()))
        .await
        .unwrap();
    desk.post("/sim/pay", &json!({ "out_trade_no": "T20260101000005" }))
        .await;
    receiver.next().await;
    desk.sim
        .clock()
        .advance(Duration::from_mins(24 * 60 + 4))
        .unwrap();
    for _ in 0..15 {
        receiver.next().await;
    }
    assert_eq!(
        desk.settled("T20260101000005").await,
        json!({ "state": "given_up", "tries": 16, "next_at": null })
    );
    assert_eq!(desk.sim.notifies().len(), 16);
}

#[tokio::test]
async fn a_notify_goes_nowhere_but_to_loopback() {
    let desk = Desk::start(SignType::Md5).await;
    // 192.0.2.0/24 is for documentation: nothing answers there.
    desk.call(&tea("T20260101000006", "http://192.0.2.1/notify"))
        .await
        .unwrap();
    desk.post("/sim/pay", &json!({ "out_trade_no": "T20260101000006" }))
        .await;
    assert_eq!(desk.settled("T20260101000006").await["state"], "refused");
    let tries = desk.get("/sim/notifies").await;
    assert_eq!(tries.as_array().unwrap().len(), 1);
    assert_eq!(tries[0]["verdict"], "refused");
    assert_eq!(tries[0]["status"], json!(null));
    assert!(
        tries[0]["reply"]
            .as_str()
            .unwrap()
            .contains("--allow-notify 192.0.2.1"),
        "{tries}"
    );
}
