use super::*;
use crate::client::{Destination, Requeue};

const CONFIG: SessionConfig = SessionConfig {
    heartbeat: Duration::from_secs(10),
    own_beats: OwnBeats::Announced,
    connect_timeout: Duration::from_secs(5),
    receipt_timeout: Duration::from_secs(10),
    window: 2,
};

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn connected(heartbeat: &str) -> Message<FromServer> {
    content(FromServer::Connected {
        version: "1.2".into(),
        session: None,
        server: Some("RabbitMQ/3.10.8".into()),
        heartbeat: Some(heartbeat.into()),
    })
}

fn receipt(id: &str) -> Message<FromServer> {
    content(FromServer::Receipt {
        receipt_id: id.into(),
    })
}

fn error(receipt_id: Option<&str>) -> Message<FromServer> {
    let mut frame = content(FromServer::Error {
        message: Some("not_found".into()),
        body: Some(b"NOT_FOUND - no exchange 'nope'\n".to_vec()),
    });
    frame.extra_headers = receipt_id
        .map(|id| (b"receipt-id".to_vec(), id.as_bytes().to_vec()))
        .into_iter()
        .collect();
    frame
}

fn content(content: FromServer) -> Message<FromServer> {
    Message {
        content,
        extra_headers: vec![],
    }
}

fn publication() -> Publication {
    Publication::new(Destination::queue("q").unwrap(), "a\0b").message_id("id-1")
}

fn open(heartbeat: &str, now: Instant) -> Session<char> {
    let mut session = Session::new(CONFIG, "/", None, now);
    assert!(session.poll_transmit().is_some());
    session.handle_frame(now, connected(heartbeat));
    assert!(matches!(session.poll_event(), Some(Event::Connected(_))));
    session
}

fn events(session: &mut Session<char>) -> Vec<Event<char>> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

fn settled(token: char, outcome: Outcome) -> Event<char> {
    Event::Settled { token, outcome }
}

#[test]
fn a_send_carries_its_headers_and_its_true_length() {
    let now = Instant::now();
    let mut session = open("0,0", now);
    session.send(now, &publication(), 'a');
    assert_eq!(
        wire(&mut session),
        "SEND\ndestination:/queue/q\nreceipt:1\ncontent-length:3\npersistent:true\n\
         x-outbox-id:id-1\namqp-message-id:id-1\n\na\0b\0"
    );
}

/// What is transmitted next, which must be frames of ours.
fn wire(session: &mut Session<char>) -> String {
    match session.poll_transmit() {
        Some(Outgoing::Wire(bytes)) => String::from_utf8(bytes).unwrap(),
        _ => panic!("no frames"),
    }
}

#[test]
fn frames_in_a_row_are_transmitted_in_one_piece() {
    let now = Instant::now();
    let mut session = open("0,0", now);
    session.send(now, &publication(), 'a');
    session.send(now, &publication(), 'b');
    assert_eq!(session.untransmitted_bytes(), wire(&mut session).len());
    assert!(session.poll_transmit().is_none());
    assert_eq!(session.untransmitted_bytes(), 0);
}

#[test]
fn a_message_costs_less_than_two_allocations_in_the_session() {
    const MESSAGES: u64 = 1000;
    let now = Instant::now();
    let config = SessionConfig {
        window: 1000,
        ..CONFIG
    };
    let mut session: Session<u64> = Session::new(config, "/", None, now);
    session.handle_frame(now, connected("0,0"));
    let publication = publication();
    let mut wire = bytes::BytesMut::new();
    let measured = allocation_counter::measure(|| {
        for token in 0..MESSAGES {
            session.send(now, &publication, token);
            // Each by itself, as with a window of one: the dearest way.
            if let Some(Outgoing::Wire(bytes)) = session.poll_transmit() {
                wire.extend_from_slice(&bytes);
                wire.clear();
            }
        }
    });
    let count = measured.count_total;
    assert!(count < 2 * MESSAGES, "{count} allocations");
}

#[test]
fn the_commands_of_a_subscription() {
    let now = Instant::now();
    let mut session = open("0,0", now);
    let headers = [("x-queue-name".to_owned(), "a:b".to_owned())];
    let subscribe = Subscribe {
        destination: "/exchange/paynotify",
        ack: AckMode::ClientIndividual,
        prefetch: Some(7),
        headers: &headers,
    };
    session.subscribe(now, &subscribe, 'a');
    assert_eq!(
        wire(&mut session),
        "SUBSCRIBE\nid:0\ndestination:/exchange/paynotify\nack:client-individual\nreceipt:1\n\
         prefetch-count:7\nx-queue-name:a\\cb\n\n\0"
    );
    let message = Received {
        destination: "/exchange/paynotify".into(),
        headers: vec![("ack".into(), "T_0@@s@@1".into())],
        body: bytes::Bytes::new(),
    };
    let name = AckName::of(&message, Version::V1_2).unwrap();
    for (verdict, expected) in [
        (Verdict::Ack, "ACK\nid:T_0@@s@@1\n\n\0"),
        (Verdict::Nack(Requeue::Yes), "NACK\nid:T_0@@s@@1\n\n\0"),
        (
            Verdict::Nack(Requeue::DeadLetter),
            "NACK\nid:T_0@@s@@1\nrequeue:false\n\n\0",
        ),
    ] {
        assert_eq!(session.settle(now, &name, verdict), Ok(()));
        assert_eq!(wire(&mut session), expected);
    }
    session.unsubscribe(now, 'b');
    assert_eq!(wire(&mut session), "UNSUBSCRIBE\nid:0\nreceipt:2\n\n\0");
    session.handle_frame(now, receipt("2"));
    assert_eq!(events(&mut session), [settled('b', Outcome::Confirmed)]);
}

#[test]
fn receipts_settle_by_id_and_make_room() {
    let now = Instant::now();
    let mut session = open("0,0", now);
    session.send(now, &publication(), 'a');
    session.send(now, &publication(), 'b');
    assert!(!session.has_room());
    session.handle_frame(now, receipt("2"));
    session.handle_frame(now, receipt("2"));
    session.handle_frame(now, receipt("nonsense"));
    assert_eq!(events(&mut session), [settled('b', Outcome::Confirmed)]);
    assert!(session.has_room());
    session.handle_frame(now, receipt("1"));
    assert_eq!(events(&mut session), [settled('a', Outcome::Confirmed)]);
    assert_eq!(session.next_timeout(), None);
}

#[test]
fn an_error_refuses_the_only_one_or_the_named_one_and_leaves_the_rest_unknown() {
    let now = Instant::now();
    let body = "NOT_FOUND - no exchange 'nope'".to_owned();
    let message = "not_found".to_owned();
    let refused = Outcome::Refused {
        message: message.clone(),
        body: body.clone(),
    };
    let cut = Cut::ErrorFrame { message, body };
    let unknown = || Outcome::Unknown(cut.clone());

    let mut session = open("0,0", now);
    session.send(now, &publication(), 'a');
    session.handle_frame(now, error(None));
    let expected = [settled('a', refused.clone()), Event::Ended(cut.clone())];
    assert_eq!(events(&mut session), expected);

    for (named, b_outcome) in [
        (None, unknown()),
        (Some("2"), refused.clone()),
        (Some("9"), unknown()),
    ] {
        let mut session = open("0,0", now);
        session.send(now, &publication(), 'a');
        session.send(now, &publication(), 'b');
        session.handle_frame(now, error(named));
        session.handle_frame(now, receipt("1"));
        let got = events(&mut session);
        assert_eq!(got.len(), 3, "a RECEIPT after ERROR means nothing: {got:?}");
        assert!(got.contains(&settled('a', unknown())) && got.contains(&settled('b', b_outcome)));
        assert!(!session.has_room());
    }
}

#[test]
fn a_missing_receipt_ends_the_connection_at_its_deadline() {
    let now = Instant::now();
    let mut session = open("0,0", now);
    session.send(now, &publication(), 'a');
    session.send(now + s(1), &publication(), 'b');
    assert_eq!(session.next_timeout(), Some(now + s(10)));
    session.handle_timeout(now + s(9));
    assert!(events(&mut session).is_empty());
    session.handle_timeout(now + s(10));
    let unknown = || Outcome::Unknown(Cut::ReceiptTimeout);
    assert_eq!(
        events(&mut session),
        [
            settled('a', unknown()),
            settled('b', unknown()),
            Event::Ended(Cut::ReceiptTimeout)
        ]
    );
}

#[test]
fn heart_beats_go_out_at_half_the_interval_and_silence_cuts_after_two() {
    let now = Instant::now();
    let mut session = open("20000,4000", now);
    assert_eq!(
        session.next_timeout(),
        Some(now + s(5)),
        "ours: the larger of 10 s and 4 s"
    );
    session.handle_timeout(now + s(5));
    assert!(matches!(session.poll_transmit(), Some(Outgoing::Heartbeat)));
    assert_eq!(
        session.next_timeout(),
        Some(now + s(10)),
        "and the next one as much later"
    );
    assert!(session.poll_transmit().is_none());
    session.handle_bytes(now + s(8));
    session.handle_timeout(now + s(47));
    assert!(
        events(&mut session).is_empty(),
        "20 s agreed: silent from 8 s, so cut at 48 s"
    );
    session.handle_timeout(now + s(48));
    assert_eq!(events(&mut session), [Event::Ended(Cut::Silent)]);
}

#[test]
fn no_beats_are_agreed_when_either_side_wants_none() {
    let now = Instant::now();
    assert_eq!(open("0,0", now).next_timeout(), None);
    assert_eq!(open("5000,0", now).next_timeout(), Some(now + s(20)));
    assert_eq!(open("0,5000", now).next_timeout(), Some(now + s(5)));
    assert_eq!(open("rubbish", now).next_timeout(), None);
}

#[test]
fn unannounced_beats_go_out_though_nobody_counts_on_them() {
    let now = Instant::now();
    let config = SessionConfig {
        own_beats: OwnBeats::Unannounced,
        ..CONFIG
    };
    let mut session: Session<char> = Session::new(config, "/", None, now);
    let Some(Outgoing::Frame(Message {
        content: ToServer::Connect { heartbeat, .. },
        ..
    })) = session.poll_transmit()
    else {
        panic!("no CONNECT")
    };
    assert_eq!(heartbeat, Some((0, 10_000)));
    session.handle_frame(now, connected("10000,0"));
    assert_eq!(session.next_timeout(), Some(now + s(5)));
    session.handle_timeout(now + s(5));
    assert!(matches!(session.poll_transmit(), Some(Outgoing::Heartbeat)));
}

#[test]
fn the_handshake_ends_in_time_and_accepts_nothing_else() {
    let now = Instant::now();
    let mut session: Session<char> = Session::new(CONFIG, "/", None, now);
    assert!(!session.has_room());
    session.handle_timeout(now + s(5));
    assert_eq!(events(&mut session), [Event::Ended(Cut::HandshakeTimeout)]);

    let mut session: Session<char> = Session::new(CONFIG, "/", None, now);
    session.handle_frame(now, receipt("1"));
    assert!(matches!(
        events(&mut session)[..],
        [Event::Ended(Cut::Protocol { .. })]
    ));
}

fn connected_with(version: &str) -> Message<FromServer> {
    content(FromServer::Connected {
        version: version.into(),
        session: None,
        server: None,
        heartbeat: Some("10000,10000".into()),
    })
}

#[test]
fn all_versions_are_offered_and_connected_names_the_one() {
    let now = Instant::now();
    for (named, version) in [
        ("1.0", Version::V1_0),
        ("1.1", Version::V1_1),
        ("1.2", Version::V1_2),
    ] {
        let mut session: Session<char> = Session::new(CONFIG, "/", None, now);
        let Some(Outgoing::Frame(Message {
            content: ToServer::Connect { accept_version, .. },
            ..
        })) = session.poll_transmit()
        else {
            panic!("no CONNECT")
        };
        assert_eq!(accept_version, "1.0,1.1,1.2");
        session.handle_frame(now, connected_with(named));
        assert!(matches!(session.poll_event(), Some(Event::Connected(s)) if s.version == named));
        assert_eq!(session.version(), version);
        let beats = (version > Version::V1_0).then(|| now + s(5));
        assert_eq!(session.next_timeout(), beats, "1.0 has no heart-beats");
    }
    for unknown in ["1.3", "1.2,1.1", ""] {
        let mut session: Session<char> = Session::new(CONFIG, "/", None, now);
        session.handle_frame(now, connected_with(unknown));
        let refused = matches!(
            events(&mut session)[..],
            [Event::Ended(Cut::Protocol { .. })]
        );
        assert!(refused, "{unknown:?}");
    }
}

#[test]
fn a_broker_that_beats_and_gives_no_receipt_at_all_is_blocked() {
    let now = Instant::now();
    let unknown = |cut: Cut| {
        [
            settled('a', Outcome::Unknown(cut.clone())),
            Event::Ended(cut),
        ]
    };

    let mut session = open("10000,10000", now);
    session.send(now, &publication(), 'a');
    session.handle_bytes(now + s(9));
    session.handle_timeout(now + s(10));
    assert_eq!(events(&mut session), unknown(Cut::Blocked));

    // Nothing came: it may be the network.
    let mut session = open("10000,10000", now);
    session.send(now, &publication(), 'a');
    session.handle_timeout(now + s(10));
    assert_eq!(events(&mut session), unknown(Cut::ReceiptTimeout));

    // The first SEND on a connection gets its receipt under an alarm too.
    let mut session = open("10000,10000", now);
    session.send(now, &publication(), 'b');
    session.send(now, &publication(), 'a');
    session.handle_frame(now + s(1), receipt("1"));
    session.handle_bytes(now + s(9));
    session.handle_timeout(now + s(10));
    let got = events(&mut session);
    assert_eq!(got[1..], unknown(Cut::Blocked));

    // Another message got its receipt: it is about this one.
    let mut session = open("10000,10000", now);
    session.send(now, &publication(), 'a');
    session.send(now, &publication(), 'b');
    session.handle_frame(now + s(9), receipt("2"));
    session.handle_timeout(now + s(10));
    let got = events(&mut session);
    assert_eq!(got[1..], unknown(Cut::ReceiptTimeout));
}

#[test]
fn an_error_about_the_connection_blames_no_message() {
    let now = Instant::now();
    for message in [
        "AMQP channel died",
        "connection_forced",
        "Processing error",
        "a word that nobody has heard",
    ] {
        let mut session = open("0,0", now);
        session.send(now, &publication(), 'a');
        session.handle_frame(
            now,
            content(FromServer::Error {
                message: Some(message.into()),
                body: Some(b"Reason: {shutdown, ...}".to_vec()),
            }),
        );
        let events = events(&mut session);
        assert!(matches!(
            &events[..],
            [
                Event::Settled {
                    token: 'a',
                    outcome: Outcome::Unknown(_)
                },
                Event::Ended(Cut::ErrorFrame { .. })
            ]
        ));
    }
}
