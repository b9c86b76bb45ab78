//! What every page has around it.

use maud::{DOCTYPE, Markup, html};

use super::Lang;

/// One page: its language, its address without the language switch, and what is on it.
pub(crate) struct Page<'a> {
    pub(crate) lang: Lang,
    /// Path and query, without `lang`.
    pub(crate) here: &'a str,
    pub(crate) title: &'a str,
    /// The script's name under `/assets/`.
    pub(crate) script: Option<&'a str>,
    /// Attributes of the body, for the script.
    pub(crate) data: &'a [(&'a str, &'a str)],
}

impl Page<'_> {
    pub(crate) fn render(&self, content: &Markup) -> Markup {
        let (other, name) = match self.lang {
            Lang::Zh => (Lang::En, "English"),
            Lang::En => (Lang::Zh, "中文"),
        };
        let join = if self.here.contains('?') { '&' } else { '?' };
        let switch = format!("{}{join}lang={}", self.here, other.code());
        let body = html! {
            header {
                strong { (self.lang.pick("收银台", "Paydesk")) }
                a #lang href=(switch) { (name) }
            }
            main { (content) }
            footer { span { (self.lang.pick("微信支付", "WeChat Pay")) " · Native" } }
        };
        html! {
            (DOCTYPE)
            html lang=(self.lang.code()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    title { (self.title) }
                    link rel="stylesheet" href="/assets/desk.css";
                    link rel="icon" href="data:,";
                    @if let Some(script) = self.script {
                        script type="module" src={ "/assets/" (script) } {}
                    }
                }
                (Body { data: self.data, inner: &body })
            }
        }
    }
}

/// The body element with the data attributes that the page's script reads; maud has no attributes by computed name.
struct Body<'a> {
    data: &'a [(&'a str, &'a str)],
    inner: &'a Markup,
}

impl maud::Render for Body<'_> {
    fn render_to(&self, out: &mut String) {
        out.push_str("<body");
        for (name, value) in self.data {
            out.push_str(" data-");
            out.push_str(name);
            out.push_str("=\"");
            value.render_to(out);
            out.push('"');
        }
        out.push('>');
        out.push_str(&self.inner.0);
        out.push_str("</body>");
    }
}
