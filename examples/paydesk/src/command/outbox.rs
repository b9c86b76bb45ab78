//! `paydesk outbox list|retry|park`.

use serde_json::Value;

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{
    cli::{OutboxCommand, OutboxFilter},
    config::RawSettings,
    operator::Question,
};

/// Lists rows, makes them ready again, or sets one aside.
pub(super) fn outbox(raw: RawSettings, command: OutboxCommand) -> Exit {
    match command {
        OutboxCommand::List {
            parked,
            limit,
            output,
        } => {
            let filter = if parked {
                OutboxFilter::Parked
            } else {
                OutboxFilter::All
            };
            match look(raw, Question::Outbox { filter, limit }) {
                Ok(list) => {
                    let exit = if output.json {
                        print(&format!("{list}\n"))
                    } else {
                        print(&listed(&list))
                    };
                    // A row that is set aside is one that nobody was told of.
                    found(exit, list["status"]["parked"] != 0)
                }
                Err(reason) => fault(&reason),
            }
        }
        OutboxCommand::Retry { ids, all: _ } => match look(raw, Question::OutboxRetry { ids }) {
            Ok(done) => {
                let exit = print(&format!("{done}\n"));
                found(exit, done["unknown"] != Value::Array(Vec::new()))
            }
            Err(reason) => fault(&reason),
        },
        OutboxCommand::Park { id, reason } => {
            match look(raw, Question::OutboxPark { id, reason }) {
                Ok(done) => print(&format!("{done}\n")),
                Err(reason) => fault(&reason),
            }
        }
    }
}

fn found(exit: Exit, something: bool) -> Exit {
    if exit == Exit::Clean && something {
        Exit::Found
    } else {
        exit
    }
}

fn listed(list: &Value) -> String {
    let columns = [
        "id",
        "kind",
        "state",
        "created_at",
        "attempts",
        "until",
        "last_error",
    ];
    let status = &list["status"];
    format!(
        "{}{} waiting, {} of them put off, {} on loan, {} parked\n",
        table(&rows(&list["rows"], &columns)),
        status["waiting"],
        status["put_off"],
        status["leased"],
        status["parked"],
    )
}
