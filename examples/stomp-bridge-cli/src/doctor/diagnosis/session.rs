//! What a session cannot do.

use std::time::Duration;

use stomp_bridge::client::{BrokerUrl, Cut, Destination, Lost, PublishError, SubscribeError};

use super::{Diagnosis, of_connect};
use crate::doctor::identify::Speaks;

/// Why a SEND has no receipt.
pub(crate) fn of_publish(
    url: &BrokerUrl,
    destination: &Destination,
    error: &PublishError,
) -> Diagnosis {
    match error {
        PublishError::Refused { message, body } => refused(destination, message, body, "write"),
        PublishError::Unknown {
            reason: Cut::ReceiptTimeout | Cut::Blocked,
        } => no_receipt(format!(
            "the SEND to {destination} brought no receipt in time"
        )),
        PublishError::Unknown {
            reason: Cut::Closed { note },
        } if url.scheme().is_websocket() => silent_refusal(destination, note),
        PublishError::Unknown { reason } => Diagnosis::new(
            "cut",
            format!("the connection ended before the receipt: {reason}"),
            "the broker's log says why",
        ),
        PublishError::NotSent(reason) => Diagnosis::new(
            "not_sent",
            format!("the SEND to {destination} did not leave: {reason}"),
            "the connection was lost again and again: try a longer --timeout, and look at the broker's log",
        ),
        error => Diagnosis::new("cut", error.to_string(), "the broker's log says why"),
    }
}

/// Why a SUBSCRIBE has no receipt.
pub(crate) fn of_subscribe(
    url: &BrokerUrl,
    destination: &Destination,
    error: &SubscribeError,
) -> Diagnosis {
    match error {
        SubscribeError::Connect(error) => of_connect(url, error, &Speaks::NotAsked),
        SubscribeError::Refused { message, body } => refused(destination, message, body, "read"),
        SubscribeError::Cut(Cut::Closed { note }) if url.scheme().is_websocket() => {
            silent_refusal(destination, note)
        }
        error => Diagnosis::new("cut", error.to_string(), "the broker's log says why"),
    }
}

fn refused(destination: &Destination, message: &str, body: &str, right: &str) -> Diagnosis {
    let says = format!("{destination} was refused: {message}: {body}");
    match message {
        "access_refused" => {
            let queue_rule = if right == "write" {
                "a SEND to /queue/NAME needs configure on NAME and write on amq.default, to /amq/queue/NAME write on amq.default, to /topic/KEY write on amq.topic, to /exchange/NAME write on NAME"
            } else {
                "a SUBSCRIBE to /queue/NAME needs configure and read on NAME, to /amq/queue/NAME read on NAME, to /topic/KEY read on amq.topic and to /exchange/NAME read on NAME, both with all three on stomp-subscription-…"
            };
            Diagnosis::new(
                "no_permission",
                says,
                format!(
                    "{queue_rule}: rabbitmqctl set_permissions; an account that only reads is asked with --subscribe"
                ),
            )
        }
        "not_found" => Diagnosis::new(
            if body.contains("no queue") {
                "no_such_queue"
            } else {
                "no_such_exchange"
            },
            says,
            "declare it, or correct the name; names are case-sensitive and belong to one virtual host",
        ),
        "precondition_failed" | "resource_locked" => Diagnosis::new(
            "other_arguments",
            says,
            "the queue exists with other arguments than /queue/NAME declares: use /amq/queue/NAME",
        ),
        _ => Diagnosis::new("refused", says, "the broker's log says more"),
    }
}

/// RabbitMQ 3.10 gives no reason over WebSocket.
fn silent_refusal(destination: &Destination, note: &str) -> Diagnosis {
    Diagnosis::new(
        "refused_in_silence",
        format!("the broker closed the WebSocket over {destination}: {note}"),
        "over WebSocket RabbitMQ does not say why: the right or the exchange is missing; ask by stomp://, or look at its log; an account that only reads is asked with --subscribe",
    )
}

/// Why the connection did not last.
pub(crate) fn of_watch(after: Duration, why: &Lost) -> Diagnosis {
    let says = format!("after {:.1} s: {why}", after.as_secs_f64());
    match why {
        Lost::Cut(Cut::Silent) => Diagnosis::new(
            "no_heart_beat",
            says,
            "the broker agreed to beat and nothing comes through: a proxy holds back small messages (buffering), or the broker is stuck",
        ),
        Lost::Cut(Cut::ReceiptTimeout | Cut::Blocked) => no_receipt(says),
        _ => Diagnosis::new(
            "cut",
            says,
            "a proxy with a short idle time-out, or the broker: its log says why",
        ),
    }
}

fn no_receipt(says: String) -> Diagnosis {
    Diagnosis::new(
        "no_receipt",
        says,
        "heart-beats go on under an alarm of memory or disk: look at rabbitmqctl status, section Alarms",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_and_a_silence_have_opposite_advice() {
        for (cut, code) in [
            (Cut::Blocked, "no_receipt"),
            (Cut::ReceiptTimeout, "no_receipt"),
            (Cut::Silent, "no_heart_beat"),
            (Cut::Stalled, "cut"),
        ] {
            let found = of_watch(Duration::ZERO, &Lost::Cut(cut));
            assert_eq!(found.json()["code"], code);
        }
    }
}
