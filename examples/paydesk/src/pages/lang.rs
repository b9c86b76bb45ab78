//! The two languages of the pages.

use axum::http::{HeaderMap, header};

/// What a page is written in. Chinese, unless the reader switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    Zh,
    En,
}

impl Lang {
    /// The switch in the URL, else the one remembered in the cookie.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let named = |name: &str| match name {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        };
        query
            .and_then(named)
            .or_else(|| {
                headers
                    .get(header::COOKIE)?
                    .to_str()
                    .ok()?
                    .split(';')
                    .find_map(|cookie| named(cookie.trim().strip_prefix("lang=")?))
            })
            .unwrap_or(Self::Zh)
    }

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The text of this language.
    pub(crate) const fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_wins_over_the_cookie() {
        let mut headers = HeaderMap::new();
        assert_eq!(Lang::of(None, &headers), Lang::Zh);
        headers.insert(header::COOKIE, "a=b; lang=en".parse().unwrap());
        assert_eq!(Lang::of(None, &headers), Lang::En);
        assert_eq!(Lang::of(Some("zh"), &headers), Lang::Zh);
        assert_eq!(Lang::of(Some("xx"), &headers), Lang::En);
    }
}
