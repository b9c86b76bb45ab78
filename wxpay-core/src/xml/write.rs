//! Fields to a message.

use alloc::string::String;

use crate::{Params, words};

const START: &str = "<xml>";
const END: &str = "</xml>";
/// What a field needs besides its name, twice, and its value.
const FIELD_MARKUP_BYTES: usize = "<></><![CDATA[]]>".len();

/// Writes a message: `<xml>`, each field as an element, `</xml>`, without white space or a declaration.
///
/// Digits stand plain; all else stands in CDATA, split where it holds `]]>`. A value with a carriage return is written
/// with references instead, since an XML reader may turn a bare one into a line feed and the sign would no longer hold.
/// Reading it back gives the same fields.
#[must_use]
pub fn write(params: &Params<'_>) -> String {
    // A list that was made here holds the message already.
    if let Some(written) = params.written() {
        let mut xml = String::with_capacity(START.len() + written.len() + END.len());
        xml.push_str(written);
        begin(&mut xml);
        xml.push_str(END);
        return xml;
    }
    let fields_bytes: usize = params
        .iter()
        .map(|(name, value)| 2 * name.len() + value.len() + FIELD_MARKUP_BYTES)
        .sum();
    let mut xml = String::with_capacity(START.len() + fields_bytes + END.len());
    begin(&mut xml);
    for (name, value) in params.iter() {
        append(&mut xml, name, value, Look::of(value));
    }
    xml.push_str(END);
    xml
}

/// As [`write`], in the list's own memory where that is possible.
pub(crate) fn finish(params: Params<'_>) -> String {
    if params.written().is_none() {
        return write(&params);
    }
    let mut xml = params.into_text();
    begin(&mut xml);
    xml.push_str(END);
    xml
}

/// Where the parts of a field stand in the text that it was appended to.
pub(crate) struct Element {
    pub(crate) name_at: usize,
    /// Nothing, if the value does not stand there as it is.
    pub(crate) value_at: Option<usize>,
}

/// Begins a message that has not begun yet.
pub(crate) fn begin(xml: &mut String) {
    if xml.is_empty() {
        xml.push_str(START);
    }
}

/// The most bytes that a field takes in a text, with a copy of its value.
pub(crate) const fn element_max_bytes(name: &str, value: &str) -> usize {
    // A carriage return takes five bytes, `]]>` fifteen.
    (2 * name.len() + FIELD_MARKUP_BYTES).saturating_add(value.len().saturating_mul(6))
}

/// What is told about a value at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Digits.
    Number,
    /// Printable ASCII and blanks, without `]`.
    Plain,
    /// Any text.
    Other,
}

impl Look {
    pub(crate) fn of(value: &str) -> Self {
        let bytes = value.as_bytes();
        if !bytes.is_empty() && words::are_digits(bytes) {
            Self::Number
        } else if words::is_plain(bytes, b']') {
            Self::Plain
        } else {
            Self::Other
        }
    }
}

/// Appends a field as an element.
pub(crate) fn append(xml: &mut String, name: &str, value: &str, look: Look) -> Element {
    xml.reserve(2 * name.len() + value.len() + FIELD_MARKUP_BYTES);
    xml.push('<');
    let name_at = xml.len();
    xml.push_str(name);
    let value_at = if look == Look::Number {
        xml.push('>');
        xml.push_str(value);
        xml.push_str("</");
        Some(name_at + name.len() + ">".len())
    } else if look == Look::Plain || is_whole(value) {
        xml.push_str("><![CDATA[");
        xml.push_str(value);
        xml.push_str("]]></");
        Some(name_at + name.len() + "><![CDATA[".len())
    } else {
        xml.push('>');
        if value.contains('\r') {
            write_escaped(xml, value);
        } else {
            write_split(xml, value);
        }
        xml.push_str("</");
        None
    };
    xml.push_str(name);
    xml.push('>');
    Element { name_at, value_at }
}

/// Whether a value can stand in one CDATA section.
fn is_whole(value: &str) -> bool {
    !value.contains('\r') && !value.contains("]]>")
}

fn write_split(xml: &mut String, value: &str) {
    xml.push_str("<![CDATA[");
    let mut rest = value;
    while let Some(end) = rest.find("]]>") {
        let (head, tail) = rest.split_at(end + "]]".len());
        xml.push_str(head);
        xml.push_str("]]><![CDATA[");
        rest = tail;
    }
    xml.push_str(rest);
    xml.push_str("]]>");
}

fn write_escaped(xml: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\r' => xml.push_str("&#13;"),
            c => xml.push(c),
        }
    }
}
