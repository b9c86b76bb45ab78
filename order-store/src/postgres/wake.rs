//! Who wants to know that the outbox has rows: relays of this process, and those of other machines.
//!
//! One task listens to the database's notifications, sends ours (outside any other transaction: a NOTIFY holds a lock of the
//! whole database to its commit), and looks for rows now and then, since a notification may be lost.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    fault::Fault,
    link::{Backoff, Reach},
    options::LeaseClock,
    session::{Connector, OnNotify, Purpose, Session},
    sql::Sql,
};

/// The two sides of waking.
pub(super) struct Wake {
    turn: watch::Sender<u64>,
    to_others: Notify,
}

impl Wake {
    pub(super) fn new() -> Self {
        Self {
            turn: watch::Sender::new(0),
            to_others: Notify::new(),
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.turn.subscribe()
    }

    /// Relays of this process may find something.
    pub(super) fn here(&self) {
        self.turn.send_modify(|turn| *turn = turn.wrapping_add(1));
    }

    /// Relays everywhere may. Many calls while one notification is under way become one.
    pub(super) fn rows_were_written(&self) {
        self.here();
        self.to_others.notify_one();
    }
}

/// See the module.
pub(super) struct Listener {
    pub(super) connector: Arc<Connector>,
    pub(super) wake: Arc<Wake>,
    pub(super) reach: Arc<Reach>,
    pub(super) poll_every: Duration,
    pub(super) clock: LeaseClock,
}

impl Listener {
    /// Works until it is told to stop.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = self.work() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn work(&self) {
        let mut backoff = Backoff::new();
        loop {
            let wake = Arc::clone(&self.wake);
            let heard: OnNotify = Arc::new(move || wake.here());
            let session = self
                .connector
                .connect(Purpose::Forgettable, Some(heard))
                .await;
            self.reach.note(&session);
            if let Ok(session) = session {
                let since = Instant::now();
                self.listen(&session).await;
                if since.elapsed() > Duration::from_secs(10) {
                    backoff = Backoff::new();
                }
            }
            // Whatever was missed meanwhile is found by polling, once there is a connection.
            sleep(backoff.next()).await;
        }
    }

    /// Until the connection fails.
    async fn listen(&self, session: &Session) {
        let channel = format!("\"order_store/{}\"", self.connector.schema);
        // A database without LISTEN is polled.
        let mut notifies = match session.batch(&format!("LISTEN {channel}")).await {
            Ok(()) => true,
            Err(fault) => {
                tracing::info!(?fault, "no notifications; the outbox is polled");
                !session.is_closed()
            }
        };
        let mut ticks = interval(self.poll_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !session.is_closed() {
            tokio::select! {
                () = self.wake.to_others.notified(), if notifies => {
                    if let Err(fault) = session.batch(&format!("NOTIFY {channel}")).await {
                        tracing::debug!(?fault, "a notification was not sent");
                        match fault {
                            Fault::Refused { .. } => notifies = false,
                            _ => return,
                        }
                    }
                }
                _ = ticks.tick() => {
                    let now = now_of(&self.clock);
                    match session.query(Sql::OutboxReady, &[&now]).await {
                        Ok(rows) if rows.is_empty() => {}
                        Ok(_) => self.wake.here(),
                        Err(_) => return,
                    }
                    // Who failed to connect may not try again for long, and health would say so all that time.
                    if self.reach.why_not().is_some() {
                        let probe = self.connector.connect(Purpose::Forgettable, None).await;
                        self.reach.note(&probe);
                    }
                }
            }
        }
    }
}

/// The time to give to a statement; nothing for the database's own.
pub(super) fn now_of(clock: &LeaseClock) -> Option<i64> {
    match clock {
        LeaseClock::Database => None,
        LeaseClock::Given(clock) => Some(clock.now().millis()),
    }
}
