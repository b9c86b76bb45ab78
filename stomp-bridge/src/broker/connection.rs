//! One connection's task: carries bytes, messages and time-outs between the transport, the session
//! and the hub. Decides nothing.

use super::hub::Place;
use super::router::Delivery;
use super::session::{Action, Session, close};
use super::transport::{Broken, Heard, Transport, Wrote};
use std::collections::VecDeque;
use std::future::ready;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// For the last words to a connection, and for its own.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);
/// Messages are put on the wire in pieces of about so many bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// After so long of writing, what came in meanwhile has its turn.
const WRITING_TURN: Duration = Duration::from_millis(10);

pub(super) async fn serve<T: Transport>(place: Place, transport: T) {
    let hub = &place.hub;
    let now = Instant::now().into_std();
    let (users, limits) = (hub.users.clone(), hub.limits.clone());
    let session = Session::new(place.conn, users, limits, T::PROBE, now);
    let mut connection = Connection {
        place,
        session,
        transport,
        taken: VecDeque::new(),
        unreported: 0,
        head: Vec::new(),
    };
    connection.run().await;
}

struct Connection<T> {
    place: Place,
    session: Session,
    transport: T,
    taken: VecDeque<Delivery>,
    /// Messages that were taken and of which the router was not told that they are written.
    unreported: usize,
    head: Vec<u8>,
}

impl<T: Transport> Connection<T> {
    async fn run(&mut self) {
        // Armed anew only when it rang or comes too late: it mostly moves on with each message.
        let alarm = sleep_until(Instant::now());
        tokio::pin!(alarm);
        while !self.session.is_closed() {
            if let Some(due) = self.session.next_timeout().map(Instant::from_std)
                && (due < alarm.deadline() || alarm.is_elapsed())
            {
                alarm.as_mut().reset(due);
            }
            let is_held = self.session.is_held();
            // Else there may be more to write, and nothing is waited for.
            let is_idle = self.unreported == 0;
            // What came in comes first: it may show that a peer is not as silent as the alarm says.
            let heard = tokio::select! {
                biased;
                heard = self.transport.recv(), if !is_held => Some(heard),
                () = self.place.signal.news() => None,
                () = &mut alarm => None,
                () = ready(()), if !is_idle => None,
            };
            let now = Instant::now().into_std();
            match heard {
                Some(Heard::Bytes(bytes)) => self.session.push(now, bytes.as_ref()),
                Some(Heard::Pong) => self.session.handle_pong(now),
                Some(Heard::End) => return,
                None => {}
            }
            if self.session.next_timeout().is_some_and(|due| due <= now) {
                self.session.handle_timeout(now);
            }
            let hub = &self.place.hub;
            if hub.is_stopped() {
                self.session.close(close::AWAY, "going away");
            }
            if self.session.has_input() {
                hub.with(now, |router| self.session.run(now, router));
            }
            let began = Instant::now();
            if self.write().await.is_err() {
                return;
            }
            self.session.was_deaf(began.elapsed());
        }
        // What is not read when a socket is closed makes TCP take back what was said last.
        let unread = async { while !matches!(self.transport.recv().await, Heard::End) {} };
        timeout(LAST_WORDS_TIMEOUT, unread).await.ok();
    }

    /// Writes what there is, for a while. A peer that does not read is given up when its messages
    /// pile up or it takes nothing for too long, whichever is first.
    async fn write(&mut self) -> Result<(), Broken> {
        let limit = self.place.hub.limits.write_timeout;
        let signal = self.place.signal.clone();
        tokio::select! {
            biased;
            written = self.write_turn(limit) => {
                if !signal.is_slow() || written.is_err() {
                    return written;
                }
            }
            () = signal.slow() => {}
        }
        self.session.refuse_slow();
        let last_words = self.write_actions(LAST_WORDS_TIMEOUT);
        timeout(LAST_WORDS_TIMEOUT, last_words)
            .await
            .unwrap_or(Err(Broken))
    }

    async fn write_turn(&mut self, limit: Duration) -> Result<(), Broken> {
        let began = Instant::now();
        let mut now = began;
        loop {
            self.write_actions(limit).await?;
            if self.session.is_closed() {
                return Ok(());
            }
            if self.taken.is_empty() {
                let (conn, taken) = (self.place.conn, &mut self.taken);
                let written = self.unreported;
                self.place
                    .hub
                    .with(now.into_std(), |router| router.take(conn, written, taken));
                self.unreported = taken.len();
                if taken.is_empty() {
                    return Ok(());
                }
            }
            self.queue_piece(now);
            self.flush(limit).await?;
            now = Instant::now();
            if now - began > WRITING_TURN {
                return Ok(());
            }
        }
    }

    fn queue_piece(&mut self, now: Instant) {
        let mut bytes = 0;
        while bytes < PIECE_BYTES
            && let Some(delivery) = self.taken.pop_front()
        {
            self.head.clear();
            let tail = self
                .session
                .message(now.into_std(), &delivery, &mut self.head);
            if let Some(tail) = tail {
                self.transport.queue(&self.head, &tail);
                bytes += self.head.len() + tail.len();
            }
        }
    }

    async fn write_actions(&mut self, limit: Duration) -> Result<(), Broken> {
        let mut fed = false;
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Send(frame) => self.transport.queue(&frame, &[]),
                Action::Probe => self.transport.probe(),
                Action::Close { code, reason } => self.transport.close(code, reason),
            }
            fed = true;
        }
        if fed {
            self.flush(limit).await?;
        }
        Ok(())
    }

    /// Writes all that was queued. `limit` is for a socket that takes nothing.
    async fn flush(&mut self, limit: Duration) -> Result<(), Broken> {
        loop {
            match timeout(limit, self.transport.write()).await {
                Ok(Ok(Wrote::Some)) => {}
                Ok(Ok(Wrote::All)) => return Ok(()),
                Ok(Err(Broken)) | Err(_) => return Err(Broken),
            }
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
