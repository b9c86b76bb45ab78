//! The way of a message through the client's session and codec, and of its receipt back.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

use crate::client::codec::{GuardedCodec, Incoming};
use crate::client::connect::ConnectOptions;
use crate::client::event::Event;
use crate::client::session::{OwnBeats, Session, SessionConfig};
use crate::client::{Destination, Publication};

/// Messages between two flushes, as the publisher takes them.
const BATCH: usize = 64;
/// Batches whose receipts are out, about a window of 1 000.
const AHEAD: usize = 15;
const ROUNDS: usize = 2_001;
const COUNTED: usize = 200;
const NO_LIMIT: Duration = Duration::from_hours(1);

/// For one message.
pub(crate) struct Costs {
    pub(crate) send_ns: f64,
    pub(crate) receipt_ns: f64,
    pub(crate) send_allocations: f64,
    pub(crate) receipt_allocations: f64,
}

pub(crate) fn costs() -> Costs {
    let mut path = Path::connected();
    for _ in 0..AHEAD {
        path.send(path.publications());
    }
    let (mut send, mut receipt) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let publications = path.publications();
        let started = Instant::now();
        path.send(publications);
        send.push(started.elapsed());
        path.arrive();
        let started = Instant::now();
        path.receive();
        receipt.push(started.elapsed());
    }
    let (mut of_send, mut of_receipt) = (0, 0);
    for _ in 0..COUNTED {
        let publications = path.publications();
        of_send += allocation_counter::measure(|| path.send(publications)).count_total;
        path.arrive();
        of_receipt += allocation_counter::measure(|| path.receive()).count_total;
    }
    Costs {
        send_ns: median_ns(send),
        receipt_ns: median_ns(receipt),
        send_allocations: each(of_send),
        receipt_allocations: each(of_receipt),
    }
}

fn median_ns(mut batches: Vec<Duration>) -> f64 {
    batches.sort_unstable();
    batches[batches.len() / 2].as_secs_f64() * 1e9 / f64::from(u32::try_from(BATCH).unwrap())
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn each(allocations: u64) -> f64 {
    allocations as f64 / (COUNTED * BATCH) as f64
}

struct Path {
    session: Session<()>,
    codec: GuardedCodec,
    now: Instant,
    order_pay: Destination,
    out: BytesMut,
    incoming: BytesMut,
    /// The next receipt to come.
    next: usize,
}

impl Path {
    fn connected() -> Self {
        let now = Instant::now();
        let config = SessionConfig {
            heartbeat: Duration::ZERO,
            own_beats: OwnBeats::Announced,
            connect_timeout: NO_LIMIT,
            receipt_timeout: NO_LIMIT,
            window: (AHEAD + 1) * BATCH,
        };
        let mut path = Self {
            session: Session::new(config, "/", None, now),
            codec: GuardedCodec::new(ConnectOptions::default().limits),
            now,
            order_pay: Destination::queue("order_pay").unwrap(),
            out: BytesMut::new(),
            incoming: BytesMut::from("CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0\n"),
            next: 1,
        };
        path.write();
        path.read();
        assert!(matches!(
            path.session.poll_event(),
            Some(Event::Connected(_))
        ));
        path
    }

    /// What the callers make.
    fn publications(&self) -> Vec<Publication> {
        let publication = |_| Publication::new(self.order_pay.clone(), "an order and its sum");
        (0..BATCH).map(publication).collect()
    }

    fn send(&mut self, publications: Vec<Publication>) {
        for publication in publications {
            self.session.send(self.now, publication, ());
            self.write();
        }
        // The flush.
        black_box(&self.out);
        self.out.clear();
    }

    fn write(&mut self) {
        while let Some(frame) = self.session.poll_transmit() {
            self.codec.encode(frame, &mut self.out).unwrap();
        }
    }

    /// The server sends the receipts of one batch.
    fn arrive(&mut self) {
        for id in self.next..self.next + BATCH {
            let receipt = format!("RECEIPT\nreceipt-id:{id}\n\n\0\n");
            self.incoming.extend_from_slice(receipt.as_bytes());
        }
        self.next += BATCH;
    }

    fn receive(&mut self) {
        self.read();
        for _ in 0..BATCH {
            let event = self.session.poll_event();
            assert!(matches!(event, Some(Event::Settled { .. })));
        }
    }

    fn read(&mut self) {
        while let Some(incoming) = self.codec.decode(&mut self.incoming).unwrap() {
            match incoming {
                Incoming::Bytes => self.session.handle_bytes(self.now),
                Incoming::Frame(frame) => self.session.handle_frame(self.now, frame),
            }
        }
    }
}
