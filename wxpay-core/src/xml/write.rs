//! Fields to a message.

use alloc::string::String;

use crate::Params;

/// What a field needs besides its name, twice, and its value.
const FIELD_MARKUP_BYTES: usize = "<></><![CDATA[]]>".len();

/// Writes a message: `<xml>`, each field as an element, `</xml>`, without white space or a declaration.
///
/// Digits stand plain; all else stands in CDATA, split where it holds `]]>`. A value with a carriage return is written
/// with references instead, since an XML reader may turn a bare one into a line feed and the sign would no longer hold.
/// Reading it back gives the same fields.
#[must_use]
pub fn write(params: &Params<'_>) -> String {
    let fields_bytes: usize = params
        .iter()
        .map(|(name, value)| 2 * name.len() + value.len() + FIELD_MARKUP_BYTES)
        .sum();
    let mut xml = String::with_capacity("<xml></xml>".len() + fields_bytes);
    xml.push_str("<xml>");
    for (name, value) in params.iter() {
        xml.push('<');
        xml.push_str(name);
        xml.push('>');
        write_value(&mut xml, value);
        xml.push_str("</");
        xml.push_str(name);
        xml.push('>');
    }
    xml.push_str("</xml>");
    xml
}

fn write_value(xml: &mut String, value: &str) {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        xml.push_str(value);
        return;
    }
    if value.contains('\r') {
        write_escaped(xml, value);
        return;
    }
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
