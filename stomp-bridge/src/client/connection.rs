//! A session on a socket: carries frames, events and time-outs between the two, decides nothing.

use super::alarm::Alarm;
use super::codec::{GuardedCodec, Incoming};
use super::connect_error::ConnectError;
use super::counted::Traffic;
use super::credentials::Credentials;
use super::event::{Cut, Event, ServerInfo};
use super::far::bounded;
use super::message::CodecError;
use super::options::ConnectOptions;
use super::session::{Session, SessionConfig};
use super::step::{Step, Steps};
use super::tls_error::TlsError;
use super::transport::{Io, dial};
use super::url::BrokerUrl;
use crate::frame::Limits;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_util::codec::Framed;

/// Bytes that may wait for the socket before no more messages are taken.
const MAX_UNSENT_BYTES: usize = 64 * 1024;

/// Frames that a turn takes in when the socket has more.
const MAX_FRAMES_A_TURN: usize = 256;

/// For DISCONNECT and the socket's close.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether a turn reads from the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    On,
    /// The consumer is behind: the socket's own buffers fill, and heart-beats still go out.
    Paused,
}

pub(crate) struct Connection<T> {
    link: Framed<Box<dyn Io>, GuardedCodec>,
    pub(crate) session: Session<T>,
    alarm: Alarm,
    unflushed: bool,
    /// Since when a flush has moved nothing.
    stuck_since: Option<Instant>,
    write_timeout: Duration,
    /// Nothing is read before.
    rest_until: Option<Instant>,
    /// What the network had carried when it was last looked at.
    traffic: Traffic,
}

impl<T> Connection<T> {
    /// Dials and shakes hands, all within `options.connect_timeout`.
    pub(crate) async fn open(
        url: &BrokerUrl,
        credentials: Option<&Credentials>,
        options: &ConnectOptions,
        config: SessionConfig,
    ) -> Result<(Self, ServerInfo), ConnectError> {
        Self::open_told(url, credentials, options, config, &mut Steps::unheard()).await
    }

    /// [`open`](Self::open) that tells of each step.
    pub(crate) async fn open_told(
        url: &BrokerUrl,
        credentials: Option<&Credentials>,
        options: &ConnectOptions,
        mut config: SessionConfig,
        steps: &mut Steps<'_>,
    ) -> Result<(Self, ServerInfo), ConnectError> {
        let deadline = Instant::now() + bounded(options.connect_timeout);
        let io = dial(url, options, deadline, steps).await?;
        config.connect_timeout = deadline.saturating_duration_since(Instant::now());
        let opened = Self::over(io, url.vhost(), credentials, options.limits, config).await?;
        steps.done(Step::Stomp, || opened.1.to_string());
        Ok(opened)
    }

    /// Shakes hands over an open byte stream.
    async fn over(
        io: Box<dyn Io>,
        vhost: &str,
        credentials: Option<&Credentials>,
        limits: Limits,
        config: SessionConfig,
    ) -> Result<(Self, ServerInfo), ConnectError> {
        let mut link = Framed::new(io, GuardedCodec::new(limits));
        // Never flushes on its own: what is written between two flushes travels together.
        link.set_backpressure_boundary(usize::MAX);
        let session = Session::new(config, vhost, credentials, Instant::now().into_std());
        let write_timeout = config.receipt_timeout;
        let mut connection = Self {
            link,
            session,
            alarm: Alarm::default(),
            unflushed: false,
            stuck_since: None,
            rest_until: None,
            write_timeout,
            traffic: Traffic::default(),
        };
        loop {
            connection.turn(Reading::On).await;
            match connection.session.poll_event() {
                Some(Event::Connected(server)) => return Ok((connection, server)),
                Some(Event::Ended(cut)) => return Err(cut.into()),
                Some(_) | None => {}
            }
        }
    }

    /// Whether another message may be handed to the session.
    pub(crate) fn has_room(&self) -> bool {
        self.session.has_room() && self.takes_bytes()
    }

    /// Whether the socket keeps up with what is written.
    pub(crate) fn takes_bytes(&self) -> bool {
        let taken = self.link.write_buffer().len() + self.link.get_ref().unsent_bytes();
        taken + self.session.untransmitted_bytes() < MAX_UNSENT_BYTES
    }

    /// Writes what the session has to say, then waits until something came in or a time-out
    /// passed. Can be dropped at any point and called again.
    pub(crate) async fn turn(&mut self, reading: Reading) {
        self.load();
        let due = self.next_timeout();
        poll_fn(|cx| {
            if self.poll_write(cx).is_err() || self.poll_read(cx, reading).is_ready() {
                return Poll::Ready(());
            }
            // A flush that has just got stuck has a deadline of its own.
            if due.is_none() && self.stuck_since.is_some() {
                return Poll::Ready(());
            }
            self.alarm.poll(cx, due)
        })
        .await;
        self.pass_time(reading);
        self.load();
    }

    fn next_timeout(&self) -> Option<Instant> {
        let stuck = self.stuck_since.map(|since| since + self.write_timeout);
        let session = self.session.next_timeout().map(Instant::from_std);
        [session, stuck, self.rest_until]
            .into_iter()
            .flatten()
            .min()
    }

    fn pass_time(&mut self, reading: Reading) {
        let now = Instant::now();
        self.rest_until = self.rest_until.filter(|until| *until > now);
        let read = self.link.get_ref().traffic().read;
        let fresh = std::mem::replace(&mut self.traffic.read, read) != read;
        if fresh || reading == Reading::Paused {
            // A message that comes in slowly shows life before it is whole. And who does not listen cannot call the other silent.
            self.session.handle_bytes(now.into_std());
        }
        if self
            .stuck_since
            .is_some_and(|since| since + self.write_timeout <= now)
        {
            self.session.end(Cut::Stalled);
        }
        self.session.handle_timeout(now.into_std());
    }

    /// Encodes what the session has to say; the next turn writes it.
    pub(crate) fn load(&mut self) {
        while let Some(frame) = self.session.poll_transmit() {
            self.unflushed = true;
            if let Err(e) = Pin::new(&mut self.link).start_send(frame) {
                self.session.end(cut(e));
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), ()> {
        if !self.unflushed {
            return Ok(());
        }
        match Pin::new(&mut self.link).poll_flush(cx) {
            Poll::Pending => {
                let written = self.link.get_ref().traffic().written;
                if std::mem::replace(&mut self.traffic.written, written) != written {
                    // A slow network is none that is stuck, and with more to send than it carries no flush ends.
                    self.stuck_since = None;
                }
                self.stuck_since.get_or_insert_with(Instant::now);
                Ok(())
            }
            Poll::Ready(Ok(())) => {
                (self.unflushed, self.stuck_since) = (false, None);
                Ok(())
            }
            Poll::Ready(Err(e)) => {
                self.session.end(cut(e));
                Err(())
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, reading: Reading) -> Poll<()> {
        if reading == Reading::Paused || self.rest_until.is_some() {
            return Poll::Pending;
        }
        let now = Instant::now();
        for taken in 0..MAX_FRAMES_A_TURN {
            let ended = self.session.has_ended();
            if ended || self.poll_read_one(cx, now.into_std()).is_pending() {
                if taken == 0 && !ended {
                    return Poll::Pending;
                }
                // All that was there is read.
                self.rest_until = self.session.rest().map(|rest| now + rest);
                return Poll::Ready(());
            }
        }
        Poll::Ready(())
    }

    fn poll_read_one(&mut self, cx: &mut Context<'_>, now: std::time::Instant) -> Poll<()> {
        let item = std::task::ready!(Pin::new(&mut self.link).poll_next(cx));
        match item {
            Some(Ok(Incoming::Receipt(id))) => self.session.handle_receipt(now, id),
            Some(Ok(Incoming::Bytes)) => self.session.handle_bytes(now),
            Some(Ok(Incoming::Frame(frame))) => self.session.handle_frame(now, frame),
            Some(Err(e)) => self.session.end(cut(e)),
            None => {
                let note = self.link.get_ref().close_note();
                self.session.end(Cut::Closed {
                    note: note.unwrap_or_else(|| "end of stream".into()),
                });
            }
        }
        Poll::Ready(())
    }

    /// DISCONNECT and close, for at most a second. The session must have nothing in flight that
    /// anybody waits for.
    pub(crate) async fn goodbye(mut self) {
        self.session.disconnect(Instant::now().into_std());
        self.load();
        let farewell = async {
            // How it ends changes nothing: the connection is over either way.
            self.link.close().await.ok();
            // A socket that is closed with something unread resets the connection, and what was said last, the ACKs among
            // it, may go with it.
            while let Some(Ok(_)) = self.link.next().await {}
        };
        timeout(GOODBYE_TIMEOUT, farewell).await.ok();
    }
}

fn cut(error: CodecError) -> Cut {
    match error {
        CodecError::Io(e) => match TlsError::behind(&e, "it") {
            Some(tls) => Cut::Tls(tls),
            None if e.kind() == io::ErrorKind::InvalidData => Cut::Protocol {
                what: e.to_string(),
            },
            None => Cut::Closed {
                note: e.to_string(),
            },
        },
        e => Cut::Protocol {
            what: e.to_string(),
        },
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
