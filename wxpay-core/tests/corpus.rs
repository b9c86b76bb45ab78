//! The fuzz targets' bodies over the committed corpora, and over a bounded number of mutations of them: 20 000 of each body
//! in every run of the tests, so in CI too. `cargo xtask nightly` asks for more, and `cargo xtask fuzz` has libFuzzer
//! drive the same bodies.
#![allow(clippy::unwrap_used)]

mod fuzz_bodies;
mod mutator;

use std::fs;
use std::path::PathBuf;

use mutator::Mutator;
use wxpay_core::{SignType, sign, xml};

/// Mutations of each body in a usual run; `FUZZ_RUNS` asks for more.
const RUNS: u32 = 20_000;

/// Pieces of messages and bills.
const TOKENS: [&str; 32] = [
    "<xml>",
    "</xml>",
    "<a>",
    "</a>",
    "<sign>",
    "</sign>",
    "<total_fee>",
    "</total_fee>",
    "/>",
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "]]",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE a>",
    "&amp;",
    "&#65;",
    "&#xD800;",
    "&#0;",
    "&",
    ";",
    "\r\n",
    " ",
    "\u{FEFF}",
    "茶",
    "\0",
    "`",
    ",",
];

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpora")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let inputs: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(inputs.len() >= 5, "{name}: the corpus is gone");
    inputs
}

/// Every file as it is, then mutations of them: the same ones in every run.
fn replay(name: &str, body: fn(&[u8])) {
    let inputs = corpus(name);
    for input in &inputs {
        body(input);
    }
    let runs = std::env::var("FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let mut mutator = Mutator::new(0x5eed_0001, &TOKENS);
    for run in 0..runs {
        let input = mutator.mutate(&inputs);
        let outcome = std::panic::catch_unwind(|| body(&input));
        assert!(
            outcome.is_ok(),
            "run {run} of {name}: {:?}",
            String::from_utf8_lossy(&input)
        );
    }
}

#[test]
fn read() {
    replay("xml", fuzz_bodies::read);
}

#[test]
fn verify() {
    replay("xml", fuzz_bodies::verify);
}

#[test]
fn differential() {
    replay("xml", fuzz_bodies::differential);
}

#[test]
fn bill() {
    replay("bill", fuzz_bodies::bill);
}

#[test]
fn refund() {
    replay("refund", fuzz_bodies::refund);
}

/// Mutations of what is refused anyway would tell little of the verify path.
#[test]
fn every_signed_seed_verifies() {
    for message in fuzz_bodies::SIGNED {
        let params = xml::read(message.as_bytes()).unwrap();
        let verifies = |sign_type| sign::verify(&params, fuzz_bodies::keys(), sign_type).is_ok();
        assert!(
            verifies(SignType::Md5) != verifies(SignType::HmacSha256),
            "{message}"
        );
    }
}

#[test]
fn the_recorded_notify_is_the_one_of_the_vectors() {
    let vectors = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/seed-messages.json"
    ));
    let vectors: serde_json::Value = serde_json::from_str(&vectors.unwrap()).unwrap();
    assert_eq!(
        vectors["pay_notify_md5_xml"].as_str().unwrap(),
        include_str!("corpora/xml/recorded_notify.xml")
    );
}
