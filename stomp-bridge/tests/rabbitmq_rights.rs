//! What a page's account may do at RabbitMQ. The words of most refusals are in
//! `common/rules/refusals.rs`; here are those of RabbitMQ alone.
//!
//! | RabbitMQ | held by |
//! |---|---|
//! | SUBSCRIBE and SEND of a page: paynotify, order_pay, amq.topic, nope, new | `rules::refusals` |
//! | SUBSCRIBE to another exchange, SEND to its own kind of queue | `a_page_cannot_reach_…` |
//! | ERROR without receipt-id, then a RECEIPT, then the end | `a_refused_subscribe_…` |
//! | a durable queue of a page's own (the hole), bounded by the policy | `what_a_page_leaves_behind_…` |
//! | configure, write and both halves of read are needed | `a_page_needs_each_…` |
//! | what the payer may do | `conformance` |

#![allow(clippy::unwrap_used)]

mod common;

use common::rabbitmq::{ctl, fresh, root, stomp};
use common::tcp::Tcp;
use stomp_bridge::frame::Command;

const PAGES: &str = "stomp-subscription-";

async fn guest() -> Tcp {
    Tcp::log_in(stomp(), "webguest", "webguest", "1.2").await
}

fn access_refused(kind: &str, name: &str, user: &str) -> String {
    format!("ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user '{user}'")
}

#[tokio::test]
async fn a_refused_subscribe_gets_a_receipt_too_and_then_the_end() {
    let mut tcp = guest().await;
    tcp.say("SUBSCRIBE\nid:0\ndestination:/exchange/paynotify\nreceipt:r\n\n\0")
        .await;
    let error = tcp.frame().await;
    assert_eq!(error.command, Command::Error);
    assert_eq!(error.header("receipt-id"), None);
    assert_eq!(tcp.frame().await.header("receipt-id"), Some("r"));
    assert_eq!(tcp.next().await, None);
}

#[tokio::test]
async fn a_page_cannot_reach_other_exchanges_or_write_to_its_own_queue() {
    for (frame, name) in [
        (
            "SUBSCRIBE\nid:0\ndestination:/exchange/amq.fanout",
            "amq.fanout",
        ),
        (
            "SEND\ndestination:/queue/stomp-subscription-z",
            "amq.default",
        ),
        ("SEND\ndestination:/exchange/nope", "nope"),
    ] {
        let mut tcp = guest().await;
        tcp.say(&format!("{frame}\nreceipt:r\n\n\0")).await;
        let words = access_refused("exchange", name, "webguest");
        assert_eq!(tcp.error().await, ("access_refused".to_owned(), words));
    }
}

/// The hole: a name that a page gives its queue, which then outlives it. The policy bounds it.
#[tokio::test]
async fn what_a_page_leaves_behind_holds_ten_messages() {
    let (queue, key) = (format!("{PAGES}{}", fresh("left")), fresh("left"));
    let subscribe = format!(
        "SUBSCRIBE\nid:0\nx-queue-name:{queue}\ndurable:true\nauto-delete:false\n\
         destination:/exchange/paynotify.page/{key}"
    );
    guest().await.done(&subscribe, "").await;
    let mut root = root().await;
    for n in 0..30 {
        let send = format!("SEND\ndestination:/exchange/paynotify.page/{key}");
        root.done(&send, &n.to_string()).await;
    }
    let mut guest = guest().await;
    guest.say(&format!("{subscribe}\n\n\0")).await;
    for n in 20..30 {
        assert_eq!(guest.message().await.1, n.to_string());
    }
    ctl(&["delete_queue", &queue]).await;
}

/// Each part of a page's rights is needed, and no more.
#[tokio::test]
async fn a_page_needs_each_of_its_four_rights() {
    let user = fresh("page");
    ctl(&["add_user", &user, "p"]).await;
    let own = "^stomp-subscription-";
    let (both, exchange) = (
        r"^(paynotify\.page$|stomp-subscription-)",
        r"^paynotify\.page$",
    );
    for (rights, refused) in [
        ([own, own, both], None),
        (["^$", own, both], Some(("queue", PAGES))),
        ([own, "^$", both], Some(("queue", PAGES))),
        ([own, own, own], Some(("exchange", "paynotify.page"))),
        ([own, own, exchange], Some(("queue", PAGES))),
    ] {
        let [configure, write, read] = rights;
        ctl(&["set_permissions", &user, configure, write, read]).await;
        let mut tcp = Tcp::log_in(stomp(), &user, "p", "1.2").await;
        let subscribe = "SUBSCRIBE\nid:0\ndestination:/exchange/paynotify.page/k";
        let Some((kind, name)) = refused else {
            assert!(tcp.done(subscribe, "").await.is_empty());
            continue;
        };
        tcp.say(&format!("{subscribe}\n\n\0")).await;
        let (message, body) = tcp.error().await;
        assert_eq!(message, "access_refused", "{rights:?}");
        let words = format!("ACCESS_REFUSED - access to {kind} '{name}");
        assert!(body.starts_with(&words), "{rights:?}: {body}");
    }
    ctl(&["delete_user", &user]).await;
}
