//! What is measured, and what it is measured against.

use std::{fmt::Write, hint::black_box};

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use wxpay_core::{
    Account, Fen, NonceStr, Params, SignType, UnverifiedNotify,
    api::{self, UnifiedOrder},
    in_place::{Field, Message},
    sign, string_to_sign,
    xml::{self, Limits},
};

const KEY: &str = "T6m9iK73b0kn9g5v426MKfHQH7X8rKwb";
/// The pay notify that the gateway sent.
const NOTIFY: &[u8] = include_bytes!("../../tests/corpora/xml/recorded_notify.xml");

/// For messages of any length.
pub(crate) const WIDE: Limits = Limits {
    max_bytes: usize::MAX,
    max_fields: usize::MAX,
    ..Limits::DEFAULT
};

/// One row of the table.
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    /// The most that it may take, as a multiple of the floor.
    pub(crate) goal: f64,
    /// The bare digest over the text, joined already.
    pub(crate) floor: Box<dyn Fn() + 'a>,
    pub(crate) ours: Box<dyn Fn() + 'a>,
}

/// The messages at hand.
pub(crate) struct Works {
    account: Account,
    notify: Params<'static>,
    /// What is hashed for the notify and for the request, key included.
    notify_text: String,
    request_text: String,
    order: UnifiedOrder,
    nonce: NonceStr,
}

impl Works {
    pub(crate) fn new() -> Self {
        let account = Account::new(
            "wx8397f8696b538317".parse().unwrap(),
            "1473426802".parse().unwrap(),
            KEY.parse().unwrap(),
        );
        let order = UnifiedOrder::native(
            "T20260101000001".parse().unwrap(),
            "腾讯充值中心-QQ会员充值".parse().unwrap(),
            Fen::new(101).unwrap(),
            "127.0.0.1".parse().unwrap(),
            "https://example.com/notify".parse().unwrap(),
            "P1".parse().unwrap(),
        );
        let nonce = NonceStr::from_random(*b"16 random bytes!");
        let notify = xml::read(NOTIFY).unwrap();
        let request = api::prepare(&order, &account, SignType::Md5, &nonce).unwrap();
        let request = xml::read(request.body.as_bytes()).unwrap();
        let to_hash = |params: &Params<'_>| string_to_sign(params) + "&key=" + KEY;
        Self {
            notify_text: to_hash(&notify),
            request_text: to_hash(&request),
            notify: notify.into_owned(),
            account,
            order,
            nonce,
        }
    }

    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let key = &self.account.keys()[0];
        vec![
            Row {
                name: "sign the notify, MD5",
                goal: 1.2,
                floor: Box::new(|| md5(&self.notify_text)),
                ours: Box::new(move || {
                    black_box(sign::sign(black_box(&self.notify), key, SignType::Md5));
                }),
            },
            Row {
                name: "sign the notify, HMAC-SHA256",
                goal: 1.3,
                floor: Box::new(|| hmac_sha256(&self.notify_text)),
                ours: Box::new(move || {
                    let notify = black_box(&self.notify);
                    black_box(sign::sign(notify, key, SignType::HmacSha256));
                }),
            },
            Row {
                name: "read and verify the notify",
                goal: 1.5,
                floor: Box::new(|| md5(&self.notify_text)),
                ours: Box::new(|| {
                    let mut fields = [Field::EMPTY; 24];
                    let message = Message::read(black_box(NOTIFY), &mut fields, &mut []).unwrap();
                    let verified = message.verify(self.account.keys(), SignType::Md5);
                    assert!(black_box(verified).is_ok());
                }),
            },
            Row {
                name: "bytes to PayNotify",
                goal: 1.8,
                floor: Box::new(|| md5(&self.notify_text)),
                ours: Box::new(|| {
                    let notify = UnverifiedNotify::parse(black_box(NOTIFY)).unwrap();
                    let notify = notify.verify(&self.account, SignType::Md5);
                    assert!(black_box(notify).is_ok());
                }),
            },
            Row {
                name: "order to signed request",
                goal: 1.5,
                floor: Box::new(|| md5(&self.request_text)),
                ours: Box::new(|| {
                    let order = black_box(&self.order);
                    let request = api::prepare(order, &self.account, SignType::Md5, &self.nonce);
                    assert!(black_box(request).is_ok());
                }),
            },
        ]
    }
}

fn md5(text: &str) {
    black_box(Md5::digest(black_box(text)));
}

fn hmac_sha256(text: &str) {
    let mut hmac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    hmac.update(black_box(text).as_bytes());
    black_box(hmac.finalize());
}

/// A message of about that many bytes, its fields like those of a notify and in order.
pub(crate) fn message_of(bytes: usize) -> String {
    let mut message = String::from("<xml>");
    for number in 0.. {
        if message.len() >= bytes {
            break;
        }
        let name = format!("n{number:05}_field");
        writeln!(message, "<{name}><![CDATA[c6bea293399a40e0a873]]></{name}>").unwrap();
    }
    message + "</xml>"
}
