//! The rules of a broker, frame by frame over plain TCP: what must be the same on RabbitMQ and on
//! the embedded broker, in RabbitMQ's words.

use super::soon;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};
use stomp_bridge::frame::{Command, Frame, Limits, Parser, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A STOMP listener, and an account that may do everything.
pub struct Rules {
    pub addr: SocketAddr,
    pub root: (String, String),
}

pub async fn run(rules: &Rules) {
    a_wrong_frame_has_rabbitmqs_words(rules).await;
    guests_are_refused_in_rabbitmqs_words(rules).await;
    heart_beats_are_agreed_alike(rules).await;
    topics_match_words_and_wildcards(rules).await;
    a_transaction_holds_back_messages_and_receipts(rules).await;
    a_transaction_holds_back_acks(rules).await;
    acks_nacks_and_prefetch(rules).await;
    the_dead_go_to_their_exchange(rules).await;
    a_queue_is_declared_alike_by_all(rules).await;
    a_named_queue_of_an_exchange(rules).await;
    each_version_has_its_own_message(rules).await;
    bodies_with_nul_and_frames_in_pieces(rules).await;
}

pub struct Tcp {
    socket: TcpStream,
    parser: Parser,
    receipts: u32,
}

impl Tcp {
    pub async fn connect(addr: SocketAddr) -> Self {
        let limits = Limits {
            max_frame_bytes: 1 << 20,
            ..Limits::default()
        };
        Self {
            socket: TcpStream::connect(addr).await.unwrap(),
            parser: Parser::new(limits),
            receipts: 0,
        }
    }

    pub async fn log_in(addr: SocketAddr, login: &str, passcode: &str, version: &str) -> Self {
        let mut tcp = Self::connect(addr).await;
        tcp.say(&format!(
            "CONNECT\naccept-version:{version}\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        let connected = tcp.frame().await;
        assert_eq!(connected.command, Command::Connected, "{connected:?}");
        assert_eq!(connected.header("version"), Some(version));
        tcp.parser.set_version(match version {
            "1.0" => Version::V1_0,
            "1.1" => Version::V1_1,
            _ => Version::V1_2,
        });
        tcp
    }

    pub async fn say(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Frame> {
        soon(async {
            loop {
                if let Some(frame) = self.parser.next_frame().unwrap() {
                    return Some(frame);
                }
                let mut bytes = [0; 4096];
                match self.socket.read(&mut bytes).await {
                    Ok(0) | Err(_) => return None,
                    Ok(n) => self.parser.push(&bytes[..n]),
                }
            }
        })
        .await
    }

    pub async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame, not the end")
    }

    /// Says a frame, of which `head` are the first lines, and waits for its receipt. Gives what
    /// else came before it.
    pub async fn done(&mut self, head: &str, body: &str) -> Vec<Frame> {
        self.receipts += 1;
        let receipt = format!("r{}", self.receipts);
        self.say(&format!("{head}\nreceipt:{receipt}\n\n{body}\0"))
            .await;
        let mut before = Vec::new();
        loop {
            let frame = self.frame().await;
            if frame.header("receipt-id") == Some(&receipt) {
                return before;
            }
            assert_ne!(frame.command, Command::Error, "{head:?}: {frame:?}");
            before.push(frame);
        }
    }

    /// The next MESSAGE's body, with nothing before it.
    pub async fn message(&mut self) -> (Frame, String) {
        let frame = self.frame().await;
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let body = String::from_utf8(frame.body.to_vec()).unwrap();
        (frame, body)
    }

    /// The ERROR's `message` and body.
    pub async fn error(&mut self) -> (String, String) {
        loop {
            let frame = self.frame().await;
            if frame.command == Command::Error {
                let body = String::from_utf8(frame.body.to_vec()).unwrap();
                assert_eq!(frame.header("version"), Some("1.0,1.1,1.2"));
                assert_eq!(frame.header("content-type"), Some("text/plain"));
                return (frame.header("message").unwrap().to_owned(), body);
            }
        }
    }
}

impl Rules {
    async fn root(&self) -> Tcp {
        self.root_speaking("1.2").await
    }

    async fn root_speaking(&self, version: &str) -> Tcp {
        let (login, passcode) = &self.root;
        Tcp::log_in(self.addr, login, passcode, version).await
    }
}

/// A name that no other run uses.
fn fresh(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("rules-{what}-{}", now.as_nanos())
}

/// SEND or SUBSCRIBE to a queue that goes when it was not used for a minute.
fn on_queue(command: &str, queue: &str) -> String {
    format!("{command}\nx-expires:60000\ndestination:/queue/{queue}")
}

async fn a_wrong_frame_has_rabbitmqs_words(rules: &Rules) {
    let fresh = fresh("words");
    let missing_queue = format!("SUBSCRIBE\nid:0\ndestination:/amq/queue/{fresh}\n\n\0");
    let no_queue = format!("NOT_FOUND - no queue '{fresh}' in vhost '/'");
    let twice = "SUBSCRIBE\nid:0\ndestination:/topic/twice\n\n\0".repeat(2);
    for (frame, message, body) in [
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
        (&missing_queue, "not_found", &no_queue),
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
            &twice,
            "Duplicated subscription identifier",
            "A subscription identified by 'T_0' already exists.",
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
    ] {
        let mut tcp = rules.root().await;
        tcp.say(frame).await;
        let (got_message, got_body) = tcp.error().await;
        assert_eq!(got_message, message, "{frame:?}");
        assert!(got_body.starts_with(body), "{frame:?}: {got_body:?}");
    }
}

async fn guests_are_refused_in_rabbitmqs_words(rules: &Rules) {
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

async fn heart_beats_are_agreed_alike(rules: &Rules) {
    let (login, passcode) = &rules.root;
    for (asked, agreed) in [
        ("heart-beat:10000,20000\n", "20000,10000"),
        ("heart-beat:0,5000\n", "5000,0"),
        ("heart-beat:1,1\n", "1000,1000"),
        ("", "0,0"),
    ] {
        let mut tcp = Tcp::connect(rules.addr).await;
        tcp.say(&format!(
            "CONNECT\naccept-version:1.2\nlogin:{login}\npasscode:{passcode}\n{asked}\n\0"
        ))
        .await;
        assert_eq!(tcp.frame().await.header("heart-beat"), Some(agreed));
    }
    for (accepts, chosen) in [("1.0", "1.0"), ("1.0,1.1", "1.1"), ("1.2,1.1,2.0", "1.2")] {
        let mut tcp = Tcp::connect(rules.addr).await;
        tcp.say(&format!(
            "CONNECT\naccept-version:{accepts}\nlogin:{login}\npasscode:{passcode}\n\n\0"
        ))
        .await;
        assert_eq!(tcp.frame().await.header("version"), Some(chosen));
    }
}

async fn topics_match_words_and_wildcards(rules: &Rules) {
    let root = fresh("topic");
    let mut tcp = rules.root().await;
    let patterns = ["a.*.c", "a.#", "#", "*", "a..c", "#.c"];
    for (id, pattern) in patterns.iter().enumerate() {
        let subscribe = format!("SUBSCRIBE\nid:{id}\ndestination:/topic/{root}.{pattern}");
        tcp.done(&subscribe, "").await;
    }
    for (key, fits) in [
        ("a.b.c", &[0, 1, 2, 5][..]),
        ("a", &[1, 2, 3]),
        ("a.b.b.c", &[1, 2, 5]),
        ("x", &[2, 3]),
        ("a..c", &[0, 1, 2, 4, 5]),
        ("b.c", &[2, 5]),
    ] {
        let destination = format!("/topic/{root}.{key}");
        tcp.say(&format!("SEND\ndestination:{destination}\n\n{key}\0"))
            .await;
        let mut got: Vec<usize> = Vec::new();
        for _ in fits {
            let (message, body) = tcp.message().await;
            assert_eq!(message.header("destination"), Some(&*destination));
            assert_eq!(body, key);
            got.push(message.header("subscription").unwrap().parse().unwrap());
        }
        got.sort_unstable();
        assert_eq!(got, fits, "{key}");
    }
    // The exchange by its name is the same, and what nobody wants is confirmed and gone.
    let by_name = format!("SEND\ndestination:/exchange/amq.topic/{root}.x");
    let mut before = tcp.done(&by_name, "x").await;
    while before.len() < 2 {
        before.push(tcp.frame().await);
    }
    let topic = format!("/topic/{root}.x");
    assert!(
        before
            .iter()
            .all(|m| m.header("destination") == Some(&topic))
    );
    let unwanted = format!("SEND\ndestination:/topic/{root}x");
    assert!(tcp.done(&unwanted, "x").await.is_empty());
}

async fn a_transaction_holds_back_messages_and_receipts(rules: &Rules) {
    let queue = fresh("tx");
    let mut tcp = rules.root().await;
    tcp.done(&format!("{}\nid:0", on_queue("SUBSCRIBE", &queue)), "")
        .await;
    let send = |body: &str, more: &str| {
        format!("SEND\ntransaction:t\ndestination:/amq/queue/{queue}\n{more}\n{body}\0")
    };
    let (begin, abort, commit) = (
        "BEGIN\ntransaction:t",
        "ABORT\ntransaction:t",
        "COMMIT\ntransaction:t",
    );
    tcp.done(begin, "").await;
    tcp.say(&send("aborted", "receipt:never\n")).await;
    assert!(tcp.done(abort, "").await.is_empty());
    // To begin it again empties it.
    tcp.done(begin, "").await;
    tcp.say(&send("forgotten", "")).await;
    tcp.done(begin, "").await;
    tcp.say(&send("one", "receipt:kept\n")).await;
    tcp.say(&send("two", "")).await;
    let plain = format!("SEND\ndestination:/amq/queue/{queue}");
    let mut heard = tcp.done(&plain, "outside").await;
    while heard.is_empty() {
        heard.push(tcp.frame().await);
    }
    assert_eq!(&heard[0].body[..], b"outside");
    let mut heard = tcp.done(commit, "").await;
    while heard.len() < 3 {
        heard.push(tcp.frame().await);
    }
    let receipts = |f: &&Frame| f.header("receipt-id") == Some("kept");
    assert_eq!(heard.iter().filter(receipts).count(), 1);
    let bodies: Vec<_> = heard
        .iter()
        .filter(|f| f.command == Command::Message)
        .map(|f| (&f.body[..], f.header("transaction")))
        .collect();
    let expected = [(&b"one"[..], Some("t")), (&b"two"[..], Some("t"))];
    assert_eq!(bodies, expected);
    tcp.say("COMMIT\ntransaction:t\n\n\0").await;
    assert_eq!(tcp.error().await.0, "Bad transaction");
}

async fn a_transaction_holds_back_acks(rules: &Rules) {
    let queue = fresh("tx-ack");
    let mut tcp = rules.root().await;
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.done(
        &format!("{subscribe}\nid:0\nack:client-individual\nprefetch-count:1"),
        "",
    )
    .await;
    let send = format!("SEND\ndestination:/amq/queue/{queue}\n\n");
    tcp.say(&format!("{send}one\0{send}two\0")).await;
    let (one, _) = tcp.message().await;
    let ack = format!(
        "ACK\ntransaction:t\nid:{}\n\n\0",
        one.header("ack").unwrap()
    );
    tcp.done("BEGIN\ntransaction:t", "").await;
    tcp.say(&ack).await;
    assert!(tcp.done("ABORT\ntransaction:t", "").await.is_empty());
    tcp.done("BEGIN\ntransaction:t", "").await;
    tcp.say(&ack).await;
    let mut heard = tcp.done("COMMIT\ntransaction:t", "").await;
    if heard.is_empty() {
        heard.push(tcp.frame().await);
    }
    assert_eq!(&heard[0].body[..], b"two");
}

async fn acks_nacks_and_prefetch(rules: &Rules) {
    let queue = fresh("ack");
    let mut tcp = rules.root().await;
    tcp.done(&on_queue("SEND", &queue), "one").await;
    let send = format!("SEND\ndestination:/amq/queue/{queue}");
    for body in ["two", "three"] {
        tcp.done(&send, body).await;
    }
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.say(&format!(
        "{subscribe}\nid:0\nack:client\nprefetch-count:2\n\n\0"
    ))
    .await;
    assert_eq!(tcp.message().await.1, "one");
    let (two, body) = tcp.message().await;
    assert_eq!((&*body, two.header("redelivered")), ("two", Some("false")));
    assert_eq!(two.header("ack"), two.header("message-id"));
    // Both, by the second.
    let id = two.header("ack").unwrap();
    tcp.say(&format!("ACK\nid:{id}\n\n\0")).await;
    let (three, body) = tcp.message().await;
    assert_eq!(body, "three");
    tcp.say(&format!("NACK\nid:{}\n\n\0", three.header("ack").unwrap()))
        .await;
    let (again, body) = tcp.message().await;
    assert_eq!(
        (&*body, again.header("redelivered")),
        ("three", Some("true"))
    );
    let id = again.header("ack").unwrap();
    let dropped = tcp.done(&format!("NACK\nrequeue:false\nid:{id}"), "").await;
    assert!(dropped.is_empty());
    tcp.say(&format!("ACK\nid:{id}\n\n\0")).await;
    let (message, body) = tcp.error().await;
    assert_eq!(message, "precondition_failed");
    assert!(
        body.starts_with("PRECONDITION_FAILED - unknown delivery tag "),
        "{body}"
    );
}

async fn the_dead_go_to_their_exchange(rules: &Rules) {
    let (queue, dead) = (fresh("dl"), fresh("dead"));
    let mut tcp = rules.root().await;
    let subscribe = on_queue("SUBSCRIBE", &dead);
    tcp.done(&format!("{subscribe}\nid:dead"), "").await;
    let arguments = format!("x-dead-letter-exchange:\nx-dead-letter-routing-key:{dead}");
    let subscribe = on_queue("SUBSCRIBE", &queue);
    tcp.done(
        &format!("{subscribe}\n{arguments}\nid:0\nack:client-individual"),
        "",
    )
    .await;
    tcp.say(&format!(
        "SEND\ndestination:/amq/queue/{queue}\nx-a:b\n\nrejected\0"
    ))
    .await;
    let (message, _) = tcp.message().await;
    let id = message.header("ack").unwrap();
    tcp.say(&format!("NACK\nrequeue:false\nid:{id}\n\n\0"))
        .await;
    let (message, body) = tcp.message().await;
    assert_eq!(body, "rejected");
    for (header, value) in [
        ("subscription", "dead"),
        ("destination", &format!("/queue/{dead}")),
        ("x-a", "b"),
        ("x-first-death-queue", &queue),
        ("x-first-death-exchange", ""),
        ("x-first-death-reason", "rejected"),
    ] {
        assert_eq!(message.header(header), Some(value), "{header}");
    }

    let (queue, key) = (fresh("full"), fresh("dead-key"));
    tcp.done(
        &format!("SUBSCRIBE\nid:topic\ndestination:/topic/{key}.*"),
        "",
    )
    .await;
    let arguments = format!(
        "x-dead-letter-exchange:amq.topic\nx-dead-letter-routing-key:{key}.full\nx-max-length:1"
    );
    let send = format!("{}\n{arguments}", on_queue("SEND", &queue));
    tcp.say(&format!("{send}\n\none\0{send}\n\ntwo\0")).await;
    let (message, body) = tcp.message().await;
    assert_eq!(body, "one");
    assert_eq!(message.header("x-first-death-reason"), Some("maxlen"));
    let destination = format!("/topic/{key}.full");
    assert_eq!(message.header("destination"), Some(&*destination));
}

async fn a_queue_is_declared_alike_by_all(rules: &Rules) {
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

async fn a_named_queue_of_an_exchange(rules: &Rules) {
    let (queue, key) = (fresh("named"), fresh("named-key"));
    let subscribe = format!(
        "SUBSCRIBE\nid:0\nx-expires:60000\nx-queue-name:{queue}\ndurable:true\nauto-delete:false\n\
         destination:/exchange/paynotify.page/{key}"
    );
    let mut first = rules.root().await;
    first.done(&subscribe, "").await;
    first.done("UNSUBSCRIBE\nid:0", "").await;
    // It collects while nobody reads it, and is the same for whoever names it.
    let mut other = rules.root().await;
    let send = format!("SEND\ndestination:/exchange/paynotify/{key}");
    other.done(&send, "while away").await;
    other.say(&format!("{subscribe}\n\n\0")).await;
    let (message, body) = other.message().await;
    assert_eq!(body, "while away");
    let destination = format!("/exchange/paynotify/{key}");
    assert_eq!(message.header("destination"), Some(&*destination));
}

async fn each_version_has_its_own_message(rules: &Rules) {
    for (version, id, subscription) in [
        ("1.2", "id:s\\c1\n", Some("s:1")),
        ("1.1", "id:s\\c1\n", Some("s:1")),
        ("1.0", "id:s1\n", Some("s1")),
        ("1.0", "", None),
    ] {
        let queue = fresh("version");
        let mut tcp = rules.root_speaking(version).await;
        tcp.done(&on_queue("SEND", &queue), "x").await;
        let subscribe = on_queue("SUBSCRIBE", &queue);
        tcp.say(&format!("{subscribe}\n{id}ack:client\n\n\0")).await;
        let (message, _) = tcp.message().await;
        assert_eq!(message.header("subscription"), subscription, "{version}");
        assert_eq!(message.header("ack").is_some(), version == "1.2");
        let header = if version == "1.2" { "id" } else { "message-id" };
        let frame = Frame::new(Command::Nack)
            .with(header, message.header("message-id").unwrap())
            .encode(match version {
                "1.0" => Version::V1_0,
                "1.1" => Version::V1_1,
                _ => Version::V1_2,
            })
            .unwrap();
        tcp.say(std::str::from_utf8(&frame).unwrap()).await;
        let (again, _) = tcp.message().await;
        assert_eq!(again.header("redelivered"), Some("true"), "{version}");
        tcp.say(&format!(
            "ACK\n{}:9\n\n\0",
            if version == "1.2" { "message-id" } else { "id" }
        ))
        .await;
        let body = format!("\"ACK\" must include the \"{header}\" header\n");
        assert_eq!(tcp.error().await, ("Missing header".to_owned(), body));
    }
}

async fn bodies_with_nul_and_frames_in_pieces(rules: &Rules) {
    let key = fresh("nul");
    let mut tcp = rules.root().await;
    tcp.done(&format!("SUBSCRIBE\nid:0\ndestination:/topic/{key}"), "")
        .await;
    let wire = format!(
        "\n\r\nSEND\r\ndestination:/topic/{key}\r\ncontent-length:3\r\n\r\na\0b\0\n\n\
         SEND\ndestination:/topic/{key}\nx:\\n\\c\\\\\n\nsecond\0"
    );
    for piece in wire.as_bytes().chunks(7) {
        tcp.socket.write_all(piece).await.unwrap();
        tcp.socket.flush().await.unwrap();
    }
    assert_eq!(tcp.message().await.1, "a\0b");
    let (message, body) = tcp.message().await;
    assert_eq!((&*body, message.header("x")), ("second", Some("\n:\\")));
    assert_eq!(message.header("content-length"), Some("6"));
}
