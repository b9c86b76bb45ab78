//! JSON text, as some fields hold it.

use alloc::string::String;
use core::fmt::Write;

use crate::{TextError, text::SceneInfo};

/// Writes JSON: just the objects and arrays that the API's fields hold. The text goes into a field that checks it.
#[derive(Default)]
pub(super) struct Json(String);

impl Json {
    pub(super) fn open(&mut self, bracket: char) -> &mut Self {
        self.comma();
        self.0.push(bracket);
        self
    }

    pub(super) fn close(&mut self, bracket: char) -> &mut Self {
        self.0.push(bracket);
        self
    }

    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.comma();
        self.string(key);
        self.0.push(':');
        self
    }

    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key);
        self.string(value);
        self
    }

    pub(super) fn optional(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.text(key, value);
        }
        self
    }

    pub(super) fn number(&mut self, key: &str, value: u64) -> &mut Self {
        self.key(key);
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn comma(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(['{', '[', ':']) {
            self.0.push(',');
        }
    }

    fn string(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                c if c.is_control() => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}

impl SceneInfo {
    /// The scene of an MWEB payment on a web page.
    ///
    /// # Errors
    /// [`TextError`] when the JSON is longer than the field.
    pub fn wap(wap_url: &str, wap_name: &str) -> Result<Self, TextError> {
        let mut json = Json::default();
        json.open('{').key("h5_info").open('{');
        json.text("type", "Wap")
            .text("wap_url", wap_url)
            .text("wap_name", wap_name);
        json.close('}').close('}').as_str().parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_json_reader_reads() {
        let mut json = Json::default();
        json.open('[');
        for text in ["a\"b\\c", "茶\u{1}"] {
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
        let scene = SceneInfo::wap("https://example.com", "Tea").unwrap();
        let read: serde_json::Value = serde_json::from_str(scene.as_str()).unwrap();
        assert_eq!(read["h5_info"]["type"], "Wap");
    }
}
