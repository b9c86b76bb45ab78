//! From a connection to a subscription.

use super::error::SubscribeError;
use crate::client::connection::{Connection, Reading};
use crate::client::event::{Event, Outcome, Received};
use crate::client::session::Subscribe;
use tokio::time::Instant;

/// Subscribes and waits for the receipt, within the session's time-out for one. A message may come
/// before it, and shows as well that the subscription is in force: what came is given.
pub(crate) async fn begin(
    connection: &mut Connection<()>,
    subscribe: &Subscribe<'_>,
) -> Result<Vec<Received>, SubscribeError> {
    let now = Instant::now().into_std();
    connection.session.subscribe(now, subscribe, ());
    let mut early = Vec::new();
    loop {
        connection.turn(Reading::On).await;
        let mut confirmed = false;
        while let Some(event) = connection.session.poll_event() {
            match event {
                Event::Received(message) => early.push(message),
                Event::Settled {
                    outcome: Outcome::Confirmed,
                    ..
                } => confirmed = true,
                Event::Settled {
                    outcome: Outcome::Refused { message, body },
                    ..
                } => return Err(SubscribeError::Refused { message, body }),
                Event::Settled {
                    outcome: Outcome::Unknown(cut),
                    ..
                }
                | Event::Ended(cut) => return Err(SubscribeError::Cut(cut)),
                Event::Connected(_) => {}
            }
        }
        if confirmed || !early.is_empty() {
            return Ok(early);
        }
    }
}
