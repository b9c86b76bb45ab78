//! `paydesk totals`.

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::TotalsArgs, config::RawSettings, operator::Question};

/// What came in and went back, by day and merchant.
pub(super) fn totals(raw: RawSettings, args: &TotalsArgs) -> Exit {
    let question = Question::Totals {
        from: args.from.clone(),
        to: args.to.clone().unwrap_or_else(|| args.from.clone()),
    };
    match look(raw, question) {
        Ok(list) if args.output.json => print(&format!("{list}\n")),
        Ok(list) => {
            let columns = ["day", "mch_id", "payments", "paid", "refunds", "refunded"];
            print(&table(&rows(&list, &columns)))
        }
        Err(reason) => fault(&reason),
    }
}
