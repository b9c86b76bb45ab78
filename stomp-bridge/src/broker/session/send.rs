//! SEND.

use super::client::Client;
use super::declaration::declaration;
use super::refusal::{Refusal, allow, allow_declare};
use crate::broker::message::Stored;
use crate::broker::router::{Declaration, RouteError, Router};
use crate::broker::target::{BadTarget, DEFAULT_EXCHANGE, Target};
use crate::frame::Frame;
use std::sync::Arc;

/// Headers of a SEND that the MESSAGE does not repeat: the broker's own.
const NOT_PASSED_ON: [&str; 7] = [
    "destination",
    "content-length",
    "receipt",
    "subscription",
    "ack",
    "redelivered",
    "passcode",
];

/// Where a user may send.
pub(super) enum To {
    Exchange {
        name: String,
        key: String,
    },
    /// One that is declared by the way.
    Queue(Declaration),
    AmqQueue(String),
}

/// A message that may be sent.
pub(super) struct Sending {
    /// `None`: straight to the queue that is its key.
    exchange: Option<String>,
    message: Arc<Stored>,
}

impl Sending {
    pub(super) fn check(
        client: &Client<'_>,
        frame: &Frame,
        router: &mut Router,
    ) -> Result<Self, Refusal> {
        let (exchange, key) = match Self::check_rights(client, frame)? {
            To::Exchange { name, key } => {
                if !router.has_exchange(&name) {
                    return Err(Refusal::route(RouteError::NoExchange, &name));
                }
                (Some(name), key)
            }
            To::Queue(declaration) => {
                router
                    .declare(client.conn, &declaration)
                    .map_err(|e| Refusal::route(e, &declaration.name))?;
                (None, declaration.name)
            }
            To::AmqQueue(name) => (None, name),
        };
        if let Some(said) = frame
            .header("user-id")
            .filter(|id| *id != client.user.login)
        {
            let login = &client.user.login;
            let body = format!(
                "PRECONDITION_FAILED - user_id property set to '{said}' but authenticated user was \
                 '{login}'"
            );
            return Err(Refusal::new("precondition_failed", body));
        }
        let passed = |(name, _): &&(String, String)| !NOT_PASSED_ON.contains(&name.as_str());
        let headers = frame.headers.iter().filter(passed).cloned().collect();
        let from = exchange.as_deref().unwrap_or_default();
        let message = Stored::new(router.held(), from, key, headers, frame.body.clone());
        Ok(Self {
            exchange,
            message: Arc::new(message.ok_or_else(Refusal::no_room)?),
        })
    }

    /// Where the frame goes, if its user may send there.
    pub(super) fn check_rights(client: &Client<'_>, frame: &Frame) -> Result<To, Refusal> {
        if frame.header("message-id").is_some() {
            let body = "'message-id' is not allowed on 'SEND'.\n";
            return Err(Refusal::new("Invalid header", body));
        }
        let user = client.user;
        Ok(match target(frame)? {
            Target::Exchange { name, key } => {
                allow(user, &user.write, "exchange", &name)?;
                To::Exchange { name, key }
            }
            Target::Queue(name) => {
                let declaration = declaration(frame, &name, true)?;
                allow_declare(user, &declaration)?;
                allow(user, &user.write, "exchange", DEFAULT_EXCHANGE)?;
                To::Queue(declaration)
            }
            Target::AmqQueue(name) => {
                allow(user, &user.write, "exchange", DEFAULT_EXCHANGE)?;
                To::AmqQueue(name)
            }
        })
    }

    pub(super) fn apply(self, router: &mut Router) {
        let Self { exchange, message } = self;
        match &exchange {
            // Exchanges do not go: it was there when this was checked.
            Some(exchange) => router.publish(exchange, message).unwrap_or_default(),
            None => router.publish_to_queue(&Arc::clone(&message).key, message),
        }
    }
}

pub(super) fn target(frame: &Frame) -> Result<Target, Refusal> {
    let destination = frame
        .header("destination")
        .ok_or_else(|| Refusal::missing("Missing destination", frame.command, "destination"))?;
    Target::parse(destination).map_err(|bad| match bad {
        BadTarget::Unknown => Refusal::new(
            "Unknown destination",
            format!(
                "'{destination}' is not a valid destination.\n\
                 Valid destination types are: /exchange, /topic, /queue, /amq/queue.\n"
            ),
        ),
        BadTarget::Invalid { form, rest } => Refusal::new(
            "Invalid destination",
            format!("'{rest}' is not a valid {form} destination\n"),
        ),
    })
}
