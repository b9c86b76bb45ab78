//! The operator's page: orders, outbox, notifies.

use maud::{Markup, html};
use order_store::{NotifySummary, Order, OutboxStatus, Verdict};

use super::{Lang, Page};

/// What the page shows.
pub(crate) struct Overview<'a> {
    pub(crate) orders: &'a [Order],
    pub(crate) outbox: &'a OutboxStatus,
    pub(crate) notifies: &'a [NotifySummary],
    /// What the publisher's connection is doing.
    pub(crate) broker: &'a str,
    /// The last publication's fault.
    pub(crate) fault: Option<String>,
}

/// The operator's page.
pub(crate) fn admin(lang: Lang, overview: &Overview<'_>) -> Markup {
    let page = Page {
        lang,
        here: "/admin",
        title: lang.pick("运营", "Operator"),
        script: None,
        data: &[],
    };
    page.render(&html! {
        section.card.wide #admin {
            h1 { (lang.pick("运营", "Operator")) }
            p.what {
                (lang.pick("消息服务：", "Broker: ")) (overview.broker)
                " · " (lang.pick("待发 ", "waiting ")) (overview.outbox.waiting)
                " · " (lang.pick("搁置 ", "parked ")) (overview.outbox.parked)
                @if let Some(fault) = &overview.fault { " · " (fault) }
            }
            h2 { (lang.pick("订单", "Orders")) }
            table #orders {
                tr {
                    th { (lang.pick("订单号", "Order")) } th { (lang.pick("状态", "State")) }
                    th { (lang.pick("金额", "Amount")) } th { (lang.pick("创建", "Created")) }
                    th { (lang.pick("微信订单号", "Transaction")) } th { (lang.pick("注意", "Attention")) }
                }
                @for order in overview.orders {
                    tr {
                        td { (order.key.out_trade_no) } td { (order.state().as_str()) }
                        td { "¥" (order.terms.total_fee.yuan()) } td { (order.created_at) }
                        td { @if let Some(id) = order.transaction_id() { (id) } }
                        td { @for attention in &order.attention { (attention.as_str()) " " } }
                    }
                }
            }
            h2 { (lang.pick("通知", "Notifies")) }
            table #notifies {
                tr {
                    th { (lang.pick("编号", "Id")) } th { (lang.pick("时间", "At")) }
                    th { (lang.pick("来自", "Peer")) } th { (lang.pick("结果", "Verdict")) }
                    th { (lang.pick("毫秒", "ms")) }
                }
                @for row in overview.notifies {
                    tr {
                        td { (row.id) } td { (row.at) } td { (row.peer) }
                        td { @match &row.verdict {
                            Verdict::Accepted { .. } => { (lang.pick("接受", "accepted")) },
                            Verdict::Refused { reason } => { (lang.pick("拒绝：", "refused: ")) (reason) },
                        } }
                        td { (row.millis) }
                    }
                }
            }
        }
    })
}
