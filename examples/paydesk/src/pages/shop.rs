//! The shop: one form that makes an order.

use maud::{Markup, html};

use super::{Lang, Page};

/// The shop page. `once` makes a double click one order.
pub(crate) fn shop(lang: Lang, once: &str) -> Markup {
    let page = Page {
        lang,
        here: "/",
        title: lang.pick("小店", "Shop"),
        script: Some("shop.js"),
        data: &[],
    };
    page.render(&html! {
        section.card {
            h1 { (lang.pick("买一杯茶", "Buy a cup of tea")) }
            p.what { (lang.pick("下单后用微信扫码支付", "Order, then pay by scanning with WeChat")) }
            form #order data-once=(once) data-amount=(lang.pick("金额要大于零，最多两位小数", "An amount above zero with at most two decimals")) {
                label for="what" { (lang.pick("商品", "What")) }
                input #what maxlength="42" required value=(lang.pick("龙井茶一杯", "A cup of Longjing tea"));
                label for="yuan" { (lang.pick("金额（元）", "Amount (yuan)")) }
                input #yuan inputmode="decimal" required value="0.01";
                button #buy { (lang.pick("下单并支付", "Order and pay")) }
                p.error #error role="alert" {}
            }
        }
    })
}
