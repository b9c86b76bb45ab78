#[path = "session_tests/memory.rs"]
mod memory;
#[path = "session_tests/pressure.rs"]
mod pressure;
#[path = "session_tests/transactions.rs"]
mod transactions;

use super::*;
use crate::broker::{BrokerConfig, ExchangeKind, May};

struct Peer {
    session: Session,
    router: Router,
    now: Instant,
}

impl Peer {
    fn new() -> Self {
        Self::with(BrokerLimits::default())
    }

    fn with(limits: BrokerLimits) -> Self {
        let config = BrokerConfig::new()
            .exchange("paynotify", ExchangeKind::Fanout)
            .exchange("paynotify.page", ExchangeKind::Direct)
            .queue("order_pay")
            .bind("paynotify", "order_pay", "")
            .queue("second")
            .bind("paynotify", "second", "")
            .limits(limits);
        let users = [
            User::new("root", "r")
                .configure(May::All)
                .write(May::All)
                .read(May::All),
            User::new("webguest", "webguest").read(May::only(["paynotify.page"])),
            User::new("maker", "m")
                .configure(May::only(["own"]))
                .write(May::only(["own"]))
                .read(May::only(["own", "paynotify.page"])),
        ];
        let now = Instant::now();
        let mut router = Router::new(&config, now).unwrap();
        router.add_connection(7);
        let users = users.map(Arc::new);
        let session = Session::new(7, users.into(), Arc::new(limits), Probe::Ping, now);
        Self {
            session,
            router,
            now,
        }
    }

    fn logged_in(login: &str, passcode: &str) -> Self {
        Self::new().log_in(login, passcode)
    }

    fn log_in(self, login: &str, passcode: &str) -> Self {
        let mut peer = self;
        let connect =
            format!("CONNECT\naccept-version:1.2\nlogin:{login}\npasscode:{passcode}\n\n\0");
        let answer = peer.say(&connect);
        assert!(answer[0].starts_with("CONNECTED\n"), "{answer:?}");
        peer
    }

    /// What it answers to these bytes: frames, or `close CODE`.
    fn say(&mut self, bytes: &str) -> Vec<String> {
        self.session.push(self.now, bytes.as_bytes());
        self.session.run(self.now, &mut self.router);
        self.answers()
    }

    /// The MESSAGE frames that wait for it, on the wire.
    fn messages(&mut self) -> Vec<String> {
        let mut taken = VecDeque::new();
        self.router.take(7, 0, &mut taken);
        let mut shown = Vec::new();
        for delivery in taken {
            let mut wire = Vec::new();
            let tail = self.session.message(self.now, &delivery, &mut wire);
            wire.extend_from_slice(&tail.unwrap());
            shown.push(String::from_utf8(wire).unwrap());
        }
        shown
    }

    fn answers(&mut self) -> Vec<String> {
        let shown = |action| match action {
            Action::Send(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Action::Probe => "probe".to_owned(),
            Action::Close { code, .. } => format!("close {code}"),
        };
        std::iter::from_fn(|| self.session.next_action())
            .map(shown)
            .collect()
    }
}

/// The `message` header and the body of the ERROR that comes before the close.
fn refused(answers: &[String]) -> (String, String) {
    let [error, closed] = answers else {
        panic!("{answers:?}")
    };
    assert_eq!(closed, "close 1008");
    let (head, body) = error.split_once("\n\n").unwrap();
    let message = head
        .strip_prefix("ERROR\nmessage:")
        .unwrap()
        .lines()
        .next()
        .unwrap();
    (message.to_owned(), body.trim_end_matches('\0').to_owned())
}

#[test]
fn connect_agrees_on_version_and_heart_beats() {
    let mut peer = Peer::new();
    let answer = peer.say(
        "CONNECT\naccept-version:1.0,1.1\nhost:/\nlogin:root\npasscode:r\nheart-beat:1,20000\n\n\0",
    );
    assert_eq!(answer.len(), 1);
    let version = concat!("server:stomp-bridge/", env!("CARGO_PKG_VERSION"));
    for part in [
        "CONNECTED\n",
        version,
        "session:session-7",
        "heart-beat:20000,1000",
        "version:1.1",
    ] {
        assert!(answer[0].contains(part), "{part} in {answer:?}");
    }
    assert_eq!(
        peer.session.next_timeout(),
        Some(peer.now + Duration::from_secs(2))
    );
}

#[test]
fn a_connect_that_fails_has_rabbitmqs_words() {
    let bad = |body: &str| ("Bad CONNECT".to_owned(), body.to_owned());
    for (frame, expected) in [
        (
            "CONNECT\naccept-version:1.2\nlogin:root\npasscode:wrong\n\n\0",
            bad("Access refused for user 'root'"),
        ),
        (
            "STOMP\naccept-version:1.2\n\n\0",
            bad("Access refused for user ''"),
        ),
        (
            "CONNECT\naccept-version:1.2\nhost:nope\nlogin:root\npasscode:r\n\n\0",
            bad("Virtual host 'nope' access denied"),
        ),
        (
            "CONNECT\naccept-version:1.2\nlogin:root\npasscode:r\nheart-beat:x\n\n\0",
            (
                "Processing error".into(),
                "heart-beat is not two numbers".into(),
            ),
        ),
        (
            "CONNECT\naccept-version:2.0\nlogin:root\npasscode:r\n\n\0",
            (
                "Version mismatch".into(),
                "Supported versions are 1.0,1.1,1.2".into(),
            ),
        ),
        (
            "SEND\ndestination:/queue/order_pay\n\n\0",
            (
                "Illegal command".into(),
                "You must log in using CONNECT first".into(),
            ),
        ),
    ] {
        let mut peer = Peer::new();
        assert_eq!(refused(&peer.say(frame)), expected, "{frame}");
        assert!(
            peer.say(frame).is_empty(),
            "nothing is heard after the close"
        );
    }
    let mut peer = Peer::new();
    peer.session
        .handle_timeout(peer.now + Duration::from_secs(10));
    assert_eq!(refused(&peer.answers()).0, "Bad CONNECT");
}

#[test]
fn webguest_may_read_the_page_route_and_nothing_else() {
    let denied = |kind: &str, name: &str| {
        let body = format!(
            "ACCESS_REFUSED - access to {kind} '{name}' in vhost '/' refused for user 'webguest'"
        );
        ("access_refused".to_owned(), body)
    };
    for (command, destination, (kind, name)) in [
        ("SEND", "/exchange/paynotify", ("exchange", "paynotify")),
        (
            "SEND",
            "/exchange/paynotify.page/k",
            ("exchange", "paynotify.page"),
        ),
        (
            "SUBSCRIBE",
            "/exchange/paynotify",
            ("exchange", "paynotify"),
        ),
        ("SEND", "/queue/order_pay", ("queue", "order_pay")),
        ("SUBSCRIBE", "/queue/order_pay", ("queue", "order_pay")),
        ("SUBSCRIBE", "/amq/queue/order_pay", ("queue", "order_pay")),
        (
            "SUBSCRIBE",
            "/queue/stomp-subscription-z",
            ("queue", "stomp-subscription-z"),
        ),
        ("SEND", "/amq/queue/order_pay", ("exchange", "amq.default")),
        ("SUBSCRIBE", "/topic/a", ("exchange", "amq.topic")),
        ("SEND", "/topic/a", ("exchange", "amq.topic")),
        ("SUBSCRIBE", "/exchange/nope", ("exchange", "nope")),
        ("SUBSCRIBE", "/queue/new", ("queue", "new")),
    ] {
        let mut peer = Peer::logged_in("webguest", "webguest");
        let answer = peer.say(&format!("{command}\nid:0\ndestination:{destination}\n\n\0"));
        assert_eq!(
            refused(&answer),
            denied(kind, name),
            "{command} {destination}"
        );
    }
    let mut peer = Peer::logged_in("webguest", "webguest");
    let subscribe = "SUBSCRIBE\nid:0\ndestination:/exchange/paynotify.page/k\nreceipt:r\n\n\0";
    assert_eq!(peer.say(subscribe), ["RECEIPT\nreceipt-id:r\n\n\0"]);
}

#[test]
fn a_wrong_frame_has_rabbitmqs_words_and_names_its_receipt() {
    for (frame, message) in [
        ("SEND\n\nx\0", "Missing destination"),
        ("SEND\ndestination:/foo/bar\n\n\0", "Unknown destination"),
        ("SEND\ndestination:order_pay\n\n\0", "Unknown destination"),
        ("SEND\ndestination:/queue/\n\n\0", "Invalid destination"),
        ("SEND\ndestination:/exchange/nope\n\n\0", "not_found"),
        (
            "SEND\ndestination:/queue/order_pay\nmessage-id:1\n\n\0",
            "Invalid header",
        ),
        (
            "SEND\ndestination:/queue/order_pay\ntransaction:t\n\n\0",
            "Bad transaction",
        ),
        (
            "SEND\ndestination:/queue/order_pay\nx-max-length:2\n\n\0",
            "precondition_failed",
        ),
        (
            "SEND\ndestination:/queue/order_pay\ndurable:false\n\n\0",
            "resource_locked",
        ),
        (
            "SEND\ndestination:/queue/new\nx-message-ttl:2\n\n\0",
            "not_implemented",
        ),
        ("SEND\ndestination:/queue/amq.x\n\n\0", "access_refused"),
        (
            "SUBSCRIBE\nid:0\ndestination:/amq/queue/missing\n\n\0",
            "not_found",
        ),
        (
            "SUBSCRIBE\nid:0\nack:never\ndestination:/queue/order_pay\n\n\0",
            "Processing error",
        ),
        ("UNSUBSCRIBE\nid:9\n\n\0", "No subscription found"),
        ("UNSUBSCRIBE\n\n\0", "Missing destination or id"),
        ("ACK\nid:T_0@@session-7@@9\n\n\0", "Subscription not found"),
        ("ACK\nid:9\n\n\0", "Invalid header"),
        ("ACK\nmessage-id:9\n\n\0", "Missing header"),
        ("BEGIN\n\n\0", "Missing transaction"),
        ("COMMIT\ntransaction:t\n\n\0", "Bad transaction"),
        ("CONNECT\naccept-version:1.2\n\n\0", "Illegal command"),
        ("MESSAGE\n\n\0", "Bad command"),
        ("NOPE\n\n\0", "Bad command"),
        ("SEND\ndestination:/queue/a\\t\n\n\0", "Bad frame"),
        (
            "SEND\ndestination:/queue/a\ncontent-length:1\n\nabc\0",
            "Bad frame",
        ),
    ] {
        let mut peer = Peer::logged_in("root", "r");
        assert_eq!(
            refused(&peer.say(frame)).0,
            message,
            "{}",
            frame.escape_debug()
        );
    }
    let mut peer = Peer::logged_in("root", "r");
    let answer = peer.say("SEND\nreceipt:r-9\ndestination:/exchange/nope\n\n\0");
    assert!(answer[0].contains("\nreceipt-id:r-9\n"), "{answer:?}");
    assert_eq!(answer.len(), 2, "no RECEIPT beside it");
}

#[test]
fn a_message_carries_the_senders_headers_and_the_brokers_own() {
    let mut peer = Peer::logged_in("root", "r");
    peer.say("SUBSCRIBE\nid:s1\nack:client-individual\ndestination:/queue/order_pay\n\n\0");
    peer.say(
        "SEND\ndestination:/queue/order_pay\nreceipt:1\npersistent:true\nx-outbox-id:a\\cb\n\
         amqp-message-id:a\\cb\ncontent-type:application/json\nsubscription:forged\nack:forged\n\
         content-length:2\n\n{}\0",
    );
    assert_eq!(
        peer.messages(),
        [
            "MESSAGE\nsubscription:s1\nmessage-id:T_s1@@session-7@@1\nredelivered:false\n\
             ack:T_s1@@session-7@@1\ndestination:/queue/order_pay\npersistent:true\n\
             x-outbox-id:a\\cb\namqp-message-id:a\\cb\ncontent-type:application/json\n\
             content-length:2\n\n{}\0"
        ]
    );
    assert!(peer.say("NACK\nid:T_s1@@session-7@@1\n\n\0").is_empty());
    assert!(peer.messages()[0].contains("\nredelivered:true\n"));
    assert!(peer.say("ACK\nid:T_s1@@session-7@@2\n\n\0").is_empty());
    let (message, body) = refused(&peer.say("ACK\nid:T_s1@@session-7@@2\n\n\0"));
    assert_eq!(message, "precondition_failed");
    assert_eq!(body, "PRECONDITION_FAILED - unknown delivery tag 2");
}

#[test]
fn each_version_has_its_own_message_and_its_own_ack() {
    for (version, subscription, head) in [
        (
            "1.2",
            "id:s\\c1\n",
            "subscription:s\\c1\nmessage-id:T_s\\c1@@session-7@@1\n",
        ),
        (
            "1.1",
            "id:s\\c1\n",
            "subscription:s\\c1\nmessage-id:T_s\\c1@@session-7@@1\n",
        ),
        (
            "1.0",
            "id:s:1\n",
            "subscription:s:1\nmessage-id:T_s:1@@session-7@@1\n",
        ),
        ("1.0", "", "message-id:Q_/queue/order_pay@@session-7@@1\n"),
    ] {
        let mut peer = Peer::new();
        peer.say(&format!(
            "CONNECT\naccept-version:{version}\nlogin:root\npasscode:r\n\n\0"
        ));
        peer.say(&format!(
            "SUBSCRIBE\n{subscription}ack:client\ndestination:/queue/order_pay\n\n\0\
             SEND\ndestination:/queue/order_pay\n\nx\0"
        ));
        let [message] = &peer.messages()[..] else {
            panic!("one message")
        };
        assert!(
            message.starts_with(&format!("MESSAGE\n{head}redelivered:false\n")),
            "{message}"
        );
        assert_eq!(message.contains("\nack:"), version == "1.2", "{message}");
        let id = message.split("message-id:").nth(1).unwrap();
        let id = id.lines().next().unwrap();
        let header = if version == "1.2" { "id" } else { "message-id" };
        let answer = peer.say(&format!("ACK\n{header}:{id}\nreceipt:a\n\n\0"));
        assert_eq!(answer, ["RECEIPT\nreceipt-id:a\n\n\0"], "{version}");
    }
}

#[test]
fn a_queue_may_not_send_its_dead_where_its_maker_may_not_write() {
    let mut peer = Peer::logged_in("maker", "m");
    for destination in ["/queue/own", "/exchange/paynotify.page"] {
        let frame = format!(
            "SUBSCRIBE\nid:0\ndestination:{destination}\nx-queue-name:own\n\
             x-dead-letter-exchange:paynotify\n\n\0"
        );
        let (message, body) = refused(&peer.say(&frame));
        assert_eq!(message, "access_refused");
        assert!(body.contains("access to exchange 'paynotify'"), "{body}");
        peer = Peer::logged_in("maker", "m");
    }
}

#[test]
fn disconnect_gives_its_receipt_and_a_normal_close() {
    let mut peer = Peer::logged_in("root", "r");
    let answer = peer.say("DISCONNECT\nreceipt:bye\n\n\0SEND\ndestination:/queue/order_pay\n\n\0");
    assert_eq!(answer, ["RECEIPT\nreceipt-id:bye\n\n\0", "close 1000"]);
    assert_eq!(peer.router.counters.published, 0);
}
