//! Every endpoint: what it says of itself, requests there and back, answers with lists, and what a refusal means.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod advice;
mod answers;
mod any_answer;
mod codes;
mod lists;
mod pages;
mod requests;
mod rules;
mod samples;
mod table;
mod unsigned;

use common::{answer, params, seed_account, seed_key};
use wxpay_core::{
    Account, Fen, NonceStr, Params, SignType,
    api::{Endpoint, prepare},
    sign, xml,
};

const ENVELOPE: [(&str, &str); 5] = [
    ("return_code", "SUCCESS"),
    ("appid", "wx8397f8696b538317"),
    ("mch_id", "1473426802"),
    ("nonce_str", "fvMGIlLauUPNCtws"),
    ("result_code", "SUCCESS"),
];

fn fen(fen: u64) -> Fen {
    Fen::new(fen).unwrap()
}

fn nonce() -> NonceStr {
    "5K8264ILTKCH16CQ2502SI8ZNMTM67VS".parse().unwrap()
}

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut fields = ENVELOPE.to_vec();
    fields.extend(more);
    fields
}

/// Prepares a request, checks its sign, and gives its fields.
fn sent_by<E: Endpoint>(account: &Account, request: &E, sign_type: E::Sign) -> Params<'static> {
    let prepared = prepare(request, account, sign_type, &nonce()).unwrap();
    let params = xml::read_with(
        prepared.body.as_bytes(),
        "xml",
        &xml::Limits {
            max_value_bytes: 16 * 1024,
            ..xml::Limits::DEFAULT
        },
    )
    .unwrap()
    .into_owned();
    let sign_type: SignType = sign_type.into();
    assert_eq!(sign::verify(&params, &[seed_key()], sign_type), Ok(()));
    params
}

fn sent<E: Endpoint>(request: &E, sign_type: E::Sign) -> Params<'static> {
    sent_by(&seed_account(), request, sign_type)
}
