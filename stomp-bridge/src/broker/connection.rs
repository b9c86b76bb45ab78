//! One connection's task: carries bytes, messages and time-outs between the transport, the session
//! and the hub. Decides nothing.

use super::hub::Place;
use super::router::Delivery;
use super::session::{Action, Session, close};
use super::transport::{Broken, Heard, Transport};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// For the last words to a connection, and for its own.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

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
        head: Vec::new(),
    };
    connection.run().await;
}

struct Connection<T> {
    place: Place,
    session: Session,
    transport: T,
    taken: VecDeque<Delivery>,
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
            tokio::select! {
                heard = self.transport.recv(), if !is_held => {
                    let now = Instant::now().into_std();
                    match heard {
                        Heard::Bytes(bytes) => self.session.push(now, bytes.as_ref()),
                        Heard::Pong => self.session.handle_pong(now),
                        Heard::End => return,
                    }
                }
                () = self.place.signal.news() => {}
                () = &mut alarm => self.session.handle_timeout(Instant::now().into_std()),
            }
            let hub = &self.place.hub;
            if hub.is_stopped() {
                self.session.close(close::AWAY, "going away");
            }
            if self.session.has_input() {
                let now = Instant::now().into_std();
                hub.with(now, |router| self.session.run(now, router));
            }
            if self.write().await.is_err() {
                return;
            }
        }
        // What is not read when a socket is closed makes TCP take back what was said last.
        let unread = async { while !matches!(self.transport.recv().await, Heard::End) {} };
        timeout(LAST_WORDS_TIMEOUT, unread).await.ok();
    }

    /// Writes all there is. A peer that does not read is given up when its messages pile up or the
    /// time is out, whichever is first.
    async fn write(&mut self) -> Result<(), Broken> {
        let limit = self.place.hub.limits.write_timeout;
        let signal = self.place.signal.clone();
        tokio::select! {
            biased;
            written = timeout(limit, self.write_waiting()) => {
                let written = written.unwrap_or(Err(Broken));
                if !signal.is_slow() || written.is_err() {
                    return written;
                }
            }
            () = signal.slow() => {}
        }
        self.session.refuse_slow();
        let last_words = self.write_actions();
        timeout(LAST_WORDS_TIMEOUT, last_words)
            .await
            .unwrap_or(Err(Broken))
    }

    async fn write_waiting(&mut self) -> Result<(), Broken> {
        let mut written = 0;
        loop {
            self.write_actions().await?;
            if self.session.is_closed() {
                return Ok(());
            }
            let now = Instant::now().into_std();
            let (conn, taken) = (self.place.conn, &mut self.taken);
            self.place
                .hub
                .with(now, |router| router.take(conn, written, taken));
            written = taken.len();
            if written == 0 {
                return Ok(());
            }
            for delivery in taken.drain(..) {
                self.head.clear();
                if let Some(tail) = self.session.message(now, &delivery, &mut self.head) {
                    self.transport.queue(&self.head, tail);
                }
            }
            self.transport.flush().await?;
        }
    }

    async fn write_actions(&mut self) -> Result<(), Broken> {
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
            self.transport.flush().await?;
        }
        Ok(())
    }
}
