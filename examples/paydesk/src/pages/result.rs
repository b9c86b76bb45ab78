//! The pages at the end of a payment, good or bad.

use maud::{Markup, html};
use wxpay_core::Fen;

use super::{Lang, Page};

/// What the success page tells.
pub(crate) struct Paid<'a> {
    pub(crate) out_trade_no: &'a str,
    pub(crate) body: &'a str,
    pub(crate) total_fee: Fen,
    pub(crate) transaction_id: &'a str,
    pub(crate) here: &'a str,
}

/// The page after a payment.
pub(crate) fn success(lang: Lang, paid: &Paid<'_>) -> Markup {
    let page = Page {
        lang,
        here: paid.here,
        title: lang.pick("支付成功", "Paid"),
        script: None,
        data: &[("order", paid.out_trade_no)],
    };
    page.render(&html! {
        section.card #success {
            div.mark aria-hidden="true" { "✓" }
            h1 { (lang.pick("支付成功", "Payment received")) }
            p.what { (paid.body) }
            p.money { small { "¥" } (paid.total_fee.yuan()) }
            p.number { (lang.pick("订单号 ", "Order ")) (paid.out_trade_no) }
            p.number { (lang.pick("微信订单号 ", "WeChat Pay number ")) (paid.transaction_id) }
            a.button href="/" { (lang.pick("返回小店", "Back to the shop")) }
        }
    })
}

/// The page when nothing can be paid, with the reason and, where it helps, a way to try again.
pub(crate) fn fail(lang: Lang, here: &str, reason: &str, again: Option<&str>) -> Markup {
    let page = Page {
        lang,
        here,
        title: lang.pick("支付未完成", "Not paid"),
        script: None,
        data: &[],
    };
    page.render(&html! {
        section.card #fail {
            div.mark.bad aria-hidden="true" { "!" }
            h1 { (lang.pick("支付未完成", "The payment was not made")) }
            p.what { (reason) }
            @if let Some(again) = again {
                a.button href=(again) { (lang.pick("再试一次", "Try again")) }
            } @else {
                a.button href="/" { (lang.pick("返回小店", "Back to the shop")) }
            }
        }
    })
}
