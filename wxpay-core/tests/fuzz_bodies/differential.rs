//! Our flat reader against quick-xml.

use std::collections::HashSet;

use quick_xml::{Reader, events::Event};
use wxpay_core::xml::{self, Limits};

const WIDE: Limits = Limits {
    max_bytes: usize::MAX,
    max_fields: usize::MAX,
    max_value_bytes: usize::MAX,
    ..Limits::DEFAULT
};

/// What both take, they read alike; and what ours takes, quick-xml takes.
pub fn differential(bytes: &[u8]) {
    let ours = xml::read_with(bytes, "xml", &WIDE);
    let theirs = std::str::from_utf8(bytes).ok().map(flat);
    match (&ours, &theirs) {
        (Ok(params), Some(Ok(fields))) => {
            let ours: Vec<_> = params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(&ours, fields);
        }
        (Ok(params), Some(Err(refused))) => panic!("{params:?}, but they say {refused}"),
        // Theirs takes much that ours does not, such as names with a dash.
        (Err(_), _) => {}
        (Ok(_), None) => panic!("ours took what is not UTF-8"),
    }
}

/// The fields of a flat document as quick-xml's events tell them, or why it is none.
fn flat(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    let mut fields = Vec::new();
    let mut names = HashSet::new();
    let mut depth = 0;
    let mut field: Option<(String, String)> = None;
    let mut is_over = false;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                if tag.attributes().next().is_some() {
                    return Err("attributes".into());
                }
                let name = tag.name().as_ref().to_owned();
                match depth {
                    0 if is_over || name != "xml" => return Err("another root".into()),
                    0 => {}
                    1 if !names.insert(name.clone()) => return Err("a field twice".into()),
                    1 => field = Some((name, String::new())),
                    _ => return Err("nesting".into()),
                }
                depth += 1;
            }
            Event::End(_) => {
                depth -= 1;
                fields.extend(field.take());
                is_over = depth == 0;
            }
            Event::Text(piece) => take(&mut field, &piece)?,
            Event::CData(piece) => match &mut field {
                Some((_, value)) => value.push_str(&piece),
                None => return Err("CDATA between fields".into()),
            },
            Event::GeneralRef(reference) => {
                let c = match reference.resolve_char_ref() {
                    Ok(Some(c)) => c,
                    Ok(None) => match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => return Err(format!("the entity {other}")),
                    },
                    Err(error) => return Err(error.to_string()),
                };
                match &mut field {
                    Some((_, value)) => value.push(c),
                    None => return Err("a reference between fields".into()),
                }
            }
            Event::Comment(_) if field.is_some() || depth == 0 => {
                return Err("a comment".into());
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::Empty(_) => unreachable!("they are expanded"),
            Event::PI(_) | Event::DocType(_) => return Err("other markup".into()),
            Event::Eof if is_over => return Ok(fields),
            Event::Eof => return Err("cut off".into()),
        }
    }
}

fn take(field: &mut Option<(String, String)>, piece: &str) -> Result<(), String> {
    match field {
        Some((_, value)) => value.push_str(piece),
        None if piece.bytes().all(|byte| b" \t\r\n".contains(&byte)) => {}
        None => return Err("text between fields".into()),
    }
    Ok(())
}
