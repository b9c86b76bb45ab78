//! `paydesk check`.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::OutputArgs, config::RawSettings, operator::Question};

/// Reads the whole ledger; 1 when it does not agree with itself.
pub(super) fn check(raw: RawSettings, output: &OutputArgs) -> Exit {
    match look(raw, Question::Check) {
        Ok(found) => {
            let exit = if output.json {
                print(&format!("{found}\n"))
            } else {
                print(&text(&found))
            };
            if exit == Exit::Clean && found["found"] != 0 {
                Exit::Found
            } else {
                exit
            }
        }
        Err(reason) => fault(&reason),
    }
}

fn text(found: &Value) -> String {
    let mut text = if found["ended_early"] == true {
        "the ledger cannot be read to its end: FAULT\n".to_owned()
    } else {
        format!(
            "{} orders, {} rows of the outbox, {} notifies: {}\n",
            found["orders"],
            found["outbox"],
            found["notifies"],
            match found["found"].as_u64() {
                Some(0) => "no fault".to_owned(),
                _ => format!("{} FAULTS", found["found"]),
            }
        )
    };
    let listed = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    if listed(&found["faults"]) {
        text.push_str(&table(&rows(&found["faults"], &["out_trade_no", "fault"])));
    }
    if listed(&found["unsettled"]) {
        let _ = write!(
            text,
            "not proven, since desks wrote meanwhile; check again when they write less:\n{}",
            table(&rows(&found["unsettled"], &["fault"]))
        );
    }
    text
}
