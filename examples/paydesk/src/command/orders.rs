//! `paydesk orders`.

use serde_json::Value;

use super::{Exit, fault, look::look, print, table::table};
use crate::{cli::OrdersArgs, config::RawSettings, http::ListQuery, operator::Question};

/// The text of a JSON value as a cell shows it.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Rows of a JSON list under the named columns.
pub(super) fn rows(list: &Value, columns: &[&str]) -> Vec<Vec<String>> {
    let head = columns.iter().map(|&name| name.to_owned()).collect();
    let body = list.as_array().into_iter().flatten();
    std::iter::once(head)
        .chain(body.map(|row| columns.iter().map(|name| cell(&row[*name])).collect()))
        .collect()
}

/// Lists orders.
pub(super) fn orders(raw: RawSettings, args: &OrdersArgs) -> Exit {
    let question = Question::Orders(ListQuery {
        state: args.state.clone(),
        since: args.since.clone(),
        cursor: args.cursor.clone(),
        limit: Some(args.limit),
    });
    match look(raw, question) {
        Ok(page) if args.output.json => print(&format!("{page}\n")),
        Ok(page) => {
            let columns = [
                "out_trade_no",
                "state",
                "total_fee",
                "created_at",
                "paid_at",
                "transaction_id",
                "attention",
            ];
            let mut text = table(&rows(&page["orders"], &columns));
            if let Some(cursor) = page["next_cursor"].as_str() {
                text.extend(["more: --cursor ", cursor, "\n"]);
            }
            print(&text)
        }
        Err(reason) => fault(&reason),
    }
}
