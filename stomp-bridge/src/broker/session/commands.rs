//! What a logged-in client may ask for: rights first, then the router, and RabbitMQ's words for a
//! no. Rights come before existence, so that a refusal tells nothing about what there is.

use super::{Refusal, VHOST};
use crate::broker::permission::{May, User};
use crate::broker::router::{AckMode, ConnId, RouteError, Router, Settle, Stored};
use crate::broker::target::{BadTarget, DEFAULT_EXCHANGE, TOPIC_EXCHANGE, Target};
use crate::frame::{Command, Frame};
use crate::percent::encode_part;

/// Headers of a SEND that the MESSAGE does not repeat: the broker's own.
const NOT_PASSED_ON: [&str; 8] = [
    "destination",
    "content-length",
    "receipt",
    "transaction",
    "subscription",
    "ack",
    "redelivered",
    "passcode",
];

type Done = Result<(), Refusal>;

pub(super) fn handle(id: ConnId, user: &User, frame: &Frame, router: &mut Router) -> Done {
    if frame.header("transaction").is_some() {
        return Err(no_transactions());
    }
    match frame.command {
        Command::Send => send(user, frame, router),
        Command::Subscribe => subscribe(id, user, frame, router),
        Command::Unsubscribe => {
            let subscription = subscription_id(frame)?;
            router
                .unsubscribe(id, &subscription)
                .map_err(|e| refusal(e, &subscription))
        }
        Command::Ack => acknowledge(id, frame, router, Settle::Done),
        Command::Nack => {
            let requeue = frame.header("requeue") != Some("false");
            let how = if requeue {
                Settle::Requeue
            } else {
                Settle::Discard
            };
            acknowledge(id, frame, router, how)
        }
        Command::Disconnect => Ok(()),
        Command::Begin | Command::Commit | Command::Abort => Err(no_transactions()),
        Command::Connect | Command::Stomp => {
            Err(Refusal::new("Illegal command", "Already connected"))
        }
        Command::Connected | Command::Message | Command::Receipt | Command::Error => {
            let body = format!("Could not interpret command {}", frame.command.as_str());
            Err(Refusal::new("Bad command", body))
        }
    }
}

fn send(user: &User, frame: &Frame, router: &mut Router) -> Done {
    if frame.header("message-id").is_some() {
        let body = "'message-id' is not allowed on 'SEND'.";
        return Err(Refusal::new("'message-id' is not allowed on 'SEND'", body));
    }
    match target(frame)? {
        Target::Exchange { name, key } => {
            allow(user, &user.write, "exchange", &name)?;
            let suffix = if key.is_empty() {
                String::new()
            } else {
                format!("/{}", encode_part(&key))
            };
            let destination = format!("/exchange/{}{suffix}", encode_part(&name));
            let message = stored(frame, destination);
            router
                .publish(&name, &key, message)
                .map_err(|e| refusal(e, &name))
        }
        Target::Queue { name, declare } => {
            if declare {
                allow(user, &user.configure, "queue", &name)?;
            }
            allow(user, &user.write, "exchange", DEFAULT_EXCHANGE)?;
            if declare {
                router.declare(&name).map_err(|e| refusal(e, &name))?;
            }
            let message = stored(frame, format!("/queue/{}", encode_part(&name)));
            router.publish_to_queue(&name, message);
            Ok(())
        }
        Target::Topic => {
            allow(user, &user.write, "exchange", TOPIC_EXCHANGE)?;
            Err(no_topics())
        }
    }
}

fn subscribe(id: ConnId, user: &User, frame: &Frame, router: &mut Router) -> Done {
    let subscription = subscription_id(frame)?;
    let mode = match frame.header("ack").unwrap_or("auto") {
        "auto" => AckMode::Auto,
        "client" => AckMode::Client,
        "client-individual" => AckMode::ClientIndividual,
        other => {
            let body = format!("ack mode {other:?} is not auto, client or client-individual");
            return Err(Refusal::new("Invalid header", body));
        }
    };
    let prefetch = match frame.header("prefetch-count").map(str::parse) {
        None | Some(Ok(0)) => None,
        Some(Ok(count)) => Some(count),
        Some(Err(_)) => {
            return Err(Refusal::new(
                "Invalid header",
                "prefetch-count is not a number",
            ));
        }
    };
    match target(frame)? {
        Target::Exchange { name, key } => {
            allow(user, &user.read, "exchange", &name)?;
            let from = (name.as_str(), key.as_str());
            let done = router.consume_exchange(id, &subscription, from, mode, prefetch);
            done.map_err(|e| refusal(e, &name))
        }
        Target::Queue { name, declare } => {
            if declare {
                allow(user, &user.configure, "queue", &name)?;
            }
            allow(user, &user.read, "queue", &name)?;
            if declare {
                router.declare(&name).map_err(|e| refusal(e, &name))?;
            }
            let done = router.consume(id, &subscription, &name, mode, prefetch);
            done.map_err(|e| refusal(e, &name))
        }
        Target::Topic => {
            allow(user, &user.read, "exchange", TOPIC_EXCHANGE)?;
            Err(no_topics())
        }
    }
}

/// `id` in 1.2, `message-id` before: both hold what the MESSAGE said.
fn acknowledge(id: ConnId, frame: &Frame, router: &mut Router, how: Settle) -> Done {
    let unknown = |given: &str| {
        let body = format!("\"id\" value {given:?} is not a message that is out");
        Refusal::new("Invalid header", body)
    };
    let given = frame
        .header("id")
        .or_else(|| frame.header("message-id"))
        .ok_or_else(|| Refusal::new("Missing header", "\"id\" must be present"))?;
    let (_, number) = given.rsplit_once("@@").ok_or_else(|| unknown(given))?;
    let tag: u64 = number.parse().map_err(|_| unknown(given))?;
    let subscription = router
        .subscription_of(id, tag)
        .ok_or_else(|| unknown(given))?;
    if delivery_id(id, &subscription, tag) != given {
        return Err(unknown(given));
    }
    router.settle(id, tag, how).map_err(|e| refusal(e, given))
}

/// RabbitMQ's form of `message-id`.
pub(super) fn delivery_id(id: ConnId, subscription: &str, tag: u64) -> String {
    format!("T_{subscription}@@session-{id}@@{tag}")
}

/// In 1.0 the id may be missing; RabbitMQ then takes the destination, in every version.
fn subscription_id(frame: &Frame) -> Result<String, Refusal> {
    let id = frame.header("id").map(str::to_owned);
    id.or_else(|| frame.header("destination").map(|d| format!("Q_{d}")))
        .ok_or_else(|| Refusal::new("Missing id", "one of id and destination must be present"))
}

fn target(frame: &Frame) -> Result<Target, Refusal> {
    let destination = frame.header("destination").ok_or_else(|| {
        let body = format!(
            "{} must include a 'destination' header",
            frame.command.as_str()
        );
        Refusal::new("Missing destination", body)
    })?;
    Target::parse(destination).map_err(|bad| match bad {
        BadTarget::Unknown => Refusal::new(
            "Unknown destination",
            format!(
                "'{destination}' is not a valid destination. Valid destination types are: \
                     /exchange, /queue, /amq/queue"
            ),
        ),
        BadTarget::Invalid => Refusal::new(
            "Invalid destination",
            format!("'{destination}' is not a valid destination of its type"),
        ),
    })
}

fn stored(frame: &Frame, destination: String) -> Stored {
    let passed = |(name, _): &&(String, String)| !NOT_PASSED_ON.contains(&name.as_str());
    let headers = frame.headers.iter().filter(passed).cloned().collect();
    Stored {
        destination,
        headers,
        body: frame.body.clone(),
    }
}

fn allow(user: &User, right: &May, kind: &str, name: &str) -> Done {
    if right.covers(name) {
        return Ok(());
    }
    let login = &user.login;
    let body = format!(
        "ACCESS_REFUSED - access to {kind} '{name}' in vhost '{VHOST}' refused for user '{login}'"
    );
    Err(Refusal::new("access_refused", body))
}

fn refusal(error: RouteError, name: &str) -> Refusal {
    match error {
        RouteError::NoExchange => Refusal::new(
            "not_found",
            format!("NOT_FOUND - no exchange '{name}' in vhost '{VHOST}'"),
        ),
        RouteError::NoQueue => Refusal::new(
            "not_found",
            format!("NOT_FOUND - no queue '{name}' in vhost '{VHOST}'"),
        ),
        RouteError::TooManyQueues => Refusal::new(
            "resource_error",
            "RESOURCE_ERROR - no more queues may be declared",
        ),
        RouteError::TooManySubscriptions => Refusal::new(
            "resource_error",
            "RESOURCE_ERROR - no more subscriptions on one connection",
        ),
        RouteError::DuplicateSubscription => Refusal::new(
            "Duplicated subscription identifier",
            format!("A subscription identified by '{name}' already exists."),
        ),
        RouteError::NoSubscription => Refusal::new(
            "No subscription found",
            format!("UNSUBSCRIBE must refer to an existing subscription: '{name}'"),
        ),
        RouteError::UnknownTag => Refusal::new("Invalid header", format!("unknown id '{name}'")),
    }
}

fn no_transactions() -> Refusal {
    Refusal::new(
        "not_implemented",
        "NOT_IMPLEMENTED - this broker has no transactions",
    )
}

fn no_topics() -> Refusal {
    Refusal::new(
        "not_implemented",
        "NOT_IMPLEMENTED - this broker has no /topic",
    )
}
