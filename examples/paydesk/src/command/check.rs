//! `paydesk check`.

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::OutputArgs, config::RawSettings, operator::Question};

/// Reads the whole ledger; 1 when it does not agree with itself.
pub(super) fn check(raw: RawSettings, output: &OutputArgs) -> Exit {
    match look(raw, Question::Check) {
        Ok(found) => {
            let clean = found["faults"].as_array().is_some_and(Vec::is_empty);
            let exit = if output.json {
                print(&format!("{found}\n"))
            } else {
                let mut text = format!(
                    "{} orders, {} log rows: {}\n",
                    found["orders"],
                    found["log_rows"],
                    if clean { "no fault" } else { "FAULTS" }
                );
                if !clean {
                    text.push_str(&table(&rows(&found["faults"], &["out_trade_no", "fault"])));
                }
                print(&text)
            };
            if clean { exit } else { Exit::Found }
        }
        Err(reason) => fault(&reason),
    }
}
