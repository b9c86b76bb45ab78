//! `paydesk sign` and `paydesk verify`: the protocol's sign at the command line.

use std::io::{Read, Write};

use serde_json::{Map, Value};
use wxpay_core::{ApiKey, Params, SignType, VerifyError, sign, string_to_sign, xml};

use crate::command::{Exit, fault};

/// The longest message that is read from standard input.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

fn input() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read standard input: {error}"))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(format!("the input is longer than {INPUT_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

fn print(text: &str) -> Exit {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Exit::Clean,
        Err(error) => fault(&format!("cannot write standard output: {error}")),
    }
}

/// A flat JSON object as fields: text and whole numbers only, since all that is signed is text.
fn from_json(bytes: &[u8]) -> Result<Params<'static>, String> {
    let object: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|error| format!("the input is neither <xml> nor a flat JSON object: {error}"))?;
    let mut params = Params::new();
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
            _ => return Err(format!("{name}: the value is text or a whole number")),
        };
        params
            .insert(name, text)
            .map_err(|error| error.to_string())?;
    }
    Ok(params)
}

fn read(bytes: &[u8]) -> Result<Params<'_>, String> {
    if bytes.trim_ascii_start().starts_with(b"<") {
        xml::read(bytes).map_err(|error| format!("unreadable XML: {error}"))
    } else {
        from_json(bytes)
    }
}

/// Signs what standard input holds and prints it as `<xml>`, with no field added but `sign`.
pub(crate) fn sign_input(key: &ApiKey, sign_type: SignType) -> Exit {
    let signed = input().and_then(|bytes| {
        let params = read(&bytes)?;
        if params.get("sign").is_some() {
            return Err("the input has a sign already".into());
        }
        Ok(xml::write(&sign::signed(params, key, sign_type)))
    });
    match signed {
        Ok(text) => print(&text),
        Err(reason) => fault(&reason),
    }
}

/// Verifies the `<xml>` of standard input; the sign's own length tells its type where none is named.
pub(crate) fn verify_input(keys: &[ApiKey], sign_type: Option<SignType>) -> Exit {
    let bytes = match input() {
        Ok(bytes) => bytes,
        Err(reason) => return fault(&reason),
    };
    let params = match xml::read(&bytes) {
        Ok(params) => params,
        Err(error) => return fault(&format!("unreadable XML: {error}")),
    };
    let sign_type = sign_type.unwrap_or_else(|| match params.get("sign") {
        Some(sign) if sign.len() == SignType::HmacSha256.sign_len() => SignType::HmacSha256,
        _ => SignType::Md5,
    });
    match sign::verify(&params, keys, sign_type) {
        Ok(()) => {
            let fields: Map<String, Value> = params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            print(&Value::Object(fields).to_string())
        }
        Err(error) => {
            explain(&params, keys, sign_type, &error);
            Exit::Found
        }
    }
}

/// Says what was signed, with the key masked, and whether the other type would have matched.
fn explain(params: &Params<'_>, keys: &[ApiKey], sign_type: SignType, error: &VerifyError) {
    eprintln!("the sign does not hold as {sign_type}: {error}");
    eprintln!("signed string: {}&key=***", string_to_sign(params));
    let other = match sign_type {
        SignType::Md5 => SignType::HmacSha256,
        SignType::HmacSha256 => SignType::Md5,
    };
    if sign::verify(params, keys, other).is_ok() {
        eprintln!("it holds as {other}");
    } else {
        eprintln!("it does not hold as {other} either: another key, or a changed message");
    }
}
