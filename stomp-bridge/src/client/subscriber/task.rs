//! The task: connect, subscribe, carry, wait, again. The deliveries decide what may be said.

use super::begin::begin;
use super::config::{AckMode, SubscriberConfig};
use super::deliveries::{Deliveries, Tag};
use super::error::{AckError, SubscribeError};
use super::message::{Delivery, Message, Settle};
use super::status::SubscriberStatus;
use crate::client::acknowledge::AckName;
use crate::client::backoff::jitter;
use crate::client::connection::{Connection, Reading};
use crate::client::connector::Connector;
use crate::client::event::{Cut, Event, Received, ServerInfo};
use crate::client::lost::Lost;
use crate::client::session::Subscribe;
use crate::frame::Version;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Acknowledgements on their way to the task.
const MAX_SETTLES: usize = 256;

/// What follows the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reconnect {
    Always,
    Never,
}

/// Why a subscription or a wait for one ended.
enum End {
    Cut(Cut),
    /// There was none.
    Failed,
    /// Closed; or dropped.
    Stop(Option<Close>),
    /// The broker has confirmed that it sends no more.
    Unsubscribed,
}

/// The end.
#[derive(Debug)]
pub(super) struct Close {
    /// Until when acknowledgements are waited for.
    pub(super) until: Instant,
    /// Messages that the caller will not see.
    pub(super) unread: Vec<Tag>,
}

/// What the handle asks for.
#[derive(Debug)]
pub(super) enum Stop {
    Close(Close),
    /// The end once all has come that was on its way.
    Unsubscribe,
}

pub(super) struct Task {
    config: SubscriberConfig,
    reconnect: Reconnect,
    messages: mpsc::Sender<Message>,
    /// Came in, and not yet handed over.
    waiting: VecDeque<Message>,
    deliveries: Deliveries<AckName>,
    settles: mpsc::Receiver<Settle>,
    /// For new messages; given up at the close, so that the channel ends with the last of them.
    settle: Option<mpsc::Sender<Settle>>,
    status: watch::Sender<SubscriberStatus>,
    connection: Arc<AtomicU64>,
    cut: Arc<OnceLock<Cut>>,
    /// Of the connection.
    version: Version,
    /// A message came over the connection.
    served: bool,
}

type First = Option<oneshot::Sender<Result<(), SubscribeError>>>;

impl Task {
    pub(super) fn new(
        config: SubscriberConfig,
        reconnect: Reconnect,
        messages: mpsc::Sender<Message>,
        status: watch::Sender<SubscriberStatus>,
        connection: Arc<AtomicU64>,
        cut: Arc<OnceLock<Cut>>,
    ) -> Self {
        let (settle, settles) = mpsc::channel(MAX_SETTLES);
        Self {
            deliveries: Deliveries::new(config.ack),
            config,
            reconnect,
            messages,
            waiting: VecDeque::new(),
            settles,
            settle: Some(settle),
            status,
            connection,
            cut,
            version: Version::V1_2,
            served: false,
        }
    }

    /// Gives the number of messages that were out at the close.
    pub(super) async fn run(
        mut self,
        mut first: First,
        mut stop: oneshot::Receiver<Stop>,
    ) -> usize {
        let config = self.config.clone();
        let mut connector = Connector::new(
            config.urls.clone(),
            config.credentials.clone(),
            config.connect.clone(),
            config.backoff,
        );
        let mut unsettled = 0;
        let mut last_error: Option<Lost> = None;
        loop {
            self.tell_connecting(&connector, last_error.take());
            let attempt = self.meanwhile(&mut stop, subscribed(&connector, &config));
            let end = match attempt.await {
                Err(end) => end,
                Ok(Err(error)) => {
                    last_error = Some(error.clone().into());
                    if let Some(first) = first.take() {
                        first.send(Err(error)).ok();
                        break;
                    }
                    End::Failed
                }
                Ok(Ok((mut connection, server, early))) => {
                    tracing::info!(url = %connector.url(), destination = %config.destination, ?server, "subscribed");
                    self.begun(connection.session.version(), server, early);
                    if let Some(first) = first.take() {
                        first.send(Ok(())).ok();
                    }
                    let begun = Instant::now();
                    let end = self.serve(&mut connection, &mut stop).await;
                    // A quiet queue is no failure.
                    let lasted = begun.elapsed() >= config.backoff.cap;
                    if std::mem::take(&mut self.served) || lasted {
                        connector.served();
                    }
                    match end {
                        End::Stop(close) => {
                            unsettled = self.close(connection, close).await;
                            End::Stop(None)
                        }
                        End::Unsubscribed => {
                            connection.goodbye().await;
                            End::Unsubscribed
                        }
                        end => end,
                    }
                }
            };
            self.ended();
            match end {
                End::Stop(_) => break,
                End::Unsubscribed => {
                    self.hand_over_the_rest().await;
                    break;
                }
                End::Cut(cut) if self.reconnect == Reconnect::Never => {
                    // Set before the channel closes, so that who sees `None` finds it.
                    self.cut.set(cut).ok();
                    self.hand_over_the_rest().await;
                    break;
                }
                End::Cut(cut) => last_error = Some(cut.into()),
                End::Failed => {}
            }
            tracing::warn!(url = %connector.url(), destination = %config.destination, error = last_error.as_ref().map(tracing::field::display), "no subscription");
            let wait = connector.failed(jitter());
            self.tell_connecting(&connector, last_error.clone());
            match self.meanwhile(&mut stop, sleep(wait)).await {
                Err(End::Stop(_)) => break,
                Err(End::Unsubscribed) => {
                    self.hand_over_the_rest().await;
                    break;
                }
                Ok(()) | Err(End::Cut(_) | End::Failed) => {}
            }
        }
        self.status.send_replace(SubscriberStatus::Ended);
        unsettled
    }

    fn tell_connecting(&self, connector: &Connector, last_error: Option<Lost>) {
        let attempt = connector.attempt();
        self.status.send_replace(SubscriberStatus::Connecting {
            attempt,
            last_error,
        });
    }

    fn begun(&mut self, version: Version, server: ServerInfo, early: Vec<Received>) {
        self.version = version;
        self.turn_over();
        for received in early {
            self.received(received);
        }
        self.status
            .send_replace(SubscriberStatus::Subscribed { server });
    }

    fn ended(&mut self) {
        self.turn_over();
        if self.config.ack != AckMode::Auto {
            // The broker has them again.
            self.waiting.clear();
        }
    }

    fn turn_over(&mut self) {
        let connection = self.deliveries.turn_over();
        self.connection.store(connection, Ordering::Release);
    }

    fn received(&mut self, received: Received) {
        self.served = true;
        // At the end there is no sender, and nobody to hand the message to.
        let Some(settle) = self.settle.clone() else {
            return;
        };
        let name = AckName::of(&received, self.version);
        let tag = self.deliveries.deliver(name);
        let delivery = Delivery { tag, settle };
        self.waiting.push_back(Message::new(received, delivery));
    }

    /// Does `work`, for which there is no subscription yet, while acknowledgements of an earlier
    /// one are answered and what waits is handed over.
    async fn meanwhile<F: Future>(
        &mut self,
        stop: &mut oneshot::Receiver<Stop>,
        work: F,
    ) -> Result<F::Output, End> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                stop = &mut *stop => {
                    return Err(match stop {
                        Ok(Stop::Close(close)) => End::Stop(Some(close)),
                        Ok(Stop::Unsubscribe) => End::Unsubscribed,
                        Err(_) => End::Stop(None),
                    });
                }
                Some(settle) = self.settles.recv() => {
                    let answer = self.deliveries.settle(settle.tag, |_| Ok(()));
                    settle.reply.send(answer).ok();
                }
                permit = self.messages.reserve(), if !self.waiting.is_empty() => {
                    match (permit, self.waiting.pop_front()) {
                        (Ok(permit), Some(message)) => permit.send(message),
                        _ => self.waiting.clear(),
                    }
                }
            }
        }
    }

    /// Serves one subscription to its end.
    async fn serve(
        &mut self,
        connection: &mut Connection<()>,
        stop: &mut oneshot::Receiver<Stop>,
    ) -> End {
        let mut leaving = false;
        loop {
            while let Some(event) = connection.session.poll_event() {
                match event {
                    Event::Received(received) => self.received(received),
                    // It was to end, and it has: nobody wants another one.
                    Event::Ended(_) if leaving => return End::Unsubscribed,
                    Event::Ended(cut) => return End::Cut(cut),
                    // The subscription's late receipt, or the one for the goodbye to it.
                    Event::Settled { .. } | Event::Connected(_) => {}
                }
            }
            if leaving && connection.session.in_flight() == 0 {
                return End::Unsubscribed;
            }
            while !self.waiting.is_empty() {
                match self.messages.try_reserve() {
                    Ok(permit) => self.waiting.pop_front().map_or((), |m| permit.send(m)),
                    Err(_) => break,
                }
            }
            let read = self.waiting.is_empty() && self.deliveries.has_room();
            let reading = if read { Reading::On } else { Reading::Paused };
            let takes_bytes = connection.takes_bytes();
            let asked_to_leave = tokio::select! {
                () = connection.turn(reading) => false,
                Some(settle) = self.settles.recv(), if takes_bytes => {
                    settle_with(&mut self.deliveries, connection, settle);
                    while connection.takes_bytes()
                        && let Ok(settle) = self.settles.try_recv()
                    {
                        settle_with(&mut self.deliveries, connection, settle);
                    }
                    false
                }
                permit = self.messages.reserve(), if !self.waiting.is_empty() => {
                    if let (Ok(permit), Some(message)) = (permit, self.waiting.pop_front()) {
                        permit.send(message);
                    }
                    false
                }
                stop = &mut *stop, if !leaving => match stop {
                    Ok(Stop::Unsubscribe) => true,
                    Ok(Stop::Close(close)) => return End::Stop(Some(close)),
                    Err(_) => return End::Stop(None),
                },
            };
            if asked_to_leave {
                leaving = true;
                connection
                    .session
                    .unsubscribe(Instant::now().into_std(), ());
                if self.config.ack != AckMode::Auto {
                    // RabbitMQ takes no acknowledgement for a subscription that is gone.
                    self.ended();
                    self.settle = None;
                }
            }
        }
    }

    /// Takes acknowledgements as long as somebody holds a message without one, up to the deadline;
    /// gives the number of messages that go back.
    async fn close(&mut self, mut connection: Connection<()>, close: Option<Close>) -> usize {
        let waiting = std::mem::take(&mut self.waiting);
        let mut unread: Vec<_> = waiting.iter().filter_map(|m| m.delivery.tag).collect();
        drop(waiting);
        self.settle = None;
        // Dropped: nobody waits.
        let mut until = Instant::now();
        if let Some(close) = close {
            until = close.until;
            unread.extend(close.unread);
        }
        for tag in unread {
            self.deliveries.hand_back(tag);
        }
        let mut late = pin!(sleep_until(until));
        loop {
            while let Some(event) = connection.session.poll_event() {
                if matches!(event, Event::Ended(_)) {
                    return self.deliveries.unsettled();
                }
            }
            if !self.deliveries.is_held() {
                break;
            }
            let takes_bytes = connection.takes_bytes();
            tokio::select! {
                // What is over is over: first the deadline, then what is held.
                biased;
                () = &mut late => break,
                settle = self.settles.recv(), if takes_bytes => match settle {
                    Some(settle) => settle_with(&mut self.deliveries, &mut connection, settle),
                    None => break,
                },
                () = connection.turn(Reading::On) => {}
            }
        }
        connection.goodbye().await;
        self.deliveries.unsettled()
    }

    /// The connection is over, and what it brought is not lost.
    async fn hand_over_the_rest(&mut self) {
        for message in std::mem::take(&mut self.waiting) {
            if self.messages.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// Says it to the broker, if that may be.
fn settle_with(
    deliveries: &mut Deliveries<AckName>,
    connection: &mut Connection<()>,
    settle: Settle,
) {
    let Settle { tag, how, reply } = settle;
    let answer = deliveries.settle(tag, |name| {
        let now = Instant::now().into_std();
        let said = connection.session.settle(now, name, how);
        said.map_err(|_| AckError::NoNack)
    });
    // A caller that is gone does not need the answer.
    reply.send(answer).ok();
}

async fn subscribed(
    connector: &Connector,
    config: &SubscriberConfig,
) -> Result<(Connection<()>, ServerInfo, Vec<Received>), SubscribeError> {
    let receipt_timeout = config.connect.connect_timeout;
    let (mut connection, server) = connector.connect_next(receipt_timeout, 1).await?;
    let subscribe = Subscribe {
        destination: config.destination.as_str(),
        ack: config.ack,
        prefetch: config.prefetch.filter(|_| config.ack != AckMode::Auto),
        headers: &config.headers,
    };
    let early = begin(&mut connection, &subscribe).await?;
    Ok((connection, server, early))
}
