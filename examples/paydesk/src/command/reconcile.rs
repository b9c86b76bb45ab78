//! `paydesk reconcile`.

use std::fmt::Write as _;

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::ReconcileArgs, config::RawSettings, operator::Question};

/// Holds the ledger against a day's bill; 1 when they differ.
pub(super) fn reconcile(raw: RawSettings, args: &ReconcileArgs) -> Exit {
    // A running desk reads the file, from its own working directory.
    let bill = match args.bill.as_deref().map(std::path::absolute).transpose() {
        Ok(bill) => bill.map(|path| path.to_string_lossy().into_owned()),
        Err(error) => return fault(&format!("--bill: {error}")),
    };
    let date = args.date.clone();
    match look(raw, Question::Reconcile { date, bill }) {
        Ok(found) => {
            let exit = if args.output.json {
                print(&format!("{found}\n"))
            } else {
                let columns = [
                    "kind",
                    "out_trade_no",
                    "transaction_id",
                    "out_refund_no",
                    "here",
                    "there",
                ];
                let mut text = String::new();
                if found["differences"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty())
                {
                    text.push_str(&table(&rows(&found["differences"], &columns)));
                }
                let _ = writeln!(
                    text,
                    "{}: {} rows of the bill, {} differences, {} more near midnight",
                    found["date"].as_str().unwrap_or_default(),
                    found["rows"],
                    found["found"],
                    found["near_edge"]
                );
                print(&text)
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
