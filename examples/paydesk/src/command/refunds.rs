//! `paydesk refunds`.

use super::{Exit, fault, look::look, orders::rows, print, table::table};
use crate::{cli::RefundsArgs, config::RawSettings, operator::Question};

/// Lists refunds.
pub(super) fn refunds(raw: RawSettings, args: &RefundsArgs) -> Exit {
    let question = Question::Refunds {
        out_trade_no: args.out_trade_no.clone(),
        state: args.state.clone(),
        limit: args.limit,
    };
    match look(raw, question) {
        Ok(list) if args.output.json => print(&format!("{list}\n")),
        Ok(list) => {
            let columns = [
                "out_trade_no",
                "out_refund_no",
                "state",
                "refund_fee",
                "begun_at",
                "changed_at",
                "refund_id",
            ];
            print(&table(&rows(&list, &columns)))
        }
        Err(reason) => fault(&reason),
    }
}
