//! The QR page.

use maud::{Markup, PreEscaped, html};
use qrcode::{EcLevel, QrCode, render::svg, types::QrError};
use wxpay_core::{CodeUrl, Fen};

use super::{Lang, Page};

/// What the page's script subscribes with.
pub(crate) struct Feed<'a> {
    /// Another broker's URL; empty for this service's own `/ws`.
    pub(crate) url: &'a str,
    pub(crate) login: &'a str,
    pub(crate) passcode: &'a str,
    pub(crate) destination: &'a str,
}

/// What is paid, and where the page goes afterwards.
pub(crate) struct Paying<'a> {
    pub(crate) out_trade_no: &'a str,
    pub(crate) body: &'a str,
    pub(crate) total_fee: Fen,
    pub(crate) code_url: &'a CodeUrl,
    pub(crate) here: &'a str,
    pub(crate) state: &'a str,
    pub(crate) success: &'a str,
    pub(crate) fail: &'a str,
    /// The simulator's phone, where there is one: nobody can scan this code with a real one.
    pub(crate) phone: Option<&'a str>,
}

/// The page that shows the code and waits for the payment.
///
/// # Errors
/// [`QrError`] when the code does not fit a QR symbol.
pub(crate) fn pay(lang: Lang, paying: &Paying<'_>, feed: &Feed<'_>) -> Result<Markup, QrError> {
    let code = qr_svg(paying.code_url)?;
    let page = Page {
        lang,
        here: paying.here,
        title: lang.pick("扫码支付", "Scan to pay"),
        script: Some("pay.js"),
        data: &[
            ("order", paying.out_trade_no),
            ("state", paying.state),
            ("success", paying.success),
            ("fail", paying.fail),
            ("broker", feed.url),
            ("login", feed.login),
            ("passcode", feed.passcode),
            ("destination", feed.destination),
        ],
    };
    Ok(page.render(&html! {
        section.card {
            h1 { (lang.pick("微信扫码支付", "Scan with WeChat to pay")) }
            p.what { (paying.body) }
            p.money { small { "¥" } (paying.total_fee.yuan()) }
            div.qr #qr role="img" aria-label=(lang.pick("支付二维码", "Payment QR code")) { (PreEscaped(code)) }
            p.hint { span.live {} (lang.pick("支付完成后本页自动跳转", "This page moves on by itself once you have paid")) }
            @if let Some(phone) = paying.phone {
                p.hint { a #phone href=(phone) target="_blank" rel="noopener" {
                    (lang.pick("演示：打开模拟的付款手机", "Demo: open the simulated phone"))
                } }
            }
            p.number { (lang.pick("订单号 ", "Order ")) (paying.out_trade_no) }
        }
    }))
}

/// The code as an SVG image, drawn here so that no script or third party sees it.
fn qr_svg(code_url: &CodeUrl) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(code_url.as_str(), EcLevel::M)?;
    let image = code
        .render::<svg::Color<'_>>()
        .min_dimensions(232, 232)
        .quiet_zone(true)
        .build();
    // The XML declaration has no place inside a page.
    Ok(match image.find("<svg") {
        Some(start) => image[start..].to_owned(),
        None => image,
    })
}
