//! `GET /`: the page that plays the payer's phone.

use std::sync::Arc;

use axum::{
    Router,
    extract::Query,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use super::shared::Shared;

const SCRIPT: &str = include_str!("../../assets/phone.js");
const STYLE: &str = include_str!("../../assets/phone.css");
/// Everything comes from here, nothing is inline, and no other page may frame this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(phone))
        .route(
            "/sim/phone.js",
            get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }),
        )
        .route(
            "/sim/phone.css",
            get(|| async { asset("text/css; charset=utf-8", STYLE) }),
        )
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

#[derive(Deserialize)]
struct PhoneQuery {
    lang: Option<String>,
    code_url: Option<String>,
    out_trade_no: Option<String>,
}

async fn phone(Query(query): Query<PhoneQuery>) -> Response {
    let language = match query.lang.as_deref() {
        Some("en") => &ENGLISH,
        _ => &CHINESE,
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, render(language, &query)).into_response()
}

/// The page's fixed texts in one language. The script has its own for what it writes.
struct Texts {
    lang: &'static str,
    other_lang: &'static str,
    other_name: &'static str,
    title: &'static str,
    hint: &'static str,
    scan_label: &'static str,
    scan: &'static str,
    unpaid: &'static str,
    none: &'static str,
    notifies: &'static str,
    clock: &'static str,
}

const CHINESE: Texts = Texts {
    lang: "zh-CN",
    other_lang: "en",
    other_name: "English",
    title: "付款手机",
    hint: "模拟器：这里付的不是真钱",
    scan_label: "粘贴 code_url 或商户订单号",
    scan: "扫一扫",
    unpaid: "待付款",
    none: "没有待付款的订单",
    notifies: "支付通知",
    clock: "模拟时钟",
};

const ENGLISH: Texts = Texts {
    lang: "en",
    other_lang: "zh",
    other_name: "中文",
    title: "The payer's phone",
    hint: "A simulator: no real money is paid here",
    scan_label: "Paste a code_url or an out_trade_no",
    scan: "Scan",
    unpaid: "To pay",
    none: "No order waits to be paid",
    notifies: "Notifies",
    clock: "Simulated clock",
};

fn render(texts: &Texts, query: &PhoneQuery) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(texts.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (texts.title) " · wxpay-sim" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/sim/phone.css";
                script src="/sim/phone.js" defer {}
            }
            body {
                main.phone {
                    header {
                        h1 { (texts.title) }
                        a #lang href=(other_language(texts, query)) { (texts.other_name) }
                    }
                    p.hint { (texts.hint) }
                    form #scan {
                        label for="scan-text" { (texts.scan_label) }
                        div.row {
                            input #scan-text type="text" maxlength="256" autocomplete="off" spellcheck="false";
                            button #scan-go type="submit" { (texts.scan) }
                        }
                    }
                    p #result role="status" aria-live="polite" {}
                    section {
                        h2 { (texts.unpaid) }
                        ul #orders {}
                        p #none hidden { (texts.none) }
                    }
                    section {
                        h2 { (texts.notifies) }
                        ol #notifies {}
                    }
                    section.clock {
                        h2 { (texts.clock) }
                        p { time #clock {} }
                        div.row {
                            button.plain type="button" data-advance="15" { "+15 s" }
                            button.plain type="button" data-advance="300" { "+5 min" }
                            button.plain type="button" data-advance="7200" { "+2 h" }
                        }
                    }
                }
            }
        }
    }
}

/// This page in the other language, with the same order chosen.
fn other_language(texts: &Texts, query: &PhoneQuery) -> String {
    let mut link = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
    let link = link.extend_pairs([("lang", texts.other_lang)]);
    let chosen = [
        ("code_url", &query.code_url),
        ("out_trade_no", &query.out_trade_no),
    ];
    for (name, value) in chosen {
        if let Some(value) = value {
            link.append_pair(name, value);
        }
    }
    link.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_query_brings_is_escaped_and_kept() {
        let query = PhoneQuery {
            lang: None,
            code_url: Some("\"><script>weixin://x?pr=1&y".to_owned()),
            out_trade_no: None,
        };
        let page = render(&CHINESE, &query).into_string();
        assert!(
            page.contains("href=\"?lang=en&amp;code_url=%22%3E%3Cscript%3Eweixin"),
            "{page}"
        );
        // The page's own script, which has no text inside.
        assert_eq!(page.matches("<script").count(), 1);
        assert!(page.contains("<script src=\"/sim/phone.js\" defer></script>"));
        assert!(!page.contains("style="));
    }
}
