//! The whole path in a real browser: shop, order, code, phone, success.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::{Paydesk, browser::Browser, proxy::Line};

/// Orders on the shop page; gives the order's number, on its QR page with the feed in force.
async fn order(desk: &Paydesk, browser: &Browser) -> String {
    browser.goto(&format!("{}/", desk.url)).await;
    browser.picture("shop").await;
    browser.click("#buy").await;
    browser.wait("#qr svg").await;
    browser.wait("html[data-feed=live]").await;
    let number = browser.run("return document.body.dataset.order").await;
    number.as_str().unwrap().to_owned()
}

async fn wait_for_success(browser: &Browser) -> Duration {
    let started = Instant::now();
    browser.wait("#success").await;
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_moves_on_within_a_second_of_the_payment() {
    let desk = Paydesk::start();
    let browser = Browser::open().await;
    let number = order(&desk, &browser).await;
    assert_eq!(browser.path().await, "/wxpay");
    assert!(browser.text("h1").await.contains("扫码"));
    browser.picture("qr").await;

    let link = browser
        .run("return document.getElementById('phone').href")
        .await;
    let link = link.as_str().unwrap().to_owned();
    assert!(link.starts_with(&desk.phone), "{link}");

    // The payer's phone is another page; the QR page stays open in its own window.
    let qr = browser.page.window().await.unwrap();
    let phone = browser.page.new_window(false).await.unwrap();
    browser.page.switch_to_window(phone.handle).await.unwrap();
    browser.goto(&link).await;
    browser.wait(&format!("#pay-{number}")).await;
    browser.picture("phone").await;
    browser.click(&format!("#pay-{number}")).await;
    desk.wait_for_state(&number, "paid").await;
    let paid = Instant::now();
    browser.page.switch_to_window(qr).await.unwrap();
    wait_for_success(&browser).await;
    let took = paid.elapsed();
    assert!(took < Duration::from_secs(1), "the page took {took:?}");
    assert_eq!(browser.path().await, "/wxpay/toPaySuccess");
    let moved_by = browser
        .run("return sessionStorage.getItem('paydesk.moved_by')")
        .await;
    assert_eq!(moved_by, "push", "the page moved by something else");
    browser.picture("success").await;
    eprintln!("the page moved {took:?} after the ledger said paid");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_socket_cut_the_page_gets_there_by_polling() {
    let line = Line::open().await;
    let desk = Paydesk::start_with(|command| {
        command.env(
            "PAYDESK_BROWSER_BROKER",
            format!("ws://webguest:webguest@{}/ws", line.address),
        );
    });
    line.lead_to(desk.url.trim_start_matches("http://"));
    let browser = Browser::open().await;
    let number = order(&desk, &browser).await;
    line.cut().await;
    browser.wait("html:not([data-feed=live])").await;
    desk.sim("/sim/pay", &json!({"out_trade_no": number})).await;
    wait_for_success(&browser).await;
    let moved_by = browser
        .run("return sessionStorage.getItem('paydesk.moved_by')")
        .await;
    assert_eq!(moved_by, "poll");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_order_leads_to_the_fail_page_and_pages_switch_language() {
    let desk = Paydesk::start();
    let browser = Browser::open().await;
    let number = order(&desk, &browser).await;
    browser.click("#lang").await;
    browser.wait("html[lang=en]").await;
    assert!(browser.text("h1").await.contains("Scan"));
    let (status, answer) = desk
        .post(&format!("/api/orders/{number}/close"), &json!({}))
        .await;
    assert_eq!(status, 202, "{answer}");
    browser.wait("#fail").await;
    assert_eq!(browser.path().await, "/wxpay/toPayFail");
    assert!(browser.text("#fail").await.contains("closed"));
    // Success pages are for paid orders only.
    browser
        .goto(&format!("{}/wxpay/toPaySuccess?orderId={number}", desk.url))
        .await;
    browser.wait("#fail").await;
    browser.close().await;
}
