//! From JSON text to values.

use alloc::{borrow::Cow, string::String, vec::Vec};

/// How deep brackets may stand in brackets: the API's lists have five levels at most.
const DEPTH_MAX: usize = 8;

/// A value in a JSON text. Numbers stay text: an amount is never a float.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// `null`, `true` or `false`, which no field that is read here has.
    Word(&'a str),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl Value<'_> {
    /// The member of an object; none where a name stands twice, which readers take differently.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut named = members.iter().filter(|(member, _)| member == name);
        let (_, value) = named.next()?;
        named.next().is_none().then_some(value)
    }

    /// A text, or a number as it is written: the gateway's own samples have one number either way.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

/// Reads one JSON text. Nothing when it is none, or is nested deeper than the API's are.
pub(crate) fn parse(text: &str) -> Option<Value<'_>> {
    let mut reader = Reader { rest: text };
    let value = reader.value(DEPTH_MAX)?;
    reader.blank();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        self.blank();
        match self.rest.as_bytes().first()? {
            b'"' => self.string().map(Value::Text),
            b'[' => self.list(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            b'-' | b'0'..=b'9' => self.number(),
            _ => ["null", "true", "false"]
                .into_iter()
                .find(|word| self.take(word))
                .map(Value::Word),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut list = Vec::new();
        self.take("[");
        self.blank();
        if self.take("]") {
            return Some(Value::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            self.blank();
            if self.take("]") {
                return Some(Value::List(list));
            }
            self.take(",").then_some(())?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut members = Vec::new();
        self.take("{");
        self.blank();
        if self.take("}") {
            return Some(Value::Object(members));
        }
        loop {
            self.blank();
            let name = self.string()?;
            self.blank();
            self.take(":").then_some(())?;
            members.push((name, self.value(depth)?));
            self.blank();
            if self.take("}") {
                return Some(Value::Object(members));
            }
            self.take(",").then_some(())?;
        }
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let end = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        is_number(number).then_some(Value::Number(number))
    }

    /// A text, borrowed when nothing in it is escaped.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.take("\"").then_some(())?;
        let mut owned = String::new();
        loop {
            let end = self
                .rest
                .find(|c: char| matches!(c, '"' | '\\' | '\0'..='\u{1f}'))?;
            let (plain, rest) = self.rest.split_at(end);
            self.rest = rest;
            if self.take("\"") {
                return Some(if owned.is_empty() {
                    plain.into()
                } else {
                    owned.push_str(plain);
                    owned.into()
                });
            }
            self.take("\\").then_some(())?;
            owned.push_str(plain);
            owned.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    // A low surrogate alone is no character.
                    return char::from_u32(unit);
                }
                self.take("\\u").then_some(())?;
                let low = self.unit()?;
                (0xdc00..0xe000).contains(&low).then_some(())?;
                char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?
            }
            _ => return None,
        })
    }

    /// Four hex digits.
    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(())?;
        self.rest = rest;
        u32::from_str_radix(digits, 16).ok()
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, text: &str) -> bool {
        self.rest.strip_prefix(text).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }
}

/// Whether a text is a number as JSON writes one.
fn is_number(text: &str) -> bool {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    fn whole(text: &str) -> Option<bool> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let mut rest = match text.strip_prefix('0') {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = digits(fraction)?;
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            rest = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
        }
        Some(rest.is_empty())
    }
    whole(text).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};
    use proptest::prelude::*;

    fn to_serde(value: &Value<'_>) -> serde_json::Value {
        match value {
            Value::Word(word) => serde_json::from_str(word).unwrap(),
            Value::Number(number) => serde_json::from_str(number).unwrap(),
            Value::Text(text) => serde_json::Value::String(text.to_string()),
            Value::List(list) => list.iter().map(to_serde).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.to_string(), to_serde(value)))
                .collect(),
        }
    }

    #[test]
    fn reads_what_the_gateway_writes() {
        let list =
            parse(r#" {"order_num": 1, "order_list": [ {"mch_id":"1900","total_fee":101} ] } "#)
                .unwrap();
        let order = &list.get("order_list").and_then(Value::as_list).unwrap()[0];
        assert_eq!(order.get("total_fee").and_then(Value::as_text), Some("101"));
        assert_eq!(order.get("mch_id").and_then(Value::as_text), Some("1900"));
        assert_eq!(order.get("absent"), None);
        // Two of one name: whoever reads the first and whoever reads the last would differ.
        assert_eq!(parse(r#"{"a":1,"a":2}"#).unwrap().get("a"), None);
        let text = parse(r#""\u8336 \ud83c\udf75 \/""#).unwrap();
        assert_eq!(text.as_text(), Some("茶 🍵 /"));
    }

    #[test]
    fn refuses_what_is_no_json_or_too_deep() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\u00é\"",
            "01",
            "1.",
            ".5",
            "1e",
            "--1",
            "+1",
            "nul",
            "[1]]",
            "\"\n\"",
            "{\"a\":1,}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(DEPTH_MAX)).is_some());
        assert_eq!(parse(&nested(DEPTH_MAX + 1)), None);
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn says_what_serde_json_says(text in r#"([\[\]{},: ]|"[a\\"u0-9]{0,5}"|-?[0-9]{1,3}(\.[0-9]{1,2})?(e[0-9])?|true|null){0,12}"#) {
            let theirs = match serde_json::from_str::<serde_json::Value>(&text) {
                // Ours keeps a number as it is written, so none is too large for it.
                Err(error) if error.to_string().starts_with("number out of range") => return Ok(()),
                theirs => theirs.ok(),
            };
            let ours = parse(&text);
            match (&ours, &theirs) {
                (Some(ours), Some(theirs)) => prop_assert_eq!(&to_serde(ours), theirs),
                // serde_json keeps the last of two members and turns a number into a float.
                (ours, theirs) => prop_assert_eq!(ours.is_some(), theirs.is_some(), "{}", text),
            }
        }
    }
}
