//! What is refused, and with what words.

use super::super::tcp::Tcp;
use super::{Rules, fresh, on_queue};
use stomp_bridge::frame::Command;

/// A frame, and the `message` and the start of the body of the ERROR that it brings.
const WRONG_FRAMES: [(&str, &str, &str); 26] = [
    (
        "SEND\n\nx\0",
        "Missing destination",
        "\"SEND\" must include a 'destination' header\n",
    ),
    (
        "SUBSCRIBE\nid:0\n\n\0",
        "Missing destination",
        "\"SUBSCRIBE\" must include a 'destination' header\n",
    ),
    (
        "SEND\ndestination:/foo/bar\n\nx\0",
        "Unknown destination",
        "'/foo/bar' is not a valid destination.\nValid destination types are: ",
    ),
    (
        "SEND\ndestination:/queue/\n\nx\0",
        "Invalid destination",
        "'/' is not a valid queue destination\n",
    ),
    (
        "SEND\ndestination:/queue/a/b\n\nx\0",
        "Invalid destination",
        "'/a/b' is not a valid queue destination\n",
    ),
    (
        "SEND\ndestination:/topic/a/b\n\nx\0",
        "Invalid destination",
        "'/a/b' is not a valid topic destination\n",
    ),
    (
        "SEND\ndestination:/exchange/\n\nx\0",
        "Invalid destination",
        "'/' is not a valid exchange destination\n",
    ),
    (
        "SEND\ndestination:/exchange/a/b/c\n\nx\0",
        "Invalid destination",
        "'/a/b/c' is not a valid exchange destination\n",
    ),
    (
        "SEND\ndestination:/exchange/nope\n\nx\0",
        "not_found",
        "NOT_FOUND - no exchange 'nope' in vhost '/'",
    ),
    (
        "SUBSCRIBE\nid:0\ndestination:/exchange/nope\n\n\0",
        "not_found",
        "NOT_FOUND - no exchange 'nope' in vhost '/'",
    ),
    (
        "SUBSCRIBE\nid:0\nack:never\ndestination:/topic/a\n\n\0",
        "Processing error",
        "",
    ),
    (
        "SUBSCRIBE\nid:0\nprefetch-count:x\ndestination:/topic/a\n\n\0",
        "Processing error",
        "",
    ),
    (
        "UNSUBSCRIBE\nid:9\n\n\0",
        "No subscription found",
        "UNSUBSCRIBE must refer to an existing subscription.\n\
             Subscription to \"id='9'\" not found.\n",
    ),
    (
        "UNSUBSCRIBE\n\n\0",
        "Missing destination or id",
        "UNSUBSCRIBE must include a 'destination' or 'id' header",
    ),
    (
        "ACK\n\n\0",
        "Missing header",
        "\"ACK\" must include the \"id\" header\n",
    ),
    (
        "NACK\nid:9\n\n\0",
        "Invalid header",
        "\"NACK\" must include a valid \"id\" header\n",
    ),
    (
        "ACK\nid:T_0@@session-x@@9\n\n\0",
        "Subscription not found",
        "Message with id \"T_0@@session-x@@9\" has no subscription",
    ),
    (
        "SEND\nmessage-id:1\ndestination:/topic/a\n\n\0",
        "Invalid header",
        "'message-id' is not allowed on 'SEND'.\n",
    ),
    (
        "SEND\nuser-id:nobody\ndestination:/topic/a\n\n\0",
        "precondition_failed",
        "PRECONDITION_FAILED - user_id property set to 'nobody' but authenticated user was '",
    ),
    (
        "SEND\nuser-id:nobody\ndestination:/exchange/nope\n\n\0",
        "not_found",
        "NOT_FOUND - no exchange 'nope' in vhost '/'",
    ),
    (
        "NOPE\n\n\0",
        "Bad command",
        "Could not interpret command \"NOPE\"\n",
    ),
    (
        "MESSAGE\n\n\0",
        "Bad command",
        "Could not interpret command \"MESSAGE\"\n",
    ),
    (
        "BEGIN\n\n\0",
        "Missing transaction",
        "\"BEGIN\" must include a 'transaction' header\n",
    ),
    (
        "COMMIT\n\n\0",
        "Missing transaction",
        "\"COMMIT\" must include a 'transaction' header\n",
    ),
    (
        "ABORT\ntransaction:x\n\n\0",
        "Bad transaction",
        "Invalid transaction identifier: \"x\"\n",
    ),
    (
        "SEND\ntransaction:x\ndestination:/topic/a\n\n\0",
        "Bad transaction",
        "Invalid transaction identifier: \"x\"\n",
    ),
];

pub(super) async fn a_wrong_frame_has_rabbitmqs_words(rules: &Rules) {
    let queue = fresh("words");
    let missing_queue = format!("SUBSCRIBE\nid:0\ndestination:/amq/queue/{queue}\n\n\0");
    let no_queue = format!("NOT_FOUND - no queue '{queue}' in vhost '/'");
    let twice = "SUBSCRIBE\nid:0\ndestination:/topic/twice\n\n\0".repeat(2);
    let made = [
        (&*missing_queue, "not_found", &*no_queue),
        (
            &*twice,
            "Duplicated subscription identifier",
            "A subscription identified by 'T_0' already exists.",
        ),
    ];
    for (frame, message, body) in WRONG_FRAMES.into_iter().chain(made) {
        let mut tcp = rules.root().await;
        tcp.say(frame).await;
        let (got_message, got_body) = tcp.error().await;
        assert_eq!(got_message, message, "{frame:?}");
        assert!(got_body.starts_with(body), "{frame:?}: {got_body:?}");
    }
}

pub(super) async fn guests_are_refused_in_rabbitmqs_words(rules: &Rules) {
    for (command, destination, kind, name) in [
        ("SEND", "/exchange/paynotify", "exchange", "paynotify"),
        (
            "SEND",
            "/exchange/paynotify.page/k",
            "exchange",
            "paynotify.page",
        ),
        ("SUBSCRIBE", "/exchange/paynotify", "exchange", "paynotify"),
        ("SUBSCRIBE", "/exchange/nope", "exchange", "nope"),
        ("SEND", "/queue/order_pay", "queue", "order_pay"),
        ("SUBSCRIBE", "/queue/order_pay", "queue", "order_pay"),
        ("SUBSCRIBE", "/queue/new", "queue", "new"),
        ("SUBSCRIBE", "/amq/queue/order_pay", "queue", "order_pay"),
        ("SEND", "/amq/queue/order_pay", "exchange", "amq.default"),
        ("SUBSCRIBE", "/topic/a", "exchange", "amq.topic"),
        ("SEND", "/topic/a", "exchange", "amq.topic"),
    ] {
        let mut tcp = Tcp::log_in(rules.addr, "webguest", "webguest", "1.2").await;
        tcp.say(&format!("{command}\nid:0\ndestination:{destination}\n\n\0"))
            .await;
        let body = format!(
            "ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user 'webguest'"
        );
        assert_eq!(tcp.error().await, ("access_refused".to_owned(), body));
        assert_eq!(
            tcp.next().await.filter(|f| f.command != Command::Receipt),
            None
        );
    }
    let mut tcp = Tcp::log_in(rules.addr, "webguest", "webguest", "1.2").await;
    let page = "SUBSCRIBE\nid:0\ndestination:/exchange/paynotify.page/k";
    assert!(tcp.done(page, "").await.is_empty());
}

pub(super) async fn a_queue_is_declared_alike_by_all(rules: &Rules) {
    let queue = fresh("alike");
    let mut first = rules.root().await;
    first.done(&on_queue("SEND", &queue), "x").await;
    // A connection that knows the queue may say anything.
    let send = format!("SEND\ndestination:/queue/{queue}");
    first.done(&format!("{send}\nx-max-length:5"), "x").await;
    let locked = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '/'. \
         It could be originally declared on another connection or the exclusive property value does \
         not match that of the original declaration."
    );
    let inequivalent = |what: &str| {
        format!("PRECONDITION_FAILED - inequivalent arg {what}").replace("QUEUE", &queue)
    };
    for (headers, message, body) in [
        (
            "x-expires:60000\nx-max-length:5",
            "precondition_failed",
            inequivalent(
                "'x-max-length' for queue 'QUEUE' in vhost '/': received the value '5' of type \
                 'long' but current is none",
            ),
        ),
        (
            "x-message-id:1",
            "precondition_failed",
            inequivalent(
                "'x-expires' for queue 'QUEUE' in vhost '/': received none but current is the \
                 value '60000' of type 'long'",
            ),
        ),
        (
            "x-expires:60000\nauto-delete:true",
            "precondition_failed",
            inequivalent(
                "'auto_delete' for queue 'QUEUE' in vhost '/': received 'true' but current is 'false'",
            ),
        ),
        (
            "x-expires:60000\ndurable:false",
            "resource_locked",
            locked.clone(),
        ),
        ("x-expires:60000\nexclusive:true", "resource_locked", locked),
        ("x-expires:x", "Processing error", String::new()),
    ] {
        let mut other = rules.root().await;
        other.say(&format!("{send}\n{headers}\n\nx\0")).await;
        let (got_message, got_body) = other.error().await;
        assert_eq!(got_message, message, "{headers}");
        assert!(got_body.starts_with(&body), "{headers}: {got_body}");
    }
    // One that is not durable is the connection's own.
    let own = fresh("own");
    let send = format!("SEND\ndurable:false\ndestination:/queue/{own}");
    first.done(&send, "x").await;
    let mut other = rules.root().await;
    other.say(&format!("{send}\n\nx\0")).await;
    assert_eq!(other.error().await.0, "resource_locked");
    let reserved = "SEND\ndestination:/queue/amq.rules\n\nx\0";
    let mut other = rules.root().await;
    other.say(reserved).await;
    let (message, body) = other.error().await;
    assert_eq!(message, "access_refused");
    assert!(body.contains("reserved prefix 'amq.*'"), "{body}");
}
