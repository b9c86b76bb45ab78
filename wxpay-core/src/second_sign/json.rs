//! A flat JSON object, without serde.

use alloc::string::String;
use core::fmt::Write as _;

/// Writes texts as one JSON object. `<`, `>` and `&` are escaped too, so that it may stand inside a page's script.
pub(super) fn object(fields: &[(&str, &str)]) -> String {
    let mut json = String::with_capacity(256);
    let mut separator = '{';
    for (name, value) in fields {
        json.push(separator);
        separator = ',';
        string(&mut json, name);
        json.push(':');
        string(&mut json, value);
    }
    json.push('}');
    json
}

fn string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            '\0'..=' ' if c != ' ' => escape(json, c),
            '<' | '>' | '&' => escape(json, c),
            c => json.push(c),
        }
    }
    json.push('"');
}

fn escape(json: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(json, "\\u{:04x}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn escapes_what_json_and_pages_must_not_see() {
        assert_eq!(
            object(&[("a", "\"\\\n\u{1f} 茶"), ("b", "</script>&")]),
            r#"{"a":"\"\\\u000a\u001f 茶","b":"\u003c/script\u003e\u0026"}"#
        );
    }
}
