//! The orders inside a combined order: the JSON text of `sub_order_list`.

use alloc::{borrow::ToOwned, collections::BTreeSet};

use super::{RequestError, request::at_least_a_fen, rule};
use crate::{
    AppId, Attach, Body, FeeType, Fen, MchId, OutTradeNo, TextError,
    json::{self, Json, Value},
    text::{Detail, SubOrderList},
};

/// One order of a combined order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubOrder {
    /// The public id that the merchant is bound to.
    pub appid: AppId,
    /// The merchant who is paid.
    pub mch_id: MchId,
    /// That merchant's number of the order.
    pub out_trade_no: OutTradeNo,
    /// What the payer is shown as the thing paid for.
    pub body: Body,
    /// The merchant's own text.
    pub attach: Attach,
    /// The amount, at least one fen.
    pub total_fee: Fen,
    /// The currency.
    pub fee_type: FeeType,
    /// The goods.
    pub detail: Option<Detail>,
    /// A service provider's merchant, who is paid.
    pub sub_mch_id: Option<MchId>,
    /// That merchant's own public id.
    pub sub_appid: Option<AppId>,
}

impl SubOrderList {
    /// The orders as the field's JSON text.
    ///
    /// # Errors
    /// [`TextError`] when the text is longer than the field.
    pub fn of(orders: &[SubOrder]) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{').number("order_num", orders.len() as u64);
        json.key("order_list").open('[');
        for order in orders {
            json.open('{')
                .text("appid", order.appid.as_str())
                .text("mch_id", order.mch_id.as_str())
                .text("out_trade_no", order.out_trade_no.as_str())
                .text("body", order.body.as_str())
                .text("attach", order.attach.as_str())
                .number("total_fee", order.total_fee.get())
                .text("fee_type", order.fee_type.as_str())
                .optional("detail", order.detail.as_ref().map(Detail::as_str))
                .optional("sub_mch_id", order.sub_mch_id.as_ref().map(MchId::as_str))
                .optional("sub_appid", order.sub_appid.as_ref().map(AppId::as_str))
                .close('}');
        }
        json.close(']').close('}').as_str().parse()
    }
}

/// The most orders that the gateway combines.
const ORDERS_MAX: usize = 10;

/// The rules between the orders: how many, each of something, and no number twice for one merchant.
pub(super) fn check_orders(list: &SubOrderList) -> Result<(), RequestError> {
    const FIELD: &str = SubOrderList::FIELD;
    let list = json::parse(list.as_str());
    let text = |of: &Value<'_>, name: &str| of.get(name)?.as_text().map(ToOwned::to_owned);
    let orders = list
        .as_ref()
        .and_then(|list| list.get("order_list")?.as_list())
        .unwrap_or_default();
    let counted = list
        .as_ref()
        .and_then(|list| text(list, "order_num")?.parse().ok());
    rule(
        counted == Some(orders.len()),
        FIELD,
        "order_num counts order_list",
    )?;
    rule(
        (1..=ORDERS_MAX).contains(&orders.len()),
        FIELD,
        "from 1 to 10 orders",
    )?;
    let mut numbers = BTreeSet::new();
    for order in orders {
        let fee: Option<Fen> = text(order, "total_fee").and_then(|fee| fee.parse().ok());
        let fee = fee.ok_or(RequestError::Rule {
            field: FIELD,
            rule: "each order with its total_fee",
        })?;
        at_least_a_fen(fee, FIELD)?;
        let number = (text(order, "mch_id"), text(order, "out_trade_no"));
        rule(
            number.0.is_some() && number.1.is_some() && numbers.insert(number),
            FIELD,
            "each order with a number of its own",
        )?;
    }
    Ok(())
}
