//! What a RabbitMQ (3.10) says and does where the embedded broker does otherwise, or where the
//! client's rules come from it. What both do alike is in `common/rules`, what a client makes of it
//! in `common/conformance`.
//!
//! | RabbitMQ | held by |
//! |---|---|
//! | CONNECT and what follows it, heart-beats | `rabbitmq_connect.rs`, `rules::sessions` |
//! | words of wrong frames | `rules::refusals`; empty destination, lower case: `some_errors_…` |
//! | what is open after an ERROR, what is closed | `some_errors_leave_it_open_and_some_close_it` |
//! | bad escape, no colon, bad content-length | `what_is_no_frame_…` |
//! | NUL in a body without content-length | `a_nul_without_a_length_…` |
//! | nobody wants it, missing queue, no slash, escaped slash, large, no id: confirmed | `what_is_confirmed_…` |
//! | quorum queue, `durable:false`, other arguments | `some_errors_…`, `rules::refusals` |
//! | ids of subscriptions: unknown, twice | `some_errors_…`, `rules::refusals` |
//! | a queue that is deleted under its subscriber | `a_queue_that_goes_…` |
//! | what a page may and may not do | `rabbitmq_rights.rs`, `rules::refusals` |
//! | over WebSocket: close 1000 for some, ERROR for others | `over_websocket_…`, `conformance` |

#![allow(clippy::unwrap_used)]

mod common;

use After::{Closed, Open};
use common::rabbitmq::{account_and_address, ctl, fresh, root, web_stomp};
use common::raw::{Heard, Raw};
use stomp_bridge::frame::Command;

#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Open,
    /// It may give a receipt for what it has just refused.
    Closed,
}

#[tokio::test]
async fn some_errors_leave_it_open_and_some_close_it() {
    let quorum = fresh("quorum");
    let declare =
        format!("SEND\nx-queue-type:quorum\nx-expires:60000\ndestination:/queue/{quorum}");
    root().await.done(&declare, "x").await;
    let classic = format!("SEND\nx-expires:60000\ndestination:/queue/{quorum}\nreceipt:r\n\nx\0");
    let twice = "SUBSCRIBE\nid:0\ndestination:/topic/twice\nreceipt:r\n\n\0".repeat(2);
    for (frame, message, after) in [
        ("SEND\nreceipt:r\n\nx\0", "Missing destination", Open),
        (
            "SEND\ndestination:/foo/bar\nreceipt:r\n\nx\0",
            "Unknown destination",
            Open,
        ),
        (
            "SEND\ndestination:\nreceipt:r\n\nx\0",
            "Invalid destination",
            Open,
        ),
        (
            "SEND\ndestination:/queue/\nreceipt:r\n\nx\0",
            "Invalid destination",
            Open,
        ),
        (
            "SEND\ndestination:/queue/a/b\nreceipt:r\n\nx\0",
            "Invalid destination",
            Open,
        ),
        (
            "SEND\ndestination:/exchange/\nreceipt:r\n\nx\0",
            "Invalid destination",
            Open,
        ),
        (
            "SEND\nmessage-id:1\ndestination:/topic/a\nreceipt:r\n\nx\0",
            "Invalid header",
            Open,
        ),
        ("NOPE\nreceipt:r\n\n\0", "Bad command", Open),
        (
            "send\ndestination:/topic/a\nreceipt:r\n\n\0",
            "Bad command",
            Open,
        ),
        (
            "UNSUBSCRIBE\nid:9\nreceipt:r\n\n\0",
            "No subscription found",
            Open,
        ),
        ("ACK\nid:9\nreceipt:r\n\n\0", "Invalid header", Open),
        (
            "SEND\ndestination:/exchange/nope\nreceipt:r\n\nx\0",
            "not_found",
            Closed,
        ),
        (
            "SEND\ndurable:false\ndestination:/queue/order_pay\nreceipt:r\n\nx\0",
            "resource_locked",
            Closed,
        ),
        (&classic, "precondition_failed", Closed),
        (&twice, "Duplicated subscription identifier", Closed),
    ] {
        let mut tcp = root().await;
        tcp.say(frame).await;
        let error = loop {
            let heard = tcp.frame().await;
            if heard.command == Command::Error {
                break heard;
            }
        };
        assert_eq!(error.header("message"), Some(message), "{frame:?}");
        assert_eq!(error.header("receipt-id"), None, "{frame:?}");
        match after {
            Open => drop(
                tcp.done("SEND\ndestination:/topic/words", "still there")
                    .await,
            ),
            Closed => {
                while let Some(heard) = tcp.next().await {
                    assert_eq!(heard.command, Command::Receipt, "{frame:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_frame_is_the_end_without_a_word() {
    for head in [
        "x:a\\tb",
        "x:a\\",
        "no colon",
        "content-length:x",
        "content-length:-1",
        "content-length:1",
    ] {
        let mut tcp = root().await;
        tcp.say(&format!(
            "SEND\ndestination:/topic/words\n{head}\nreceipt:r\n\nbody\0"
        ))
        .await;
        assert_eq!(tcp.next().await, None, "{head}");
    }
}

#[tokio::test]
async fn a_nul_without_a_length_cuts_the_body_and_swallows_what_follows() {
    let topic = fresh("nul");
    let mut tcp = root().await;
    tcp.done(&format!("SUBSCRIBE\nid:0\ndestination:/topic/{topic}"), "")
        .await;
    let send = format!("SEND\ndestination:/topic/{topic}");
    tcp.say(&format!(
        "{send}\nreceipt:cut\n\nbe\0fore\0{send}\nreceipt:swallowed\n\nx\0"
    ))
    .await;
    let mut heard = [tcp.frame().await, tcp.frame().await, tcp.frame().await];
    heard.sort_by_key(|frame| frame.command.as_str());
    let [error, message, receipt] = heard;
    assert_eq!(error.header("message"), Some("Bad command"));
    assert_eq!(&message.body[..], b"be");
    assert_eq!(receipt.header("receipt-id"), Some("cut"));
    // It is open, and "swallowed" was part of what it could not interpret.
    let mut rest = tcp.done(&send, "after").await;
    if rest.is_empty() {
        rest.push(tcp.frame().await);
    }
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(&rest[0].body[..], b"after");
}

#[tokio::test]
async fn what_is_confirmed_though_one_might_not_think_so() {
    let mut tcp = root().await;
    let slash = fresh("a%2Fb");
    let (wide, many) = ("x".repeat(100_000), (0..2000).map(|n| format!("\nh{n}:v")));
    for head in [
        "SEND\ndestination:/exchange/amq.fanout".to_owned(),
        format!("SEND\ndestination:/topic/{}", fresh("nobody")),
        format!(
            "SEND\nmandatory:true\ndestination:/topic/{}",
            fresh("nobody")
        ),
        format!("SEND\ndestination:/amq/queue/{}", fresh("missing")),
        format!("SEND\ndestination:{}", fresh("no-slash")),
        format!("SEND\nx-expires:60000\ndestination:/queue/{slash}"),
        format!("SEND\nwide:{wide}\ndestination:/topic/words"),
        format!("SEND\ndestination:/topic/words{}", many.collect::<String>()),
        "SUBSCRIBE\ndestination:/topic/without-id".to_owned(),
    ] {
        assert!(tcp.done(&head, "x").await.is_empty());
    }
    let plain = format!("SUBSCRIBE\nid:0\ndestination:/amq/queue/{slash}");
    let heard = tcp.done(&plain, "").await;
    let got = heard.into_iter().next();
    let got = if let Some(got) = got {
        got
    } else {
        tcp.frame().await
    };
    assert_eq!(&got.body[..], b"x", "the queue's name has a slash");
    let mib = "x".repeat(5 * 1024 * 1024);
    tcp.done("SEND\ndestination:/topic/words", &mib).await;
}

#[tokio::test]
async fn a_queue_that_goes_takes_its_subscription_and_no_more() {
    let queue = fresh("goes");
    let mut tcp = root().await;
    let subscribe = format!("SUBSCRIBE\nid:7\nx-expires:60000\ndestination:/queue/{queue}");
    tcp.done(&subscribe, "").await;
    ctl(&["delete_queue", &queue]).await;
    let error = tcp.frame().await;
    assert_eq!(error.command, Command::Error);
    let words = error.header("message");
    assert_eq!(words, Some("Server cancelled subscription"));
    assert_eq!(error.header("subscription"), Some("7"));
    tcp.done("SEND\ndestination:/topic/words", "still there")
        .await;
}

#[tokio::test]
async fn over_websocket_some_errors_are_told_and_some_are_a_close() {
    let ((login, passcode), _) = account_and_address("RABBITMQ_ADMIN_URL");
    for (frame, told) in [
        ("SEND\n\nx\0", Some("Missing destination")),
        ("NOPE\n\n\0", Some("Bad command")),
        ("SEND\ndestination:/exchange/nope\nreceipt:r\n\nx\0", None),
        ("DISCONNECT\nreceipt:r\n\n\0", None),
    ] {
        let mut raw = Raw::log_in(web_stomp(), &login, &passcode).await;
        raw.say(frame).await;
        match told {
            None => assert_eq!(raw.hear().await, Heard::Closed(Some(1000)), "{frame:?}"),
            Some(message) => {
                assert_eq!(raw.frame().await.header("message"), Some(message));
                raw.subscribe("/topic/words").await;
            }
        }
    }
    let mut raw = Raw::log_in(web_stomp(), &login, &passcode).await;
    raw.say("SEND\ndestination:/topic/a\\tb\n\nx\0").await;
    assert_eq!(raw.hear().await, Heard::Closed(Some(1007)));
}
