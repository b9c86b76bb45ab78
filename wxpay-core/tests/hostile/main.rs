//! Notifies that a forger, a broken proxy or an odd peer would send: each is taken or refused for the reason it should be,
//! on every way there is from bytes to what is verified.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod documents;
mod table;

use common::{seed_account, seed_key, seed_notify};
use wxpay_core::{
    NotifyError, Params, PayNotify, SignType, UnverifiedNotify, VerifyError, XmlError,
    in_place::{Field, InPlaceError, Message},
    sign, xml,
};

const MD5: SignType = SignType::Md5;
const HMAC: SignType = SignType::HmacSha256;

/// Why bytes were refused before anything was made of their fields.
#[derive(Debug, PartialEq)]
enum Refusal {
    Xml(XmlError),
    Verify(VerifyError),
}

/// On the way of most: a list of fields, then the sign over them.
fn by_parts(body: &[u8], order: SignType) -> Result<(), Refusal> {
    let params = xml::read(body).map_err(Refusal::Xml)?;
    sign::verify(&params, &[seed_key()], order).map_err(Refusal::Verify)
}

/// On the way of a controller without a heap.
fn in_place(body: &[u8], order: SignType) -> Result<(), Refusal> {
    let mut fields = [Field::EMPTY; 128];
    let mut text = vec![0; body.len()];
    match Message::read(body, &mut fields, &mut text) {
        Ok(message) => message
            .verify(&[seed_key()], order)
            .map(drop)
            .map_err(Refusal::Verify),
        Err(InPlaceError::Xml(error)) => Err(Refusal::Xml(error.into_owned())),
        Err(error) => panic!("there is room for everything, but {error}"),
    }
}

/// Receives a notify on all three ways, which must be of one mind. Only the notify's own looks further than the sign.
#[track_caller]
fn receive(body: impl AsRef<[u8]>, order: SignType) -> Result<PayNotify, NotifyError> {
    let body = body.as_ref();
    let notify =
        UnverifiedNotify::parse(body).and_then(|notify| notify.verify(&seed_account(), order));
    let verdict = match &notify {
        Err(NotifyError::Xml(error)) => Err(Refusal::Xml(error.clone())),
        Err(NotifyError::Verify(error)) => Err(Refusal::Verify(*error)),
        Ok(_) | Err(_) => Ok(()),
    };
    let text = String::from_utf8_lossy(&body[..body.len().min(2000)]);
    assert_eq!(by_parts(body, order), verdict, "by parts: {text}");
    assert_eq!(in_place(body, order), verdict, "in place: {text}");
    notify
}

/// The fields of the seed, without its sign.
fn seed_fields() -> Params<'static> {
    let xml = seed_notify();
    let read = xml::read(xml.as_bytes()).unwrap();
    let mut fields = Params::new();
    for (name, value) in read.iter().filter(|(name, _)| *name != "sign") {
        fields.insert(name.to_owned(), value.to_owned()).unwrap();
    }
    fields
}

/// The seed with more fields, signed anew.
fn resigned(more: &[(&str, &str)], sign_type: SignType) -> String {
    let mut fields = seed_fields();
    for (name, value) in more {
        fields
            .insert((*name).to_owned(), (*value).to_owned())
            .unwrap();
    }
    xml::write(&sign::signed(fields, &seed_key(), sign_type))
}

/// The seed with one more field that means `value`, signed so, and written on the wire as `raw`.
fn resigned_raw(name: &str, value: &str, raw: &str) -> String {
    let mut fields = seed_fields();
    fields.insert(name.to_owned(), value.to_owned()).unwrap();
    let signed = sign::signed(fields, &seed_key(), MD5);
    let mut xml = String::from("<xml>");
    for (field, plain) in signed.iter() {
        let text = if field == name { raw } else { plain };
        for piece in ["<", field, ">", text, "</", field, ">"] {
            xml.push_str(piece);
        }
    }
    xml + "</xml>"
}

/// The seed with its own sign, and `from` replaced by `to` in its XML.
#[track_caller]
fn tampered(from: &str, to: &str) -> String {
    let seed = seed_notify();
    assert_eq!(seed.matches(from).count(), 1, "{from}");
    seed.replacen(from, to, 1)
}

#[track_caller]
fn refused_xml(body: impl AsRef<[u8]>) -> XmlError {
    match receive(body, MD5) {
        Err(NotifyError::Xml(error)) => error,
        other => panic!("not refused as XML: {other:?}"),
    }
}

#[track_caller]
fn refused_sign(body: impl AsRef<[u8]>, order: SignType) -> VerifyError {
    match receive(body, order) {
        Err(NotifyError::Verify(error)) => error,
        other => panic!("not refused for its sign: {other:?}"),
    }
}
