//! `paydesk notifies list|show|replay`.

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::NotifiesCommand, config::RawSettings, operator::Question};

/// Lists, shows or replays what came.
pub(super) fn notifies(raw: RawSettings, command: NotifiesCommand) -> Exit {
    match command {
        NotifiesCommand::List { limit, output } => match look(raw, Question::Notifies { limit }) {
            Ok(list) if output.json => print(&format!("{list}\n")),
            Ok(list) => {
                let columns = ["id", "at", "peer", "accepted", "ms", "bytes", "verdict"];
                print(&table(&rows(&list, &columns)))
            }
            Err(reason) => fault(&reason),
        },
        NotifiesCommand::Show { id } => match look(raw, Question::Notify { id }) {
            Ok(notify) => print(&format!("{notify:#}\n")),
            Err(reason) => fault(&reason),
        },
        NotifiesCommand::Replay { id } => match look(raw, Question::Replay { id }) {
            Ok(result) => {
                let exit = print(&format!("{result}\n"));
                if result["accepted"] == true {
                    exit
                } else {
                    Exit::Found
                }
            }
            Err(reason) => fault(&reason),
        },
    }
}
