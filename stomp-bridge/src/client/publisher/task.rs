//! The task: connect, serve, wait, again. The flights and the session decide; this carries.

use super::flights::{Flights, Rules};
use super::queue::{Command, Line};
use super::reply::Reply;
use super::status::{Gauge, Status};
use super::{NotSent, PublisherConfig};
use crate::client::alarm::Alarm;
use crate::client::backoff::jitter;
use crate::client::connection::{Connection, Reading};
use crate::client::connector::Connector;
use crate::client::event::{Cut, Event, Outcome};
use crate::client::lost::Lost;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Commands taken from the queue before what was taken is flushed.
const MAX_BATCH: usize = 256;

pub(super) struct Task {
    config: PublisherConfig,
    queue: mpsc::Receiver<Command>,
    line: Line,
    flights: Flights<Reply>,
    drains: Vec<Drain>,
    status: watch::Sender<Status>,
    stop: watch::Receiver<Option<Instant>>,
    gauge: Arc<Gauge>,
    alarm: Alarm,
    /// A receipt came over the connection.
    served: bool,
}

/// Why a connection is served no longer.
enum Over {
    Ended(Cut),
    /// It is well, and the next message wants a new one.
    Renewed,
}

/// Somebody waits for the messages below `seq`.
struct Drain {
    seq: u64,
    until: Instant,
    reply: oneshot::Sender<usize>,
}

impl Task {
    pub(super) fn new(
        config: PublisherConfig,
        queue: mpsc::Receiver<Command>,
        line: Line,
        status: watch::Sender<Status>,
        stop: watch::Receiver<Option<Instant>>,
        gauge: Arc<Gauge>,
    ) -> Self {
        let rules = Rules {
            resend: config.resend,
            queue_timeout: config.queue_timeout,
            poison_tries: config.poison_tries.max(1),
            backoff: config.backoff,
            max_fresh: (config.queue / 2).max(1),
            max_open: config.window.max(1).saturating_add(config.queue),
        };
        Self {
            config,
            queue,
            line,
            flights: Flights::new(rules),
            drains: Vec::new(),
            status,
            stop,
            gauge,
            alarm: Alarm::default(),
            served: false,
        }
    }

    pub(super) async fn run(mut self) {
        let mut connector = Connector::new(
            self.config.urls.clone(),
            self.config.credentials.clone(),
            self.config.connect.clone(),
            self.config.backoff,
        );
        let (receipt_timeout, window) = (self.config.receipt_timeout, self.config.window.max(1));
        let mut last_error = None;
        while self.goes_on() {
            self.tell_connecting(&connector, last_error.clone());
            let open = connector.connect_next(receipt_timeout, window);
            let error = match self.meanwhile(open).await {
                None => continue,
                Some(Err(error)) => Lost::from(error),
                Some(Ok((connection, server))) => {
                    tracing::info!(url = %connector.url(), ?server, "connected");
                    self.status.send_replace(Status::Connected { server });
                    let begun = Instant::now();
                    let over = self.serve(connection).await;
                    let lasted = begun.elapsed() >= self.config.backoff.cap;
                    if std::mem::take(&mut self.served) || lasted {
                        connector.served();
                    }
                    match over {
                        Over::Renewed | Over::Ended(Cut::Stopped) => continue,
                        Over::Ended(cut) => Lost::from(cut),
                    }
                }
            };
            tracing::warn!(url = %connector.url(), attempt = connector.attempt(), %error, "no connection to the broker");
            let wait = connector.failed(jitter());
            last_error = Some(error);
            self.tell_connecting(&connector, last_error.clone());
            self.meanwhile(sleep(wait)).await;
        }
        self.finish();
    }

    fn tell_connecting(&self, connector: &Connector, last_error: Option<Lost>) {
        let attempt = connector.attempt();
        self.status.send_replace(Status::Connecting {
            attempt,
            last_error,
        });
    }

    /// Until the stop; and while draining as long as something is open and there is time.
    fn goes_on(&mut self) -> bool {
        let drain = *self.stop.borrow_and_update();
        if self.stop.has_changed().is_err() {
            return false;
        }
        let Some(deadline) = drain else { return true };
        self.queue.close();
        let open = !self.queue.is_empty() || !self.flights.is_empty();
        open && Instant::now() < deadline
    }

    /// Answers all that is left.
    fn finish(mut self) {
        self.queue.close();
        let mut unsettled = self.flights.stop();
        self.answer();
        while let Ok(command) = self.queue.try_recv() {
            match command {
                Command::Publish { reply, .. } => {
                    unsettled += 1;
                    reply.send(Err(NotSent::Stopped.into()));
                }
                Command::Drain { reply, .. } => {
                    reply.send(0).ok();
                }
            }
        }
        self.gauge.unsettled.fetch_add(unsettled, Ordering::AcqRel);
        self.status.send_replace(Status::Stopped);
    }

    /// Does `work` while messages come in and grow old. `None` when a stop cut in.
    async fn meanwhile<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let due = self.look_around();
            let room = self.takes_more();
            tokio::select! {
                done = &mut work => return Some(done),
                command = self.queue.recv(), if room => self.take(command),
                () = self.alarm.wait(due) => {}
                () = stopping(&mut self.stop) => return None,
            }
        }
    }

    fn takes_more(&self) -> bool {
        let ended = self.queue.is_closed() && self.queue.is_empty();
        self.flights.has_room() && !ended
    }

    /// Takes a command, and those that wait behind it.
    fn take(&mut self, first: Option<Command>) {
        let mut next = first;
        let mut taken = 0;
        while let Some(command) = next.take() {
            match command {
                Command::Publish {
                    publication,
                    since,
                    reply,
                } => self.flights.submit(since.into_std(), publication, reply),
                Command::Drain { until, reply } => self.drains.push(Drain {
                    seq: self.flights.next_seq(),
                    until,
                    reply,
                }),
            }
            taken += 1;
            if taken < MAX_BATCH && self.flights.has_room() {
                next = self.queue.try_recv().ok();
            }
        }
    }

    /// Answers what is settled or too old; tells when there is more of that.
    fn look_around(&mut self) -> Option<Instant> {
        let now = Instant::now();
        self.flights.expire(now.into_std(), self.queued());
        self.answer();
        let flights = &self.flights;
        self.gauge.open.store(flights.len(), Ordering::Release);
        let done = |drain: &mut Drain| drain.until <= now || !flights.is_open_below(drain.seq);
        for drain in self.drains.extract_if(.., done) {
            // Nobody waits any more: then nobody needs the answer.
            drain.reply.send(flights.open_below(drain.seq)).ok();
        }
        let drains = self.drains.iter().map(|drain| drain.until);
        let flights = self.flights.next_timeout(now.into_std());
        drains.chain(flights.map(Instant::from_std)).min()
    }

    /// Messages that were handed over and have no number yet, at most.
    fn queued(&self) -> usize {
        self.queue.len() + self.line.len()
    }

    fn answer(&mut self) {
        while let Some((reply, answer)) = self.flights.poll_answer() {
            reply.send(answer);
        }
    }

    /// Serves one connection to its end.
    async fn serve(&mut self, mut connection: Connection<u64>) -> Over {
        let mut deadline = *self.stop.borrow();
        self.flights.begun(Instant::now().into_std());
        loop {
            if let Some(cut) = self.settle(&mut connection) {
                self.answer();
                return Over::Ended(cut);
            }
            self.send(&mut connection);
            if self.flights.wants_renewal(Instant::now().into_std()) {
                self.meanwhile(connection.goodbye()).await;
                return Over::Renewed;
            }
            let due = self.look_around();
            let drained = self.flights.is_empty() && self.queue.is_empty();
            let late = deadline.is_some_and(|at| at <= Instant::now());
            let left = self.queue.is_closed() && drained;
            if late || left || (drained && deadline.is_some()) {
                return self.leave(connection).await;
            }
            let room = self.takes_more();
            tokio::select! {
                () = connection.turn(Reading::On) => {}
                command = self.queue.recv(), if room => self.take(command),
                () = self.alarm.wait(due) => {}
                () = stopping(&mut self.stop) => {
                    deadline = *self.stop.borrow();
                    // No handle is left: nobody waits for an answer.
                    if self.stop.has_changed().is_err() {
                        return self.leave(connection).await;
                    }
                    self.queue.close();
                }
            }
        }
    }

    /// Hands over what may go, before the next flush.
    fn send(&mut self, connection: &mut Connection<u64>) {
        let now = Instant::now().into_std();
        self.flights.judge(now, self.queued());
        while connection.has_room() {
            // A caller that dropped its future takes its message back.
            let next = self.flights.next_send(now, |reply| !reply.is_closed());
            let Some((seq, publication)) = next else {
                return;
            };
            connection.session.send(now, publication, seq);
        }
    }

    /// Passes on what the session settled; tells when it ended.
    fn settle(&mut self, connection: &mut Connection<u64>) -> Option<Cut> {
        while let Some(event) = connection.session.poll_event() {
            match event {
                Event::Settled {
                    token,
                    outcome: Outcome::Confirmed,
                } => {
                    self.served = true;
                    self.flights.confirmed(token);
                }
                Event::Settled {
                    token,
                    outcome: Outcome::Refused { message, body },
                } => {
                    let queued = self.queued();
                    self.flights.refused(token, message, body, queued);
                }
                Event::Settled {
                    token,
                    outcome: Outcome::Unknown(_),
                } => self.flights.lost(token),
                Event::Connected(_) | Event::Received(_) => {}
                Event::Ended(cut) => {
                    let now = Instant::now().into_std();
                    self.flights.ended(now, &cut, self.queued());
                    return Some(cut);
                }
            }
        }
        None
    }

    async fn leave(&mut self, mut connection: Connection<u64>) -> Over {
        let unsettled = self.flights.stop();
        self.gauge.unsettled.fetch_add(unsettled, Ordering::AcqRel);
        self.answer();
        connection.session.abandon(&Cut::Stopped);
        connection.goodbye().await;
        Over::Ended(Cut::Stopped)
    }
}

/// Resolves when the drain begins, when its deadline passes, or when every handle is gone.
async fn stopping(stop: &mut watch::Receiver<Option<Instant>>) {
    let deadline = *stop.borrow();
    let passed = async {
        match deadline {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // A change and the loss of every sender both mean: look again.
        _ = stop.changed() => {}
        () = passed => {}
    }
}
