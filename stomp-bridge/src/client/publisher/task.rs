//! The task: connect, serve, wait, again. The session decides; this carries.

use super::{Job, PublisherConfig, Reply, Status};
use crate::client::connect::{ConnectError, ServerInfo, session_config};
use crate::client::connection::{Connection, Reading};
use crate::client::credentials::Credentials;
use crate::client::event::{Cut, Event, Outcome};
use crate::client::publication::{NotSent, PublishError, Published};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Messages taken from the queue before what was taken is flushed.
const MAX_BATCH: usize = 64;

pub(super) struct Task {
    config: PublisherConfig,
    queue: mpsc::Receiver<Job>,
    status: watch::Sender<Status>,
    stop: watch::Receiver<Option<Instant>>,
    unsettled: Arc<AtomicUsize>,
    /// Connects, since a receipt last came, that led to nothing.
    failures: u32,
}

impl Task {
    pub(super) fn new(
        config: PublisherConfig,
        queue: mpsc::Receiver<Job>,
        status: watch::Sender<Status>,
        stop: watch::Receiver<Option<Instant>>,
        unsettled: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            config,
            queue,
            status,
            stop,
            unsettled,
            failures: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut last_error = None;
        while self.goes_on() {
            let attempt = self.failures.saturating_add(1);
            self.status.send_replace(Status::Connecting {
                attempt,
                last_error: last_error.clone(),
            });
            let error = match self.connect().await {
                None => continue,
                Some(Err(error)) => error.to_string(),
                Some(Ok((connection, server))) => {
                    tracing::info!(url = %self.config.url, ?server, "connected");
                    self.status.send_replace(Status::Connected { server });
                    match self.serve(connection).await {
                        Cut::Stopped => continue,
                        cut => cut.to_string(),
                    }
                }
            };
            tracing::warn!(url = %self.config.url, attempt, error, "no connection to the broker");
            let wait = self.config.backoff.wait(self.failures, random());
            self.failures = self.failures.saturating_add(1);
            let attempt = self.failures.saturating_add(1);
            last_error = Some(error);
            self.status.send_replace(Status::Connecting {
                attempt,
                last_error: last_error.clone(),
            });
            self.pause(wait).await;
        }
        self.queue.close();
        while let Ok(job) = self.queue.try_recv() {
            self.unsettled.fetch_add(1, Ordering::AcqRel);
            answer(job.reply, Err(NotSent::Stopped.into()));
        }
        self.status.send_replace(Status::Stopped);
    }

    /// Until the stop; and while draining as long as something is queued and there is time.
    fn goes_on(&mut self) -> bool {
        let drain = *self.stop.borrow_and_update();
        if self.stop.has_changed().is_err() {
            return false;
        }
        let Some(deadline) = drain else { return true };
        self.queue.close();
        !self.queue.is_empty() && Instant::now() < deadline
    }

    /// `None` when a stop cut in.
    async fn connect(&mut self) -> Option<Result<(Connection<Reply>, ServerInfo), ConnectError>> {
        let Self { config, stop, .. } = self;
        let credentials = Credentials::for_connect(config.credentials.as_ref(), &config.url);
        let session = session_config(
            &config.url,
            &config.connect,
            config.receipt_timeout,
            config.window.max(1),
        );
        let open = Connection::open(&config.url, credentials.as_ref(), &config.connect, session);
        tokio::select! {
            opened = open => Some(opened),
            () = stopping(stop) => None,
        }
    }

    async fn pause(&mut self, wait: std::time::Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = stopping(&mut self.stop) => {}
        }
    }

    /// Serves one connection to its end.
    async fn serve(&mut self, mut connection: Connection<Reply>) -> Cut {
        let mut deadline = *self.stop.borrow();
        loop {
            if let Some(cut) = self.settle(&mut connection) {
                return cut;
            }
            let drained = connection.session.in_flight() == 0 && self.queue.is_empty();
            let late = deadline.is_some_and(|at| at <= Instant::now());
            if late || (drained && deadline.is_some()) {
                return self.leave(connection).await;
            }
            let room = connection.has_room();
            tokio::select! {
                () = connection.turn(Reading::On) => {}
                job = self.queue.recv(), if room && !(deadline.is_some() && self.queue.is_empty()) => {
                    match job {
                        Some(job) => self.send(&mut connection, job),
                        None => return self.leave(connection).await,
                    }
                }
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

    /// Hands over one message, and those that wait behind it, before the next flush.
    fn send(&mut self, connection: &mut Connection<Reply>, first: Job) {
        let now = Instant::now().into_std();
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(Job {
            publication,
            reply,
            claimed,
        }) = next.take()
        {
            // A caller that gave up, or dropped its future, takes its message back.
            if !reply.is_closed() && !claimed.swap(true, Ordering::AcqRel) {
                connection.session.send(now, publication, reply);
                connection.load();
                taken += 1;
            }
            if taken < MAX_BATCH && connection.has_room() {
                next = self.queue.try_recv().ok();
            }
        }
    }

    /// Answers what the session settled; tells when it ended.
    fn settle(&mut self, connection: &mut Connection<Reply>) -> Option<Cut> {
        while let Some(event) = connection.session.poll_event() {
            match event {
                Event::Settled {
                    token,
                    outcome: Outcome::Confirmed,
                } => {
                    self.failures = 0;
                    answer(token, Ok(Published));
                }
                Event::Settled {
                    token,
                    outcome: Outcome::Refused { message, body },
                } => {
                    answer(token, Err(PublishError::Refused { message, body }));
                }
                Event::Settled {
                    token,
                    outcome: Outcome::Unknown(reason),
                } => {
                    if reason == Cut::Stopped {
                        self.unsettled.fetch_add(1, Ordering::AcqRel);
                    }
                    answer(token, Err(PublishError::Unknown { reason }));
                }
                Event::Connected(_) | Event::Received(_) => {}
                Event::Ended(cut) => return Some(cut),
            }
        }
        None
    }

    async fn leave(&mut self, mut connection: Connection<Reply>) -> Cut {
        connection.session.abandon(&Cut::Stopped);
        self.settle(&mut connection);
        connection.goodbye().await;
        Cut::Stopped
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

fn answer(reply: Reply, answer: Result<Published, PublishError>) {
    // Nobody waits any more: then nobody needs the answer.
    reply.send(answer).ok();
}

/// Without randomness the backoff is still a backoff, only without jitter.
fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}
