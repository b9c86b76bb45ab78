//! ACK and NACK.

use super::client::Client;
use super::refusal::Refusal;
use crate::broker::router::{ConnId, RouteError, Router, Settle};
use crate::frame::{Command, Frame, Version};

/// An ACK or NACK of a message that is out.
pub(super) struct Settlement {
    tag: u64,
    how: Settle,
}

impl Settlement {
    /// `id` in 1.2, `message-id` before: both hold what the MESSAGE said.
    pub(super) fn check(
        client: &Client<'_>,
        frame: &Frame,
        router: &Router,
    ) -> Result<Self, Refusal> {
        let command = frame.command.as_str();
        let header = match client.version {
            Version::V1_2 => "id",
            Version::V1_0 | Version::V1_1 => "message-id",
        };
        let given = frame.header(header).ok_or_else(|| {
            let body = format!("\"{command}\" must include the \"{header}\" header\n");
            Refusal::new("Missing header", body)
        })?;
        let parts = given
            .rsplit_once("@@")
            .and_then(|(front, tag)| Some((front.rsplit_once("@@")?, tag.parse().ok()?)));
        let Some(((consumer, session), tag)) = parts else {
            let body = format!("\"{command}\" must include a valid \"{header}\" header\n");
            return Err(Refusal::new("Invalid header", body));
        };
        let out = router.consumer_of(client.conn, tag);
        let is_ours = session == session_name(client.conn);
        if !is_ours || (out != Some(consumer) && !router.is_subscribed(client.conn, consumer)) {
            let body = format!("Message with id \"{given}\" has no subscription");
            return Err(Refusal::new("Subscription not found", body));
        }
        if out != Some(consumer) {
            return Err(Refusal::route(RouteError::UnknownTag, &tag.to_string()));
        }
        let requeue = frame.header("requeue") != Some("false");
        let how = match frame.command {
            Command::Nack if requeue => Settle::Requeue,
            Command::Nack => Settle::Discard,
            _ => Settle::Done,
        };
        Ok(Self { tag, how })
    }

    /// In a transaction an earlier one may have stood for this as well.
    pub(super) fn apply(self, conn: ConnId, router: &mut Router) {
        router.settle(conn, self.tag, self.how).ok();
    }
}

/// What CONNECTED calls the session.
pub(super) fn session_name(conn: ConnId) -> String {
    format!("session-{conn}")
}
