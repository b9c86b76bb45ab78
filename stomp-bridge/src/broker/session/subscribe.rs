//! SUBSCRIBE and UNSUBSCRIBE.

use super::client::Client;
use super::declaration::declaration;
use super::refusal::{Refusal, allow, allow_declare};
use super::send::target;
use crate::broker::router::{AckMode, Consume, Own, RouteError, Router};
use crate::broker::target::Target;
use crate::frame::Frame;

/// RabbitMQ's name of a subscription: `T_` and its id, or `Q_` and its destination where 1.0 has
/// no id. RabbitMQ takes the latter in every version.
pub(super) fn consumer_name(frame: &Frame) -> Option<String> {
    let id = frame.header("id").map(|id| format!("T_{id}"));
    id.or_else(|| frame.header("destination").map(|d| format!("Q_{d}")))
}

pub(super) fn subscribe(
    client: &Client<'_>,
    frame: &Frame,
    router: &mut Router,
) -> Result<(), Refusal> {
    let target = target(frame)?;
    let name = consumer_name(frame).unwrap_or_default();
    let consume = Consume {
        conn: client.conn,
        name: &name,
        mode: ack_mode(frame)?,
        prefetch: prefetch(frame)?,
    };
    let user = client.user;
    let route = |e, queue: &str| match e {
        RouteError::DuplicateSubscription => Refusal::route(e, &name),
        e => Refusal::route(e, queue),
    };
    match target {
        Target::Exchange {
            name: exchange,
            key,
        } => {
            let own = frame.header("x-queue-name").filter(|name| !name.is_empty());
            let own = own
                .map(|queue| declaration(frame, queue, false))
                .transpose()?;
            if let Some(own) = &own {
                allow_declare(user, own)?;
                allow(user, &user.write, "queue", &own.name)?;
                allow(user, &user.read, "queue", &own.name)?;
            }
            allow(user, &user.read, "exchange", &exchange)?;
            let from = (exchange.as_str(), key.as_str());
            let queue = own.as_ref().map_or(Own::Unnamed, Own::Named);
            router
                .consume_exchange(consume, from, queue)
                .map_err(|e| match (e, &own) {
                    (RouteError::NoExchange, _) => route(RouteError::NoExchange, &exchange),
                    (e, own) => route(e, own.as_ref().map_or("", |own| &own.name)),
                })
        }
        Target::Queue(queue) => {
            let declaration = declaration(frame, &queue, true)?;
            allow_declare(user, &declaration)?;
            allow(user, &user.read, "queue", &queue)?;
            router
                .declare(client.conn, &declaration)
                .and_then(|()| router.consume(consume, &queue))
                .map_err(|e| route(e, &queue))
        }
        Target::AmqQueue(queue) => {
            allow(user, &user.read, "queue", &queue)?;
            router
                .consume(consume, &queue)
                .map_err(|e| route(e, &queue))
        }
    }
}

pub(super) fn unsubscribe(
    client: &Client<'_>,
    frame: &Frame,
    router: &mut Router,
) -> Result<(), Refusal> {
    let name = consumer_name(frame).ok_or_else(|| {
        let body = "UNSUBSCRIBE must include a 'destination' or 'id' header";
        Refusal::new("Missing destination or id", body)
    })?;
    let said = match (frame.header("id"), frame.header("destination")) {
        (Some(id), _) => format!("\"id='{id}'\""),
        (None, destination) => format!("'{}'", destination.unwrap_or_default()),
    };
    router
        .unsubscribe(client.conn, &name)
        .map_err(|e| Refusal::route(e, &said))
}

fn ack_mode(frame: &Frame) -> Result<AckMode, Refusal> {
    match frame.header("ack").unwrap_or("auto") {
        "auto" => Ok(AckMode::Auto),
        "client" => Ok(AckMode::Client),
        "client-individual" => Ok(AckMode::ClientIndividual),
        _ => Err(Refusal::processing(
            "ack is not auto, client or client-individual",
        )),
    }
}

fn prefetch(frame: &Frame) -> Result<Option<usize>, Refusal> {
    match frame.header("prefetch-count").map(str::parse) {
        None | Some(Ok(0)) => Ok(None),
        Some(Ok(count)) => Ok(Some(count)),
        Some(Err(_)) => Err(Refusal::processing("prefetch-count is not a number")),
    }
}
