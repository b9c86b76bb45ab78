//! How long the two hot paths take, beside the hash that no implementation can avoid.
//!
//! `cargo run --release -p wxpay-core --example speed`
//!
//! Rounds of the works alternate, and the median of each is shown, so that other load on the machine weighs on all alike.

use std::{hint::black_box, time::Instant};

use md5::{Digest, Md5};
use wxpay_core::{
    Account, ApiKey, Fen, NonceStr, Params, SignType, UnverifiedNotify,
    api::{self, UnifiedOrder},
    sign, xml,
};

const ROUNDS: usize = 31;
const CALLS: u32 = 4000;

const NOTIFY: &str = include_str!("../tests/vectors/seed-messages.json");

/// One kind of work, and the nanoseconds per call of each round.
struct Work<'a> {
    name: &'static str,
    call: Box<dyn FnMut() + 'a>,
    rounds_ns: Vec<f64>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed: serde_json::Value = serde_json::from_str(NOTIFY)?;
    let text = |field: &str| seed[field].as_str().unwrap_or_default().to_owned();
    let key: ApiKey = text("api_key").parse()?;
    let account = Account::new("wx8397f8696b538317".parse()?, "1473426802".parse()?, key);
    let notify = text("pay_notify_md5_xml");
    let notify_text = to_hash(&xml::read(notify.as_bytes())?, &text("api_key"));

    let order = UnifiedOrder::native(
        "T20260101000001".parse()?,
        "腾讯充值中心-QQ会员充值".parse()?,
        Fen::new(101)?,
        "127.0.0.1".parse()?,
        "https://example.com/notify".parse()?,
        "P1".parse()?,
    );
    let nonce = NonceStr::from_random(*b"16 random bytes!");
    let prepared = api::prepare(&order, &account, SignType::Md5, &nonce)?;
    let request = xml::read(prepared.body.as_bytes())?;
    let request_text = to_hash(&request, &text("api_key"));
    let mut fields = Params::new();
    for (name, value) in request.iter().filter(|(name, _)| *name != "sign") {
        fields.insert(name, value)?;
    }
    println!(
        "request: {} fields, {} bytes hashed",
        fields.len(),
        request_text.len()
    );
    println!(
        "notify: {} bytes, {} bytes hashed",
        notify.len(),
        notify_text.len()
    );

    let read = xml::read(notify.as_bytes())?;
    let mut works = [
        work("md5 of the request's text", || {
            black_box(Md5::digest(black_box(&request_text)));
        }),
        work("sign the request, MD5", || {
            black_box(sign::sign(black_box(&fields), account.key(), SignType::Md5));
        }),
        work("sign and write the request, MD5", || {
            let signed = sign::signed(black_box(&fields).clone(), account.key(), SignType::Md5);
            black_box(xml::write(&signed));
        }),
        work("typed order to signed request, MD5", || {
            black_box(api::prepare(black_box(&order), &account, SignType::Md5, &nonce).is_ok());
        }),
        work("md5 of the notify's text", || {
            black_box(Md5::digest(black_box(&notify_text)));
        }),
        work("read the notify", || {
            black_box(xml::read(black_box(notify.as_bytes())).is_ok());
        }),
        work("verify the notify, once read", || {
            black_box(sign::verify(black_box(&read), account.keys(), SignType::Md5).is_ok());
        }),
        work("read and verify the notify", || {
            let read = xml::read(black_box(notify.as_bytes()));
            let holds =
                read.is_ok_and(|read| sign::verify(&read, account.keys(), SignType::Md5).is_ok());
            assert!(holds);
        }),
        work("read and verify in place", || {
            let mut room = [wxpay_core::in_place::Field::EMPTY; 24];
            let message = wxpay_core::in_place::Message::read(
                black_box(notify.as_bytes()), &mut room, &mut []).unwrap();
            assert!(message.verify(account.keys(), SignType::Md5).is_ok());
        }),
        work("read in place", || {
            let mut room = [wxpay_core::in_place::Field::EMPTY; 24];
            let message = wxpay_core::in_place::Message::read(
                black_box(notify.as_bytes()), &mut room, &mut []).unwrap();
            black_box(message.len());
        }),
        work("bytes to PayNotify", || {
            let notify = UnverifiedNotify::parse(black_box(notify.as_bytes()))
                .and_then(|notify| notify.verify(&account, SignType::Md5));
            assert!(notify.is_ok());
        }),
    ];
    for _ in 0..ROUNDS {
        for work in &mut works {
            let begin = Instant::now();
            for _ in 0..CALLS {
                (work.call)();
            }
            work.rounds_ns
                .push(begin.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
        }
    }
    let mut floor_ns = 0.0;
    for work in &mut works {
        work.rounds_ns.sort_by(f64::total_cmp);
        let median_ns = work.rounds_ns[ROUNDS / 2];
        if work.name.starts_with("md5 of") {
            floor_ns = median_ns;
        }
        println!(
            "{:36} {median_ns:7.0} ns  {:.2} x",
            work.name,
            median_ns / floor_ns
        );
    }
    Ok(())
}

fn work<'a>(name: &'static str, call: impl FnMut() + 'a) -> Work<'a> {
    Work {
        name,
        call: Box::new(call),
        rounds_ns: Vec::with_capacity(ROUNDS),
    }
}

/// The whole text that is hashed, joined.
fn to_hash(params: &Params<'_>, key: &str) -> String {
    sign::string_to_sign(params) + "&key=" + key
}
