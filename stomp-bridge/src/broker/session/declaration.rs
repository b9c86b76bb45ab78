//! The headers of SEND and SUBSCRIBE that say what a queue shall be.

use super::refusal::Refusal;
use crate::broker::router::{Arguments, DeadLetter, Declaration};
use crate::frame::Frame;
use std::time::Duration;

/// RabbitMQ's arguments that this broker has not. They are refused: a bound that nobody keeps is
/// worse than none.
const NOT_HERE: [&str; 6] = [
    "x-message-ttl",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-type",
    "x-single-active-consumer",
];

/// What the frame's headers make of a queue of this name. As in RabbitMQ a queue that is not
/// durable is the connection's own and goes with its last consumer, unless the frame says otherwise.
pub(super) fn declaration(
    frame: &Frame,
    name: &str,
    is_durable: bool,
) -> Result<Declaration, Refusal> {
    for argument in NOT_HERE {
        match frame.header(argument) {
            None => {}
            Some("classic") if argument == "x-queue-type" => {}
            Some(_) => {
                let body = format!("NOT_IMPLEMENTED - this broker has no '{argument}'");
                return Err(Refusal::new("not_implemented", body));
            }
        }
    }
    let is_durable = flag(frame, "durable")?.unwrap_or(is_durable);
    let exchange = frame.header("x-dead-letter-exchange").map(str::to_owned);
    let key = frame.header("x-dead-letter-routing-key").map(str::to_owned);
    let expires = number(frame, "x-expires")?;
    if expires == Some(0) {
        let body = format!(
            "PRECONDITION_FAILED - invalid arg 'x-expires' for queue '{name}' in vhost '/': \
             {{value_zero,0}}"
        );
        return Err(Refusal::new("precondition_failed", body));
    }
    Ok(Declaration {
        name: name.to_owned(),
        exclusive: flag(frame, "exclusive")?.unwrap_or(!is_durable),
        auto_delete: flag(frame, "auto-delete")?.unwrap_or(!is_durable),
        arguments: Arguments {
            expires: expires.map(|ms| Duration::from_millis(ms.into())),
            max_length: number(frame, "x-max-length")?.map(|n| n as usize),
            max_length_bytes: number(frame, "x-max-length-bytes")?.map(|n| n as usize),
            dead_letter: exchange.map(|exchange| DeadLetter { exchange, key }),
        },
    })
}

fn flag(frame: &Frame, header: &str) -> Result<Option<bool>, Refusal> {
    match frame.header(header) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::processing(format!(
            "{header} is not true or false"
        ))),
    }
}

fn number(frame: &Frame, header: &str) -> Result<Option<u32>, Refusal> {
    let wrong = |_| Refusal::processing(format!("{header} is not a number"));
    let number = frame.header(header).map(str::parse);
    number.transpose().map_err(wrong)
}
