//! What a connection notices, and when: a peer at the other end of a pipe, and a clock that stands
//! still while anything can happen.

use super::*;
use crate::client::counted::Counted;
use crate::client::event::Outcome;
use crate::client::session::OwnBeats;
use crate::client::ws_io::WsIo;
use crate::client::{Destination, Publication};
use crate::frame::{Command, Frame, Parser, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

const CONFIG: SessionConfig = SessionConfig {
    heartbeat: s(10),
    own_beats: OwnBeats::Announced,
    connect_timeout: s(5),
    receipt_timeout: s(30),
    window: 100,
};

const LIMITS: Limits = Limits {
    max_frame_bytes: 1 << 20,
    max_headers: 32,
    max_header_bytes: 1024,
};

const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

type Opened = Result<(Connection<char>, ServerInfo), ConnectError>;

/// The broker's end.
struct Peer {
    pipe: DuplexStream,
    parser: Parser,
}

impl Peer {
    async fn frame(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.parser.next_frame().unwrap() {
                return frame;
            }
            let mut bytes = [0; 1024];
            let n = self.pipe.read(&mut bytes).await.unwrap();
            assert!(n > 0, "the end, not a frame");
            self.parser.push(&bytes[..n]);
        }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.pipe.write_all(bytes).await.unwrap();
    }

    async fn receipt_for(&mut self, frame: &Frame) {
        let receipt = Frame::new(Command::Receipt);
        let receipt = receipt.with("receipt-id", frame.header("receipt").unwrap());
        self.say(&receipt.encode(Version::V1_2).unwrap()).await;
    }
}

/// A pipe that holds so many bytes each way.
fn pipe(bytes: usize) -> (Box<dyn Io>, Peer) {
    let (ours, pipe) = duplex(bytes);
    let parser = Parser::new(LIMITS);
    (Box::new(Counted::new(ours)), Peer { pipe, parser })
}

async fn open(io: Box<dyn Io>, peer: &mut Peer, connected: &[u8]) -> Opened {
    let broker = async {
        assert_eq!(peer.frame().await.command, Command::Connect);
        peer.say(connected).await;
    };
    tokio::join!(Connection::over(io, "/", None, LIMITS, CONFIG), broker).0
}

const CONNECTED: &[u8] = b"CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0";

async fn opened(bytes: usize) -> (Connection<char>, Peer) {
    let (io, mut peer) = pipe(bytes);
    let (connection, _) = open(io, &mut peer, CONNECTED).await.unwrap();
    (connection, peer)
}

fn send(connection: &mut Connection<char>, body: Vec<u8>, token: char) {
    let publication = Publication::new(Destination::queue("q").unwrap(), body);
    let now = Instant::now().into_std();
    connection.session.send(now, &publication, token);
    connection.load();
}

/// Turns until an event comes.
async fn event(connection: &mut Connection<char>) -> Event<char> {
    loop {
        if let Some(event) = connection.session.poll_event() {
            return event;
        }
        connection.turn(Reading::On).await;
    }
}

/// Turns to the end; tells why and when.
async fn end(connection: &mut Connection<char>) -> (Cut, Duration) {
    let began = Instant::now();
    loop {
        if let Event::Ended(cut) = event(connection).await {
            return (cut, began.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_stuck_within_the_receipts_time_out() {
    let (io, mut peer) = pipe(256);
    let no_beats = b"CONNECTED\nversion:1.2\n\n\0";
    let (mut connection, _) = open(io, &mut peer, no_beats).await.unwrap();
    send(&mut connection, vec![b'x'; 4096], 'a');
    assert_eq!(end(&mut connection).await, (Cut::Stalled, s(30)));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_stuck_though_only_heart_beats_go_out() {
    let (mut connection, mut peer) = opened(256).await;
    // It beats, so that it is not silent, and reads nothing: the pipe takes 256 line ends.
    let beats = async {
        loop {
            sleep(s(10)).await;
            peer.say(b"\n").await;
        }
    };
    let (cut, after) = tokio::select! {
        end = end(&mut connection) => end,
        () = beats => unreachable!(),
    };
    assert_eq!(cut, Cut::Stalled);
    assert_eq!(after, s(5) * 257 + s(30));
}

/// More to send than the network carries: no flush ends, and all of them move something.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_is_not_stuck() {
    let (io, mut peer) = pipe(64);
    let no_beats = b"CONNECTED\nversion:1.2\n\n\0";
    let (mut connection, _) = open(io, &mut peer, no_beats).await.unwrap();
    let broker = async {
        loop {
            let frame = peer.frame().await;
            peer.receipt_for(&frame).await;
            sleep(s(1)).await;
        }
    };
    let client = async {
        let began = Instant::now();
        while began.elapsed() < s(300) {
            // 20 are out, each for 20 s, and the receipt's time-out is 30 s.
            while connection.session.in_flight() < 20 {
                send(&mut connection, vec![b'x'; 200], 'a');
            }
            let settled = Event::Settled {
                token: 'a',
                outcome: Outcome::Confirmed,
            };
            assert_eq!(
                event(&mut connection).await,
                settled,
                "{:?}",
                began.elapsed()
            );
        }
    };
    tokio::select! {
        () = client => {}
        () = broker => unreachable!(),
    }
}

/// What a WebSocket has taken in is not sent: no more than the bound waits there, and a message.
#[tokio::test(start_paused = true)]
async fn a_stuck_web_socket_takes_no_more_than_the_bound() {
    const BODY: usize = 4096;
    let (ours, theirs) = duplex(1024);
    let ws = WebSocketStream::from_raw_socket(Counted::new(ours), Role::Client, None).await;
    let mut peer = Peer {
        pipe: theirs,
        parser: Parser::new(LIMITS),
    };
    let config = SessionConfig {
        window: 100_000,
        ..CONFIG
    };
    let io = Box::new(WsIo::new(ws));
    let connected = [&[0x82, u8::try_from(CONNECTED.len()).unwrap()], CONNECTED].concat();
    let (opened, ()) = tokio::join!(
        Connection::over(io, "/", None, LIMITS, config),
        peer.say(&connected)
    );
    let (mut connection, _): (Connection<char>, _) = opened.unwrap();
    let mut taken = 0;
    let full = async {
        loop {
            while connection.has_room() {
                send(&mut connection, vec![b'x'; BODY], 'a');
                taken += BODY;
                assert!(taken < 10 * MAX_UNSENT_BYTES, "{taken} bytes are taken");
            }
            // Into the WebSocket, as far as that takes it; nobody reads.
            connection.turn(Reading::On).await;
        }
    };
    // Before the silence would end it.
    assert!(timeout(s(15), full).await.is_err(), "nothing can come");
    assert!(!connection.has_room());
    assert!(!connection.session.has_ended());
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_silent_after_two_intervals() {
    let (mut connection, mut peer) = opened(1 << 16).await;
    // The network still takes what we write, and nothing comes back.
    let (cut, after) = end(&mut connection).await;
    assert_eq!((cut, after), (Cut::Silent, s(20)));
    let mut beats = Vec::new();
    drop(connection);
    peer.pipe.read_to_end(&mut beats).await.unwrap();
    assert_eq!(beats, b"\n\n\n", "one at each half interval till then");
}

#[tokio::test(start_paused = true)]
async fn a_broker_under_an_alarm_is_blocked_within_the_receipts_time_out() {
    let (mut connection, mut peer) = opened(1 << 16).await;
    // As RabbitMQ 3.10.8: the first SEND after the alarm gets its receipt, later ones do not, and
    // heart-beats go on.
    let broker = async {
        let first = peer.frame().await;
        peer.receipt_for(&first).await;
        loop {
            sleep(s(5)).await;
            peer.say(b"\n").await;
        }
    };
    let client = async {
        send(&mut connection, b"first".into(), 'a');
        let settled = Event::Settled {
            token: 'a',
            outcome: Outcome::Confirmed,
        };
        assert_eq!(event(&mut connection).await, settled);
        sleep(s(1)).await;
        send(&mut connection, b"second".into(), 'b');
        end(&mut connection).await
    };
    let (cut, after) = tokio::select! {
        end = client => end,
        () = broker => unreachable!(),
    };
    assert_eq!((cut, after), (Cut::Blocked, s(30)));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_hears_the_broker_out_and_waits_no_longer_than_a_second() {
    let (connection, mut peer) = opened(64).await;
    let broker = async {
        assert_eq!(peer.frame().await.command, Command::Disconnect);
        // More than the pipe holds: it gets through only if someone reads it.
        peer.say(&[b'\n'; 1000]).await;
        drop(peer);
    };
    tokio::join!(connection.goodbye(), broker);

    let (connection, peer) = opened(64).await;
    let began = Instant::now();
    connection.goodbye().await;
    assert_eq!(began.elapsed(), GOODBYE_TIMEOUT);
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_mute_peer_fails_the_handshake_in_time() {
    let (io, _peer) = pipe(1024);
    let began = Instant::now();
    let opened: Opened = Connection::over(io, "/", None, LIMITS, CONFIG).await;
    let error = opened.map(|_| ()).unwrap_err();
    assert_eq!(error, ConnectError::TimedOut { step: Step::Stomp });
    assert_eq!(began.elapsed(), s(5));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_in_slowly_shows_life() {
    // A WebSocket hands a message on when it is whole: 90 s here, in pieces of 9 s.
    let (ours, theirs) = duplex(1 << 16);
    let ws = WebSocketStream::from_raw_socket(Counted::new(ours), Role::Client, None).await;
    let mut peer = Peer {
        pipe: theirs,
        parser: Parser::new(LIMITS),
    };
    let broker = async {
        let connected = [&[0x82, u8::try_from(CONNECTED.len()).unwrap()], CONNECTED].concat();
        peer.say(&connected).await;
        let receipt = b"RECEIPT\nreceipt-id:1\n\n\0";
        peer.say(&[0x82, u8::try_from(receipt.len()).unwrap()])
            .await;
        for piece in receipt.chunks(3) {
            peer.say(piece).await;
            sleep(s(9)).await;
        }
    };
    let client = async {
        let config = SessionConfig {
            receipt_timeout: s(120),
            ..CONFIG
        };
        let io = Box::new(WsIo::new(ws));
        let opened: Opened = Connection::over(io, "/", None, LIMITS, config).await;
        let (mut connection, _) = opened.unwrap();
        send(&mut connection, b"a".into(), 'a');
        event(&mut connection).await
    };
    let (got, ()) = tokio::join!(client, broker);
    let settled = Event::Settled {
        token: 'a',
        outcome: Outcome::Confirmed,
    };
    assert_eq!(got, settled);
}

#[tokio::test(start_paused = true)]
async fn limit_02_any_fault_in_what_is_read_ends_the_connection() {
    for (fault, what) in [
        (&b"MESSAGE\nmessage-id:1\n\nabc\0"[..], "destination"),
        (b"NOPE\n\n\0", "NOPE"),
        (b"RECEIPT\nno colon\n\n\0", "understood"),
        (b"RECEIPT\n\n\0", "receipt-id"),
    ] {
        let (mut connection, mut peer) = opened(1 << 16).await;
        send(&mut connection, b"a".into(), 'a');
        peer.say(fault).await;
        // Well formed, and not looked at any more.
        peer.say(b"RECEIPT\nreceipt-id:1\n\n\0").await;
        let Event::Settled {
            outcome: Outcome::Unknown(Cut::Protocol { what: told }),
            ..
        } = event(&mut connection).await
        else {
            panic!("{}", fault.escape_ascii())
        };
        assert!(told.contains(what), "{told}");
        assert!(matches!(event(&mut connection).await, Event::Ended(_)));
        connection.turn(Reading::On).await;
        assert_eq!(connection.session.poll_event(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn limit_15_frames_between_two_flushes_travel_together_heart_beats_or_not() {
    let (mut connection, mut peer) = opened(1 << 16).await;
    for token in ['a', 'b', 'c'] {
        send(&mut connection, b"body".into(), token);
    }
    // Nothing is written before the turn; all of it at its first write.
    tokio::select! {
        biased;
        () = connection.turn(Reading::On) => panic!("nothing came in"),
        () = std::future::ready(()) => {}
    }
    let mut bytes = [0; 4096];
    let n = peer.pipe.read(&mut bytes).await.unwrap();
    peer.parser.push(&bytes[..n]);
    let frames: Vec<_> = std::iter::from_fn(|| peer.parser.next_frame().unwrap()).collect();
    assert_eq!(frames.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn limit_16_a_refused_session_has_a_type() {
    for (error, expected) in [
        (
            &b"ERROR\nmessage:Bad CONNECT\n\nAccess refused for user 'u'\n\0"[..],
            ConnectError::AccessRefused {
                reason: "Access refused for user 'u'".into(),
            },
        ),
        (
            b"ERROR\nmessage:Bad CONNECT\n\nVirtual host 'nope' access denied\0",
            ConnectError::VirtualHost {
                reason: "Virtual host 'nope' access denied".into(),
            },
        ),
        (
            b"ERROR\nmessage:Version mismatch\n\nSupported versions are 9.9\0",
            ConnectError::Version {
                reason: "Supported versions are 9.9".into(),
            },
        ),
    ] {
        let (io, mut peer) = pipe(1024);
        let refused = open(io, &mut peer, error).await.map(|_| ());
        assert_eq!(refused, Err(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn several_frames_in_one_piece_and_one_over_many() {
    let (mut connection, mut peer) = opened(1 << 16).await;
    send(&mut connection, b"a".into(), 'a');
    send(&mut connection, b"b".into(), 'b');
    let message = b"MESSAGE\ndestination:/queue/q\nmessage-id:1\nsubscription:0\n\
                    content-length:3\n\na\0b\0\n";
    let receipts = b"RECEIPT\nreceipt-id:1\n\n\0\nRECEIPT\nreceipt-id:2\n\n\0\n";
    peer.say(&[&receipts[..], message].concat()).await;
    let received = async {
        let mut bodies = Vec::new();
        while bodies.len() < 2 {
            match event(&mut connection).await {
                Event::Received(message) => bodies.push(message.body),
                Event::Settled { outcome, .. } => assert_eq!(outcome, Outcome::Confirmed),
                other => panic!("{other:?}"),
            }
        }
        bodies
    };
    let pieces = async {
        for byte in message {
            sleep(s(1)).await;
            peer.say(&[*byte]).await;
        }
    };
    let (bodies, ()) = tokio::join!(received, pieces);
    assert_eq!(bodies, [&b"a\0b"[..], b"a\0b"]);
}
