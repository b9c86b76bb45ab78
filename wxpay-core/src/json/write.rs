//! From values to JSON text.

use alloc::string::String;
use core::fmt::Write;

/// Writes JSON: objects and arrays of texts and numbers. The text goes into a field that checks it.
#[derive(Default)]
pub(crate) struct Json {
    text: String,
    place: Place,
}

/// Where the text will stand, which decides what is escaped.
#[derive(Clone, Copy, Default)]
enum Place {
    /// In a field of a message, whose length is limited: no more than JSON demands.
    #[default]
    Field,
    /// Perhaps inside a page's script: `<`, `>` and `&` as well.
    Page,
}

impl Json {
    pub(crate) fn open(&mut self, bracket: char) -> &mut Self {
        self.comma();
        self.text.push(bracket);
        self
    }

    pub(crate) fn close(&mut self, bracket: char) -> &mut Self {
        self.text.push(bracket);
        self
    }

    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.comma();
        self.string(key);
        self.text.push(':');
        self
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        self.string(value);
        self
    }

    pub(crate) fn optional(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    pub(crate) fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.key(key);
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    fn comma(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(['{', '[', ':']) {
            self.text.push(',');
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match (c, self.place) {
                ('"' | '\\', _) => self.text.extend(['\\', c]),
                ('<' | '>' | '&', Place::Page) => self.escape(c),
                (c, _) if c.is_control() => self.escape(c),
                (c, _) => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn escape(&mut self, c: char) {
        let _ = write!(self.text, "\\u{:04x}", u32::from(c));
    }
}

/// Writes texts as one JSON object that may stand inside a page's script.
pub(crate) fn object(fields: &[(&str, &str)]) -> String {
    let mut json = Json {
        text: String::with_capacity(256),
        place: Place::Page,
    };
    json.open('{');
    for (name, value) in fields {
        json.text(name, value);
    }
    json.close('}');
    json.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_json_reader_reads() {
        let mut json = Json::default();
        json.open('[');
        for text in ["a\"b\\c", "茶\u{1}", "<&>:"] {
            json.open('{')
                .text("t", text)
                .number("n", 7)
                .optional("o", None)
                .close('}');
        }
        json.close(']');
        let read: serde_json::Value = serde_json::from_str(json.as_str()).unwrap();
        assert_eq!(read[0]["t"], "a\"b\\c");
        assert_eq!(read[1]["t"], "茶\u{1}");
        assert_eq!(read[1]["n"], 7);
        assert_eq!(read[2]["t"], "<&>:");
        assert!(json.as_str().contains("<&>"));
    }

    #[test]
    fn a_page_sees_no_markup() {
        assert_eq!(
            object(&[("a", "\"\\\n\u{1f} 茶"), ("b", "</script>&")]),
            r#"{"a":"\"\\\u000a\u001f 茶","b":"\u003c/script\u003e\u0026"}"#
        );
        assert_eq!(object(&[]), "{}");
    }
}
