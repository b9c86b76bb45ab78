//! One connection's task: carries bytes, messages and time-outs between the socket, the session
//! and the hub. Decides nothing.

use super::hub::Place;
use super::session::{Action, Session, close};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// For the last words to a connection that is given up.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection is of no more use.
struct Broken;

pub(super) async fn serve(place: Place, mut ws: WebSocket) {
    let hub = &place.hub;
    let now = Instant::now().into_std();
    let mut session = Session::new(place.conn, hub.users.clone(), hub.limits, now);
    let mut stopping = hub.stopping();
    while !session.is_closed() {
        let due = session.next_timeout().map(Instant::from_std);
        let alarm = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = ws.recv() => {
                let now = Instant::now().into_std();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        hub.with(|router| session.handle_bytes(now, text.as_bytes(), router));
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        hub.with(|router| session.handle_bytes(now, &bytes, router));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => session.handle_pong(now),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                }
            }
            () = place.outbox.changed() => {}
            () = alarm => session.handle_timeout(Instant::now().into_std()),
            // An error means that the hub is gone, which is a stop too.
            _ = stopping.wait_for(|stop| *stop) => session.close(close::AWAY, "going away"),
        }
        if write(&place, &mut session, &mut ws).await.is_err() {
            return;
        }
    }
}

/// Writes all there is. A peer that does not read is given up when its messages pile up or the
/// time is out, whichever is first.
async fn write(place: &Place, session: &mut Session, ws: &mut WebSocket) -> Result<(), Broken> {
    let limit = place.hub.limits.write_timeout;
    tokio::select! {
        biased;
        () = place.outbox.slow() => session.refuse_slow(),
        written = timeout(limit, write_waiting(place, session, ws)) => {
            return written.unwrap_or(Err(Broken));
        }
    }
    let last_words = write_actions(session, ws);
    timeout(LAST_WORDS_TIMEOUT, last_words)
        .await
        .unwrap_or(Err(Broken))
}

async fn write_waiting(
    place: &Place,
    session: &mut Session,
    ws: &mut WebSocket,
) -> Result<(), Broken> {
    loop {
        write_actions(session, ws).await?;
        let waiting = place.outbox.take();
        if waiting.is_empty() || session.is_closed() {
            return Ok(());
        }
        let count = waiting.len();
        let now = Instant::now().into_std();
        for delivery in waiting {
            if let Some(frame) = session.encode(now, &delivery) {
                ws.feed(message(frame)).await.map_err(|_| Broken)?;
            }
        }
        ws.flush().await.map_err(|_| Broken)?;
        place.hub.with(|router| router.written(place.conn, count));
    }
}

async fn write_actions(session: &mut Session, ws: &mut WebSocket) -> Result<(), Broken> {
    let mut fed = false;
    while let Some(action) = session.next_action() {
        let message = match action {
            Action::Send(frame) => message(frame),
            Action::Ping => Message::Ping(Bytes::new()),
            Action::Close { code, reason } => Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            })),
        };
        ws.feed(message).await.map_err(|_| Broken)?;
        fed = true;
    }
    if fed {
        ws.flush().await.map_err(|_| Broken)?;
    }
    Ok(())
}

/// One frame a message, as RabbitMQ sends them; text unless it is not UTF-8.
fn message(frame: Bytes) -> Message {
    match Utf8Bytes::try_from(frame.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(frame),
    }
}
