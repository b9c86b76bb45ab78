//! `import` and `orders`: the orders that this service knows.

use std::{
    io::{self, Read},
    process::ExitCode,
};

use anyhow::{Context, Result};
use order_store::{OrderQuery, PAGE_MAX};
use serde::Deserialize;
use serde_json::{Deserializer, json};
use wxpay_core::{Body, Fen, OutTradeNo};

use super::{AT_ONCE, found, ledger, open, print};
use crate::{
    cli::Settings,
    ledger::{NewOrder, NotTaken},
};

/// An order as the desk's list has it, or as a person writes it.
#[derive(Deserialize)]
struct OrderLine {
    out_trade_no: OutTradeNo,
    total_fee: Fen,
    body: Option<Body>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Page { orders: Vec<OrderLine> },
    One(OrderLine),
}

pub(super) async fn import(settings: &Settings) -> Result<ExitCode> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .context("standard input")?;
    let mut lines = Vec::new();
    for input in Deserializer::from_str(&text).into_iter() {
        match input.context("standard input")? {
            Input::Page { orders } => lines.extend(orders),
            Input::One(order) => lines.push(order),
        }
    }
    let ledger = ledger(settings, AT_ONCE)?;
    let (mut fresh, mut refused) = (0_usize, 0_usize);
    let total = lines.len();
    for OrderLine {
        out_trade_no: number,
        total_fee,
        body,
    } in lines
    {
        match ledger
            .add(NewOrder {
                number: number.clone(),
                total_fee,
                body,
            })
            .await
        {
            Ok(outcome) => fresh += usize::from(outcome.is_new()),
            Err(NotTaken::Bad(why)) => {
                refused += 1;
                eprintln!("order-listener: {number}: {why}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    ledger.store.close().await?;
    print(&format!(
        "{total} orders read, {fresh} new, {refused} refused\n"
    ))?;
    Ok(found(refused))
}

pub(super) async fn list(settings: &Settings) -> Result<ExitCode> {
    let store = open(settings, AT_ONCE)?;
    let mut query = OrderQuery {
        limit: PAGE_MAX,
        ..OrderQuery::default()
    };
    loop {
        let page = store.list(query.clone()).await?;
        for order in &page.orders {
            let line = json!({
                "out_trade_no": order.key.out_trade_no,
                "state": order.state().as_str(),
                "total_fee": order.terms.total_fee,
                "transaction_id": order.transaction_id(),
                "confirmed": order.first_payment().map(|_| !order.has_unconfirmed()),
            });
            print(&format!("{line}\n"))?;
        }
        match page.next {
            Some(cursor) => query.cursor = Some(cursor),
            None => break,
        }
    }
    store.close().await?;
    Ok(ExitCode::SUCCESS)
}
